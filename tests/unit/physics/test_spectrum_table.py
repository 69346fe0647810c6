from dataclasses import replace

import numpy as np
import pytest

from colliderfm.errors import ConfigError, DataError, PhysicsError
from colliderfm.physics.operators import CONTRIBUTING
from colliderfm.physics.spectrum_table import SpectrumTable, operator_pairs


@pytest.fixture
def table():
    """Two bins; only cHDD (0) and cHWB (1) matter: linear 2 and 3, squares 4 and 5, product 6."""
    linear, quadratic = np.zeros((17, 2)), np.zeros((153, 2))
    linear[0], linear[1] = 2.0, 3.0
    pairs = operator_pairs(17)
    for pair, value in (((0, 0), 4.0), ((1, 1), 5.0), ((0, 1), 6.0)):
        quadratic[pairs.index(pair)] = value
    return SpectrumTable(
        observable=("mll", "pt"),
        low_gev=np.array([50.0, 10.0]),
        high_gev=np.array([60.0, 15.0]),
        operators=CONTRIBUTING,
        sm_pb=np.array([100.0, 10.0]),
        linear_pb=linear,
        quadratic_pb=quadratic,
        error_pb=np.zeros(2),
    )


def test_a_prediction_is_the_hand_computed_polynomial(table):
    wilson = np.zeros(17)
    wilson[:2] = 2.0, -1.0
    assert table.predict_pb(wilson, "sm").tolist() == [100.0, 10.0]
    assert table.predict_pb(wilson, "linear").tolist() == [101.0, 11.0]
    # 4 * 4 + 5 * 1 + 6 * 2 * (-1) = 9
    assert table.predict_pb(wilson).tolist() == [110.0, 20.0]


def test_predictions_keep_leading_axes(table):
    wilson = np.random.default_rng(0).normal(size=(3, 4, 17))
    result = table.predict_pb(wilson)
    assert result.shape == (3, 4, 2)
    np.testing.assert_allclose(result[2, 1], table.predict_pb(wilson[2, 1]))


def test_a_negative_prediction_is_not_clipped(table):
    wilson = np.zeros(17)
    wilson[0] = -100.0
    assert (table.predict_pb(wilson, "linear") < 0.0).all()


def test_bins_know_their_widths_and_observables(table):
    assert table.n_bins == 2
    assert table.width_gev.tolist() == [10.0, 5.0]
    assert table.center_gev.tolist() == [55.0, 12.5]
    assert table.is_observable("pt").tolist() == [False, True]


def test_pairs_run_row_by_row():
    assert operator_pairs(3) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]


def test_a_linear_table_refuses_quadratic_predictions(table):
    linear = replace(table, quadratic_pb=np.zeros((0, 2)))
    assert (table.order, linear.order) == ("quadratic", "linear")
    with pytest.raises(PhysicsError, match="no quadratic terms"):
        linear.predict_pb(np.zeros(17))


@pytest.mark.parametrize(
    ("wilson", "order", "error"),
    [
        (np.zeros(16), "linear", ConfigError),
        (1.0, "linear", ConfigError),
        (np.zeros(17), "cubic", ConfigError),
        (np.full(17, np.nan), "linear", PhysicsError),
    ],
)
def test_wrong_coefficients_are_refused(table, wilson, order, error):
    with pytest.raises(error):
        table.predict_pb(wilson, order)


@pytest.mark.parametrize(
    "change",
    [
        {"sm_pb": np.array([1.0, np.nan])},
        {"sm_pb": np.ones(3)},
        {"linear_pb": np.zeros((16, 2))},
        {"quadratic_pb": np.zeros((152, 2))},
        {"high_gev": np.array([50.0, 15.0])},
        {"observable": ("mll", "eta")},
        {"operators": CONTRIBUTING[::-1]},
    ],
)
def test_a_table_that_does_not_fit_together_is_refused(table, change):
    with pytest.raises(DataError):
        replace(table, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda joint: joint[:-1], "shape"),
        (lambda joint: joint + np.tril(joint, -1), "bins 0 and 1"),
        (lambda joint: -joint, "bins 0 and 0"),
        (lambda joint: joint * 1.1, "bins 0 and 0"),
        (lambda joint: joint * np.nan, "bins 0 and 0"),
    ],
)
def test_shared_cross_sections_that_no_events_have_are_refused(table, change, message):
    joint = np.full((2, 2), 5.0)
    np.fill_diagonal(joint, table.sm_pb)
    assert replace(table, joint_pb=joint).joint_pb is joint
    with pytest.raises(DataError, match=message):
        replace(table, joint_pb=change(joint))
