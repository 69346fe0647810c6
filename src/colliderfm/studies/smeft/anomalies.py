"""Study smeft: spectra that no universe explains, and how well a score finds them.

The four cases of the source study are added to the Standard Model: an excess that rises in the tail,
a shifted Z peak, a Breit-Wigner at 500 GeV, and all three. An excess in the dimuon mass enters the
transverse momenta of the same events. Each is scaled to the same significance (bins independent), so
that areas under the curve compare shapes, not sizes; the physical size that this needs is kept. A
fifth case are universes of operators that the head never saw. Training uses none of them: it draws
random smooth distortions. Read next: ``retrieval.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from colliderfm.physics.operators import CONTRIBUTING, INERT
from colliderfm.physics.spectrum_table import SpectrumTable

CASES = ("tail_excess", "shifted_z_peak", "resonance_500_gev", "all_three")
STRENGTH_SIGMA = 8.0
# Operators with the largest effect in the tail; the head of the fifth case never sees them active.
HELD_OUT_OPERATORS = ("clq3", "ceu")
HELD_OUT_CASE = "held_out_operators"
# A log-uniform coefficient is above it with probability 0.24; below it hides in the noise.
ACTIVE_ABOVE = 0.1

_Z_MASS_GEV, _Z_WIDTH_GEV = 91.1876, 2.4952
_PEAK_RANGE_GEV = (60.0, 120.0)
_TAIL_FROM_GEV = 300.0
_RESONANCE_MASS_GEV, _RESONANCE_WIDTH_GEV = 500.0, 10.0
_SHIFT_STEP_GEV = 0.05
_PT_MIN_GEV = 10.0
_POINTS_PER_BIN = 20


@dataclass(frozen=True)
class Anomaly:
    """One case.

    Parameters
    ----------
    name : str
        One of ``CASES``.
    mean : ndarray, shape (B,), pb/GeV
        Expected spectrum.
    size : float
        Physical size: relative excess in the last mass bin, shift in GeV, or cross section in pb;
        for all three the number of them.
    unit : str
        Unit of the size.
    """

    name: str
    mean: np.ndarray
    size: float
    unit: str


def anomalies(
    table: SpectrumTable, sigma: np.ndarray, strength: float = STRENGTH_SIGMA
) -> list[Anomaly]:
    """Return the four cases of the source study.

    Parameters
    ----------
    table : SpectrumTable
        Standard Model and bins; needs ``mll``.
    sigma : ndarray, shape (B,), pb/GeV
        Noise per bin.
    strength : float
        Root of the sum of squared pulls of each single anomaly.

    Returns
    -------
    list of Anomaly
        In the order of ``CASES``.
    """
    sm = table.sm_pb / table.width_gev
    scaled, sizes = [], []
    for change_pb, size in (_tail_excess(table), _shifted_peak(table), _resonance(table)):
        change = _in_all_bins(table, change_pb) / table.width_gev
        scale = strength / float(np.sqrt(((change / sigma) ** 2).sum()))
        scaled.append(scale * change)
        sizes.append(scale * size)
    units = ("of the SM in the last mass bin", "GeV", "pb")
    found = [
        Anomaly(name, sm + change, size, unit)
        for name, change, size, unit in zip(CASES, scaled, sizes, units, strict=False)
    ]
    return [*found, Anomaly(CASES[3], sm + np.sum(scaled, axis=0), 3.0, "anomalies")]


def _mass_bins(table: SpectrumTable) -> np.ndarray:
    return np.flatnonzero(np.array(table.observable) == "mll")


def _tail_excess(table: SpectrumTable) -> tuple[np.ndarray, float]:
    """Relative excess that rises from zero with the square of the mass; 1 in the last bin."""
    bins = _mass_bins(table)
    rise = np.clip(table.center_gev[bins] - _TAIL_FROM_GEV, 0.0, None) ** 2
    return table.sm_pb[bins] * rise / rise[-1], 1.0


def _shifted_peak(table: SpectrumTable) -> tuple[np.ndarray, float]:
    """Change of a Breit-Wigner of the Z when its mass moves, at first order."""
    bins = _mass_bins(table)
    low, high = table.low_gev[bins], table.high_gev[bins]
    before, after = (
        _breit_wigner_share(low, high, _Z_MASS_GEV + sign * _SHIFT_STEP_GEV / 2, _Z_WIDTH_GEV)
        for sign in (-1, 1)
    )
    is_peak = (low >= _PEAK_RANGE_GEV[0]) & (high <= _PEAK_RANGE_GEV[1])
    total_pb = table.sm_pb[bins][is_peak].sum()
    return np.where(is_peak, total_pb * (after - before), 0.0), _SHIFT_STEP_GEV


def _resonance(table: SpectrumTable) -> tuple[np.ndarray, float]:
    """One picobarn of a narrow resonance."""
    bins = _mass_bins(table)
    share = _breit_wigner_share(
        table.low_gev[bins], table.high_gev[bins], _RESONANCE_MASS_GEV, _RESONANCE_WIDTH_GEV
    )
    return share / share.sum(), 1.0


def _breit_wigner_share(
    low_gev: np.ndarray, high_gev: np.ndarray, mass_gev: float, width_gev: float
) -> np.ndarray:
    """Share of a relativistic Breit-Wigner in each bin."""
    scale = mass_gev * width_gev
    primitive = [np.arctan((edge**2 - mass_gev**2) / scale) / np.pi for edge in (low_gev, high_gev)]
    return primitive[1] - primitive[0]


def _in_all_bins(table: SpectrumTable, change_pb: np.ndarray) -> np.ndarray:
    """Carry a change of the mass spectrum to every observable of the table."""
    mass = _mass_bins(table)
    relative = change_pb / table.sm_pb[mass]
    change = table.sm_pb * np.interp(table.center_gev, table.center_gev[mass], relative)
    change[mass] = change_pb
    is_pt = np.array(table.observable) == "pt"
    change[is_pt] = change_pb @ mass_to_pt(table)
    return np.asarray(change)


def mass_to_pt(table: SpectrumTable) -> np.ndarray:
    """Share of the events of each mass bin in each bin of transverse momentum, at leading order.

    Parameters
    ----------
    table : SpectrumTable
        Bins of ``mll`` (M of them) and ``pt`` (P of them).

    Returns
    -------
    ndarray, shape (M, P)
        From ``pt = m sin(theta) / 2`` and ``1 + cos^2(theta)`` above 10 GeV; rows add up to the
        share that the pt bins cover.
    """
    mass, names = _mass_bins(table), np.array(table.observable)
    step = (np.arange(_POINTS_PER_BIN) + 0.5) / _POINTS_PER_BIN
    points_gev = table.low_gev[mass, None] + step * table.width_gev[mass, None]
    pt_low, pt_high = table.low_gev[names == "pt"], table.high_gev[names == "pt"]

    def angle_integral(pt_gev: np.ndarray) -> np.ndarray:
        cosine = np.sqrt(np.clip(1.0 - (2.0 * pt_gev / points_gev[..., None]) ** 2, 0.0, 1.0))
        return np.asarray(cosine + cosine**3 / 3.0)

    share = angle_integral(pt_low) - angle_integral(pt_high)
    return np.asarray((share / angle_integral(np.array([_PT_MIN_GEV]))).mean(axis=1))


def held_out_wilson(n_universes: int, seed: int) -> np.ndarray:
    """Draw universes in which only the held-out operators are active.

    Parameters
    ----------
    n_universes : int
        How many.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray, shape (n_universes, 31)
        Coefficients of size 0.5 to 2, log-uniform, with random signs.
    """
    rng = np.random.default_rng([0x0FF, seed])
    columns = [(*CONTRIBUTING, *INERT).index(name) for name in HELD_OUT_OPERATORS]
    wilson = np.zeros((n_universes, len(CONTRIBUTING) + len(INERT)))
    size = np.exp(rng.uniform(np.log(0.5), np.log(2.0), (n_universes, len(columns))))
    wilson[:, columns] = size * rng.choice([-1.0, 1.0], size.shape)
    return wilson


def without_held_out(wilson: np.ndarray) -> np.ndarray:
    """Return the universes in which every held-out operator is inactive.

    Parameters
    ----------
    wilson : ndarray, shape (U, 31)
        Coefficients.

    Returns
    -------
    ndarray, int
        Indices of universes with both sizes below ``ACTIVE_ABOVE``.
    """
    columns = [(*CONTRIBUTING, *INERT).index(name) for name in HELD_OUT_OPERATORS]
    return np.flatnonzero((np.abs(wilson[:, columns]) < ACTIVE_ABOVE).all(axis=1))


def distort(
    rng: np.random.Generator,
    values: np.ndarray,
    observable: tuple[str, ...],
    sigma: np.ndarray,
    strengths_sigma: tuple[float, float] = (4.0, 80.0),
) -> np.ndarray:
    """Push spectra off the manifold of universes by random smooth distortions.

    Parameters
    ----------
    rng : numpy.random.Generator
        Advanced by the draw.
    values : ndarray, shape (N, B), pb/GeV
        Spectra.
    observable : tuple of str, length B
        Bins of one observable are distorted together.
    sigma : ndarray, shape (B,), pb/GeV
        Noise per bin.
    strengths_sigma : tuple of float
        Range of the size, as ``anomalies`` counts it; log-uniform.

    Returns
    -------
    ndarray, shape (N, B), float32, pb/GeV
        Each spectrum plus a bump or a wave of random place and width in every observable.
    """
    shape = np.zeros(values.shape)
    names = np.array(observable)
    for name in dict.fromkeys(observable):
        bins = np.flatnonzero(names == name)
        place = np.arange(len(bins))
        center = rng.uniform(0, len(bins), (len(values), 1))
        width = np.exp(rng.uniform(np.log(0.5), np.log(len(bins) / 2), (len(values), 1)))
        phase = rng.uniform(0.0, 2.0 * np.pi, (len(values), 1))
        waves = rng.uniform(0.0, 2.0, (len(values), 1))
        distance = (place - center) / width
        weight = rng.normal(size=(len(values), 1))
        shape[:, bins] = weight * np.exp(-0.5 * distance**2) * np.cos(waves * distance + phase)
    low, high = np.log(strengths_sigma)
    size = np.exp(rng.uniform(low, high, (len(values), 1)))
    shape *= size / np.sqrt((shape**2).sum(axis=1, keepdims=True) + 1e-12)
    return np.asarray(values + shape * sigma, dtype=np.float32)


def area_under_curve(background: np.ndarray, signal: np.ndarray) -> float:
    """Probability that a signal scores above a background, ties counted half.

    Parameters
    ----------
    background, signal : ndarray, shape (N,) and (M,)
        Scores.

    Returns
    -------
    float
        In [0, 1]; 0.5 without separation.
    """
    ranks = stats.rankdata(np.concatenate([background, signal]))
    n_signal, n_background = len(signal), len(background)
    above = ranks[n_background:].sum() - n_signal * (n_signal + 1) / 2
    return float(above / (n_signal * n_background))
