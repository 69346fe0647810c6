import numpy as np
import pytest

from colliderfm.errors import ConfigError, PhysicsError
from colliderfm.physics.drell_yan import (
    HELICITIES,
    helicity_amplitudes,
    squared_amplitude,
    wilson_vector,
)
from colliderfm.physics.electroweak import DEFAULT_INPUTS, REFERENCE_INPUTS, ElectroweakInputs
from colliderfm.physics.operators import CONTRIBUTING, INERT


def test_photon_exchange_remains_far_below_the_pole():
    """|M|^2 -> e^4 Q_q^2 (1 + cos^2) / 3: QED's own formula."""
    cosine = np.linspace(-1.0, 1.0, 5)
    for quark, charge in (("u", 2.0 / 3.0), ("d", 1.0 / 3.0)):
        value = squared_amplitude(quark, 1.0, cosine, order="sm")
        qed = REFERENCE_INPUTS.charge_squared**2 * charge**2 * (1.0 + cosine**2) / 3.0
        np.testing.assert_allclose(value, qed, rtol=2e-3)


def test_energies_and_angles_broadcast():
    value = squared_amplitude("u", np.array([[60.0], [90.0]]), np.linspace(-1, 1, 7), {"clq3": 1.0})
    assert value.shape == (2, 7)
    assert value[1, 2] == squared_amplitude("u", 90.0, np.linspace(-1, 1, 7)[2], {"clq3": 1.0})


def test_orders_nest():
    """quadratic = linear + C^2 x (something positive), and linear is linear."""
    point = ("d", 400.0, 0.3)
    sm = squared_amplitude(*point, order="sm")
    one, two = (squared_amplitude(*point, {"cld": c}) - sm for c in (1.0, 2.0))
    assert two == pytest.approx(2.0 * one)
    squares = [
        squared_amplitude(*point, {"cld": c}, order="quadratic") - sm - c * one for c in (1.0, -3.0)
    ]
    assert squares[0] > 0.0
    assert squares[1] == pytest.approx(9.0 * squares[0])


def test_a_contact_term_has_its_hand_computed_square():
    """At C = 1 alone the square is s^2/12 (1 + cos)^2 / Lambda^4 for one helicity amplitude."""
    sm = squared_amplitude("u", 500.0, 0.5, order="sm")
    values = [
        squared_amplitude("u", 500.0, 0.5, {"ceu": c}, order="quadratic") for c in (1.0, -1.0)
    ]
    expected = 500.0**4 / 12.0 * 1.5**2 / 1000.0**4
    assert 0.5 * sum(values) - sm == pytest.approx(expected)


def test_operators_couple_to_their_own_helicities():
    amplitudes = helicity_amplitudes("u", 300.0, DEFAULT_INPUTS)
    assert amplitudes.shape == (18, 4)
    for name, touched in (
        ("ceu", [("R", "R")]),
        ("clu", [("R", "L")]),
        ("cqe", [("L", "R")]),
        ("ced", []),
        ("clq1", [("L", "L")]),
        ("cHe", [("R", "R"), ("L", "R")]),
    ):
        row = amplitudes[1 + CONTRIBUTING.index(name)]
        assert [HELICITIES[i] for i in np.flatnonzero(row)] == touched


def test_inert_operators_change_nothing():
    wilson = dict.fromkeys(INERT, 5.0)
    assert squared_amplitude("u", 90.0, 0.1, wilson, "quadratic") == squared_amplitude(
        "u", 90.0, 0.1
    )


def test_a_shifted_width_matters_on_the_pole_only():
    wilson = {"cHq3": 1.0}
    on, off = (
        squared_amplitude("u", mass, 0.0, wilson, width="linear")
        / squared_amplitude("u", mass, 0.0, wilson, width="fixed")
        for mass in (91.1876, 500.0)
    )
    assert abs(on - 1.0) > 0.05
    assert abs(off - 1.0) < 1e-3


def test_coefficients_scale_with_lambda():
    far = ElectroweakInputs(gf_gev2=REFERENCE_INPUTS.gf_gev2, lambda_tev=2.0)
    near = squared_amplitude("d", 200.0, 0.2, {"cHWB": 0.5, "clq3": 1.0}, "quadratic")
    assert near == pytest.approx(
        squared_amplitude("d", 200.0, 0.2, {"cHWB": 2.0, "clq3": 4.0}, "quadratic", far)
    )


def test_an_unknown_operator_is_refused_with_the_closest_name():
    with pytest.raises(ConfigError, match="closest: clq3"):
        squared_amplitude("u", 90.0, 0.0, {"Clq3": 1.0})


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        (("s", 90.0, 0.0), {}, ConfigError),
        (("u", 90.0, 0.0), {"order": "cubic"}, ConfigError),
        (("u", 90.0, 0.0), {"width": "running"}, ConfigError),
        (("u", 0.0, 0.0), {}, PhysicsError),
        (("u", [90.0, np.nan], 0.0), {}, PhysicsError),
        (("u", 90.0, 1.5), {}, PhysicsError),
        (("u", 90.0, 0.0), {"wilson": {"cHDD": np.inf}}, PhysicsError),
    ],
)
def test_impossible_requests_are_refused(arguments, options, error):
    with pytest.raises(error):
        squared_amplitude(*arguments, **options)


def test_named_coefficients_become_a_vector():
    vector = wilson_vector({"cll1": 2.0, "cHbox": 9.0})
    assert vector[CONTRIBUTING.index("cll1")] == 2.0
    assert np.count_nonzero(vector) == 1
