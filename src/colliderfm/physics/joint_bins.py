"""Cross-section of the events that two bins share: what makes the noise of two spectra correlated.

At leading order an event is a mass, a rapidity and an angle; mass and angle give the transverse momentum. So
every event lies in one bin of each spectrum, and a bin of one overlaps a bin of another in a range of both
observables: the same integral as a bin itself (``mass_kernel``). Read next: ``replicas``.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colliderfm.errors import DataError
from colliderfm.physics.densities import Densities
from colliderfm.physics.drell_yan import QUARKS, helicity_amplitudes
from colliderfm.physics.drell_yan_spectrum import bin_luminosity
from colliderfm.physics.electroweak import ElectroweakInputs
from colliderfm.physics.luminosity import Luminosity
from colliderfm.physics.mass_kernel import BinRange, bin_kernel
from colliderfm.physics.spectrum_settings import SpectrumSettings, bin_ranges
from colliderfm.physics.spectrum_table import SpectrumTable

Array = NDArray[np.float64]

_BOTH, _FORWARD, _BACKWARD = np.array([1.0, 1.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])


def joint_cross_sections(densities: Densities, settings: SpectrumSettings) -> Array:
    """Compute the Standard-Model cross-section of the events that each pair of bins shares.

    Parameters
    ----------
    densities : Densities
        Parton densities of the proton.
    settings : SpectrumSettings
        As for the table that the result belongs to.

    Returns
    -------
    ndarray, shape (B, B), pb
        Symmetric; the cross-section of each bin on the diagonal, 0 between bins of one observable.

    Raises
    ------
    PhysicsError
        If the densities are asked outside their range.
    """
    regions = _regions(settings)
    luminosity = bin_luminosity(densities, settings, settings.nodes)
    known: dict[BinRange, Array] = {}
    joint = np.zeros((len(regions), len(regions)))
    for first, (here, half) in enumerate(regions):
        for second, (there, other_half) in enumerate(regions[first:], start=first):
            common, halves = _overlap(here, there), half * other_half
            if common is None or not halves.any():
                continue
            if common not in known:
                known[common] = _halves_pb(luminosity, settings, common)
            joint[first, second] = joint[second, first] = known[common] @ halves
    return joint


def settings_of_table(table: SpectrumTable) -> SpectrumSettings:
    """Return the settings that a table was computed with.

    Parameters
    ----------
    table : SpectrumTable
        With its provenance.

    Returns
    -------
    SpectrumSettings
        Edges from the bins, everything else from the provenance.

    Raises
    ------
    DataError
        If the provenance does not tell.
    """
    record: dict[str, Any] = dict(table.provenance.get("settings", {}))
    names = {field.name for field in fields(SpectrumSettings)}
    missing = sorted(names - {*record, "mll_edges_gev", "pt_edges_gev", "mu_fixed_gev"})
    if missing or not {*record} <= names:
        got = f"without {', '.join(missing)}" if missing else sorted({*record} - names)
        raise DataError("settings in the provenance of a table", got=got, need="all settings")
    record["inputs"] = ElectroweakInputs(**record["inputs"])
    record["pt_mll_range_gev"] = tuple(record["pt_mll_range_gev"])
    for name in ("mll", "pt"):
        chosen = table.is_observable(name)
        edges = (*table.low_gev[chosen], *table.high_gev[chosen][-1:])
        record[f"{name}_edges_gev"] = tuple(float(edge) for edge in edges)
    return SpectrumSettings(**record)


def _regions(settings: SpectrumSettings) -> list[tuple[BinRange, Array]]:
    """Return phase space and forward and backward share of every bin, in the order of the table."""
    regions = [(each, _BOTH) for each in bin_ranges(settings)]
    if settings.forward_backward:
        mass_bins = [each for each, _ in regions[: max(len(settings.mll_edges_gev) - 1, 0)]]
        regions += [(each, half) for half in (_FORWARD, _BACKWARD) for each in mass_bins]
    return regions


def _overlap(here: BinRange, there: BinRange) -> BinRange | None:
    """Return the phase space that two bins share, None where there is none."""
    common = BinRange(
        max(here.mass_low_gev, there.mass_low_gev),
        min(here.mass_high_gev, there.mass_high_gev),
        max(here.pt_low_gev, there.pt_low_gev),
        min(here.pt_high_gev, there.pt_high_gev),
    )
    start = max(common.mass_low_gev, 2.0 * common.pt_low_gev)
    is_open = start < common.mass_high_gev and common.pt_low_gev < common.pt_high_gev
    return common if is_open else None


def _halves_pb(luminosity: Luminosity, settings: SpectrumSettings, common: BinRange) -> Array:
    """Integrate the forward and the backward half of a range, shape (2,), pb."""
    inputs = settings.effective_inputs
    kernel = bin_kernel(luminosity, common, (inputs.mz_gev, inputs.gamma_z_gev), settings.nodes)
    halves = np.zeros(2)
    for quark, weight in zip(QUARKS, kernel.weight, strict=True):
        amplitudes = helicity_amplitudes(quark, kernel.mass_gev, inputs, with_operators=False)
        squares = np.abs(amplitudes[0]) ** 2
        same, opposite = squares[:2].sum(axis=0), squares[2:].sum(axis=0)
        halves += weight @ same + weight[::-1] @ opposite
    return halves
