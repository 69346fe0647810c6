import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.physics.electroweak import (
    DEFAULT_INPUTS,
    REFERENCE_INPUTS,
    ElectroweakInputs,
    coupling_shifts,
)
from colliderfm.physics.operators import CONTRIBUTING

# Relative shift of the Z width per unit coefficient, from an independent generator with massless fermions.
WIDTH_SHIFTS = {
    "cHDD": -0.004367,
    "cHWB": 0.027788,
    "cHl1": -0.011003,
    "cHl3": -0.082878,
    "cHe": -0.011003,
    "cHq1": 0.028354,
    "cHq3": 0.097759,
    "cHu": 0.014671,
    "cHd": -0.011003,
    "cll1": 0.060624,
}


def test_derived_couplings_have_their_known_values():
    assert DEFAULT_INPUTS.sin2 == pytest.approx(0.222859, abs=1e-6)
    assert DEFAULT_INPUTS.vev_gev == pytest.approx(246.2197, abs=1e-4)
    assert 4.0 * np.pi / DEFAULT_INPUTS.charge_squared == pytest.approx(132.2496, abs=1e-3)
    assert DEFAULT_INPUTS.suppression == pytest.approx(0.0606241, abs=1e-7)


def test_the_two_sets_of_inputs_differ_in_digits_of_the_fermi_constant_alone():
    ratio = REFERENCE_INPUTS.gf_gev2 / DEFAULT_INPUTS.gf_gev2
    assert 1e-7 < ratio - 1.0 < 5e-7
    assert REFERENCE_INPUTS.mz_gev == DEFAULT_INPUTS.mz_gev


def test_width_shifts_agree_with_an_independent_calculation():
    width = dict(zip(CONTRIBUTING, coupling_shifts(DEFAULT_INPUTS).width, strict=True))
    for name, value in width.items():
        assert value == pytest.approx(WIDTH_SHIFTS.get(name, 0.0), abs=1e-6), name


def test_the_muon_lifetime_shifts_all_couplings_alike():
    """cll1 enters through GF alone: e and gZ rise by r/2, chiral couplings stay."""
    shifts, k = coupling_shifts(DEFAULT_INPUTS), CONTRIBUTING.index("cll1")
    half = 0.5 * DEFAULT_INPUTS.suppression
    assert shifts.charge[k] == pytest.approx(half)
    assert shifts.z_coupling[k] == pytest.approx(half)
    assert all(each[k] == 0.0 for each in shifts.chiral.values())


def test_shifts_fall_with_the_squared_scale():
    near, far = (
        coupling_shifts(ElectroweakInputs(lambda_tev=scale)).charge for scale in (1.0, 2.0)
    )
    np.testing.assert_allclose(near, 4.0 * far)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lambda_tev": 0.0},
        {"lambda_tev": -1.0},
        {"gf_gev2": float("nan")},
        {"mw_gev": 100.0},
        {"gamma_z_gev": float("inf")},
    ],
)
def test_impossible_inputs_are_refused(wrong):
    with pytest.raises(PhysicsError, match=next(iter(wrong))) as caught:
        ElectroweakInputs(**wrong)
    assert caught.value.exit_code == 7
