"""Electroweak couplings in the {mW, mZ, GF} scheme, and how dimension-6 operators shift them.

Every shift is first order in the coefficients. In this scheme the electric charge shifts as well, so photon
exchange does not stay as in the SM. Names of operators are in ``operators``, amplitudes in ``drell_yan``.

References
----------
Brivio and Trott, arXiv:1706.08945, section 5; Brivio, arXiv:2012.11343, section 4 (SMEFTsim's conventions);
Alonso, Jenkins, Manohar, Trott, arXiv:1312.2014, section 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from colliderfm.errors import PhysicsError
from colliderfm.physics.operators import CONTRIBUTING

Array = NDArray[np.float64]

CHARGE: dict[str, float] = {"e": -1.0, "nu": 0.0, "u": 2.0 / 3.0, "d": -1.0 / 3.0}
WEAK_ISOSPIN: dict[str, float] = {"e": -0.5, "nu": 0.5, "u": 0.5, "d": -0.5}
# Massless decay channels of the Z: generations times colors.
_Z_CHANNELS: dict[str, int] = {"e": 3, "nu": 3, "u": 6, "d": 9}

# Direct shifts of the chiral Z couplings, in units of -v^2 / (2 Lambda^2).
_DIRECT: dict[tuple[str, str], dict[str, float]] = {
    ("e", "L"): {"cHl1": 1.0, "cHl3": 1.0},
    ("e", "R"): {"cHe": 1.0},
    ("nu", "L"): {"cHl1": 1.0, "cHl3": -1.0},
    ("u", "L"): {"cHq1": 1.0, "cHq3": -1.0},
    ("u", "R"): {"cHu": 1.0},
    ("d", "L"): {"cHq1": 1.0, "cHq3": 1.0},
    ("d", "R"): {"cHd": 1.0},
}


@dataclass(frozen=True)
class ElectroweakInputs:
    """Masses and constants that fix the theory.

    Parameters
    ----------
    mw_gev, mz_gev : float, GeV
        Boson masses.
    gf_gev2 : float, GeV^-2
        Fermi constant.
    gamma_z_gev : float, GeV
        Total width of the Z.
    lambda_tev : float, TeV
        Scale at which coefficients are quoted.

    Raises
    ------
    PhysicsError
        If one is not finite and positive, or the W is not lighter than the Z.
    """

    mw_gev: float = 80.387
    mz_gev: float = 91.1876
    gf_gev2: float = 1.1663787e-5
    gamma_z_gev: float = 2.4952
    lambda_tev: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0.0):
                raise PhysicsError(f"{field.name}", got=value, need="a finite number above 0")
        if self.mw_gev >= self.mz_gev:
            raise PhysicsError("mw_gev", got=self.mw_gev, need=f"below mz_gev = {self.mz_gev}")

    @property
    def cos2(self) -> float:
        """Squared cosine of the weak angle, mW^2 / mZ^2."""
        return self.mw_gev**2 / self.mz_gev**2

    @property
    def sin2(self) -> float:
        """Squared sine of the weak angle."""
        return 1.0 - self.cos2

    @property
    def vev_gev(self) -> float:
        """Vacuum expectation value, (sqrt2 GF)^(-1/2)."""
        return float((math.sqrt(2.0) * self.gf_gev2) ** -0.5)

    @property
    def z_coupling(self) -> float:
        """Coupling of the Z, 2 mZ / v."""
        return 2.0 * self.mz_gev / self.vev_gev

    @property
    def charge_squared(self) -> float:
        """Squared electric charge e^2 = 4 pi alpha."""
        return self.z_coupling**2 * self.sin2 * self.cos2

    @property
    def suppression(self) -> float:
        """Power counting factor v^2 / Lambda^2."""
        return (self.vev_gev / (1000.0 * self.lambda_tev)) ** 2

    def chiral_coupling(self, fermion: str, chirality: str) -> float:
        """Return T3 - Q sin^2 of a fermion of chirality ``L`` or ``R`` (T3 = 0)."""
        isospin = WEAK_ISOSPIN[fermion] if chirality == "L" else 0.0
        return isospin - CHARGE[fermion] * self.sin2


DEFAULT_INPUTS = ElectroweakInputs()
"""All digits of the Fermi constant: inputs of spectra."""

REFERENCE_INPUTS = ElectroweakInputs(gf_gev2=1.166379e-5)
"""The rounded Fermi constant of generator cards: inputs of amplitudes that are compared with one."""


@dataclass(frozen=True)
class CouplingShifts:
    """Shifts per unit coefficient; arrays run over ``CONTRIBUTING``.

    Parameters
    ----------
    charge, z_coupling : ndarray, shape (17,)
        Relative shifts of e and of the Z coupling.
    chiral : mapping of (fermion, chirality) to ndarray, shape (17,)
        Absolute shifts of the chiral couplings.
    width : ndarray, shape (17,)
        Relative shift of the Z width at leading order with massless fermions.
    """

    charge: Array
    z_coupling: Array
    chiral: Mapping[tuple[str, str], Array]
    width: Array


def coupling_shifts(inputs: ElectroweakInputs) -> CouplingShifts:
    """Compute how each operator shifts the couplings.

    Parameters
    ----------
    inputs : ElectroweakInputs
        Theory inputs and Lambda.

    Returns
    -------
    CouplingShifts
        Per unit coefficient, first order in 1/Lambda^2.

    Notes
    -----
    With r = v^2/Lambda^2 and dGF = r (2 C_Hl3 - C_ll'):
    de/e = -dGF/2 - r C_HD c^2/(4 s^2) - r C_HWB c/s; dgZ/gZ = -dGF/2 - r C_HD/4;
    d(s^2) = -r C_HD c^2/2 - r C_HWB s c.

    References
    ----------
    Brivio, arXiv:2012.11343, section 4.2 ({mW, mZ, GF} scheme).
    """
    r, sin2, cos2 = inputs.suppression, inputs.sin2, inputs.cos2
    sine, cosine = math.sqrt(sin2), math.sqrt(cos2)
    fermi = _vector({"cHl3": 2.0 * r, "cll1": -r})
    charge = -0.5 * fermi + _vector({"cHDD": -0.25 * r * cos2 / sin2, "cHWB": -r * cosine / sine})
    z_coupling = -0.5 * fermi + _vector({"cHDD": -0.25 * r})
    angle = _vector({"cHDD": -0.5 * r * cos2, "cHWB": -r * sine * cosine})
    chiral = {}
    for fermion, electric in CHARGE.items():
        for chirality in ("L", "R"):
            direct = _vector(_DIRECT.get((fermion, chirality), {}))
            chiral[fermion, chirality] = -electric * angle - 0.5 * r * direct
    return CouplingShifts(charge, z_coupling, chiral, _width_shift(inputs, z_coupling, chiral))


def _width_shift(
    inputs: ElectroweakInputs, z_coupling: Array, chiral: Mapping[tuple[str, str], Array]
) -> Array:
    """Return dGamma_Z/Gamma_Z, shape (17,): 2 dgZ/gZ + 2 sum N g dg / sum N g^2."""
    total, shift = 0.0, np.zeros(len(CONTRIBUTING))
    for fermion, weight in _Z_CHANNELS.items():
        for chirality in ("L", "R"):
            coupling = inputs.chiral_coupling(fermion, chirality)
            total += weight * coupling**2
            shift += 2.0 * weight * coupling * chiral[fermion, chirality]
    return 2.0 * z_coupling + shift / total


def _vector(entries: Mapping[str, float]) -> Array:
    """Spread named entries over ``CONTRIBUTING``, shape (17,)."""
    return np.array([entries.get(name, 0.0) for name in CONTRIBUTING])
