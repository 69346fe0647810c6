"""Amplitudes of q qbar -> mu+ mu- with dimension-6 operators, massless fermions, tree level.

Four helicity amplitudes per type of quark carry everything, and each is linear in the coefficients: the SM
amplitude plus one derivative per operator. "Quadratic" is the square of that linear amplitude, not the full
order 1/Lambda^4. Cross-sections at hadron level are in ``drell_yan_spectrum``.

References
----------
Brivio and Trott, arXiv:1701.06424; Brivio, arXiv:2012.11343 (conventions).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from colliderfm.errors import ConfigError, PhysicsError
from colliderfm.physics.electroweak import (
    CHARGE,
    REFERENCE_INPUTS,
    ElectroweakInputs,
    coupling_shifts,
)
from colliderfm.physics.operators import CONTRIBUTING, check_operator_names

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

QUARKS = ("u", "d")
ORDERS = ("sm", "linear", "quadratic")
WIDTHS = ("fixed", "linear")
HELICITIES = (("L", "L"), ("R", "R"), ("L", "R"), ("R", "L"))
"""Chiralities of quark and muon; the first two go with (1 + cos)^2, the others with (1 - cos)^2."""

# (quark, its chirality, chirality of the muon) -> contact terms of the amplitude times Lambda^2
_CONTACT: dict[tuple[str, str, str], dict[str, float]] = {
    ("u", "L", "L"): {"clq1": 1.0, "clq3": -1.0},
    ("d", "L", "L"): {"clq1": 1.0, "clq3": 1.0},
    ("u", "R", "R"): {"ceu": 1.0},
    ("d", "R", "R"): {"ced": 1.0},
    ("u", "R", "L"): {"clu": 1.0},
    ("d", "R", "L"): {"cld": 1.0},
    ("u", "L", "R"): {"cqe": 1.0},
    ("d", "L", "R"): {"cqe": 1.0},
}


def helicity_amplitudes(
    quark: str,
    mass_gev: ArrayLike,
    inputs: ElectroweakInputs,
    width: str = "fixed",
    with_operators: bool = True,
) -> ComplexArray:
    """Compute the SM amplitudes and their derivatives with respect to each coefficient.

    Parameters
    ----------
    quark : str
        ``u`` or ``d``: the type of the quark.
    mass_gev : array_like, shape (...), GeV
        Invariant mass of the pair.
    inputs : ElectroweakInputs
        Theory inputs and Lambda.
    width : str
        ``fixed`` keeps the Z width; ``linear`` shifts it to first order in the coefficients.
    with_operators : bool
        Whether to compute the derivatives.

    Returns
    -------
    ndarray, shape (18, 4, ...) or (1, 4, ...), GeV^-2
        First axis: SM, then ``CONTRIBUTING`` if asked; second axis: ``HELICITIES``.

    Raises
    ------
    ConfigError
        For another quark or width.
    PhysicsError
        If a mass is not finite and positive.

    Notes
    -----
    A_XY = e^2 Q_q Q_l / s + gZ^2 g_X^q g_Y^l / (s - mZ^2 + i mZ Gamma_Z) + K_XY / Lambda^2.
    """
    _check_choice("quark", quark, QUARKS)
    _check_choice("width", width, WIDTHS)
    mass = np.asarray(mass_gev, dtype=np.float64)
    if not (np.isfinite(mass).all() and (mass > 0.0).all()):
        raise PhysicsError("mass of the muon pair", got=mass_gev, need="finite and above 0 GeV")
    s = mass**2
    pole = 1j * inputs.mz_gev * inputs.gamma_z_gev
    propagator = 1.0 / (s - inputs.mz_gev**2 + pole)
    photon = inputs.charge_squared * CHARGE[quark] * CHARGE["e"] / s
    shifts = coupling_shifts(inputs)
    width_shift = shifts.width if width == "linear" else np.zeros_like(shifts.width)
    exchange = inputs.z_coupling**2 * propagator
    operators = CONTRIBUTING if with_operators else ()
    amplitudes = np.empty((1 + len(operators), len(HELICITIES), *s.shape), dtype=np.complex128)
    for i, (x, y) in enumerate(HELICITIES):
        g_quark, g_muon = inputs.chiral_coupling(quark, x), inputs.chiral_coupling("e", y)
        z_boson = exchange * g_quark * g_muon
        vertices = shifts.chiral[quark, x] * g_muon + g_quark * shifts.chiral["e", y]
        contact = _CONTACT[quark, x, y]
        amplitudes[0, i] = photon + z_boson
        for k, name in enumerate(operators):
            amplitudes[1 + k, i] = (
                2.0 * shifts.charge[k] * photon
                + (2.0 * shifts.z_coupling[k] - propagator * pole * width_shift[k]) * z_boson
                + vertices[k] * exchange
                + contact.get(name, 0.0) / (1000.0 * inputs.lambda_tev) ** 2
            )
    return amplitudes


def squared_amplitude(
    quark: str,
    sqrt_s_gev: ArrayLike,
    cos_theta: ArrayLike,
    wilson: Mapping[str, float] | None = None,
    order: str = "linear",
    inputs: ElectroweakInputs = REFERENCE_INPUTS,
    width: str = "fixed",
) -> Array:
    """Compute |M|^2 of q qbar -> mu+ mu-, averaged over initial spins and colors, summed over final spins.

    Parameters
    ----------
    quark : str
        ``u`` or ``d``.
    sqrt_s_gev : array_like, GeV
        Partonic energy; broadcasts against ``cos_theta``.
    cos_theta : array_like
        Cosine of the angle between the quark and the mu-.
    wilson : mapping of str to float, optional
        Coefficients at the scale ``inputs.lambda_tev`` (1 TeV by default) by SMEFTsim's name.
        Operators that do not contribute are accepted and change nothing.
    order : str
        ``sm``, ``linear`` (SM + linear) or ``quadratic`` (SM + linear + quadratic).
    inputs : ElectroweakInputs
        By default those of the reference points, with the rounded Fermi constant.
    width : str
        ``fixed`` or ``linear``.

    Returns
    -------
    ndarray, dimensionless
        d sigma / d cos = |M|^2 / (32 pi s).

    Raises
    ------
    ConfigError
        For an unknown quark, order, width or operator (with the closest name).
    PhysicsError
        For an energy that is not positive, a cosine outside [-1, 1], or a coefficient that is not finite.

    Examples
    --------
    >>> round(float(squared_amplitude("u", 91.1876, 0.0, order="sm")), 4)
    0.6181
    """
    _check_choice("order", order, ORDERS)
    cosine = np.asarray(cos_theta, dtype=np.float64)
    if not (np.abs(cosine) <= 1.0).all():
        raise PhysicsError("cosine of the polar angle", got=cos_theta, need="between -1 and 1")
    amplitudes = helicity_amplitudes(quark, sqrt_s_gev, inputs, width)
    sm = amplitudes[0]
    shift = np.tensordot(wilson_vector(wilson or {}), amplitudes[1:], axes=1)
    squares = np.abs(sm) ** 2
    if order == "linear":
        squares = squares + 2.0 * (sm.conj() * shift).real
    elif order == "quadratic":
        squares = np.abs(sm + shift) ** 2
    same, opposite = squares[0] + squares[1], squares[2] + squares[3]
    s = np.asarray(sqrt_s_gev, dtype=np.float64) ** 2
    result: Array = s**2 / 12.0 * (same * (1.0 + cosine) ** 2 + opposite * (1.0 - cosine) ** 2)
    return result


def wilson_vector(wilson: Mapping[str, float]) -> Array:
    """Spread named coefficients over ``CONTRIBUTING``.

    Parameters
    ----------
    wilson : mapping of str to float
        Coefficients by SMEFTsim's name; those without effect are left out.

    Returns
    -------
    ndarray, shape (17,)
        In the order of ``CONTRIBUTING``, 0 where not named.

    Raises
    ------
    ConfigError
        For an unknown operator, with the closest name.
    PhysicsError
        If a coefficient is not finite.
    """
    check_operator_names(wilson)
    for name, value in wilson.items():
        if not np.isfinite(value):
            raise PhysicsError(f"Wilson coefficient {name}", got=value, need="a finite number")
    return np.array([float(wilson.get(name, 0.0)) for name in CONTRIBUTING])


def _check_choice(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(what, got=value, need=f"one of {', '.join(allowed)}")
