"""Cross-sections of pp -> mu+ mu- in bins of mass and transverse momentum, leading order.

``compute_table`` tabulates the parton luminosity, integrates every bin, and contracts with the helicity
amplitudes: one 18 x 18 matrix per bin holds the SM, all linear and all quadratic terms. The whole is
done at two resolutions; their difference is the quoted error, and the finer result is kept.

Read next: ``spectrum_table`` for what comes out, ``luminosity`` and ``mass_kernel`` for the integrals.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colliderfm.physics.densities import Densities, ToyDensities
from colliderfm.physics.drell_yan import HELICITIES, QUARKS, helicity_amplitudes
from colliderfm.physics.luminosity import Luminosity, LuminosityGrid, tabulate_luminosity
from colliderfm.physics.mass_kernel import BinRange, MassKernel, bin_kernel
from colliderfm.physics.operators import CONTRIBUTING
from colliderfm.physics.spectrum_settings import (
    DEFAULT_MLL_EDGES_GEV,
    DEFAULT_PT_EDGES_GEV,
    SpectrumSettings,
    bin_labels,
    bin_ranges,
)
from colliderfm.physics.spectrum_table import SpectrumTable, operator_pairs

__all__ = [
    "DEFAULT_MLL_EDGES_GEV",
    "DEFAULT_PT_EDGES_GEV",
    "Densities",
    "SpectrumSettings",
    "ToyDensities",
    "bin_luminosity",
    "compute_table",
]

Array = NDArray[np.float64]


def compute_table(densities: Densities, settings: SpectrumSettings | None = None) -> SpectrumTable:
    """Compute the cross-sections of all bins.

    Parameters
    ----------
    densities : Densities
        Parton densities of the proton.
    settings : SpectrumSettings, optional
        Scale, flavors, order, width, cuts and bins; the defaults if left out.

    Returns
    -------
    SpectrumTable
        Bins of ``mll``, then of ``pt``, then of the forward and of the backward half if asked.

    Raises
    ------
    PhysicsError
        If the densities are asked outside their range.

    References
    ----------
    Collins and Soper, Phys. Rev. D 16 (1977) 2219 (the angle of the split spectrum).
    """
    settings = settings or SpectrumSettings()
    coarse, fine = (
        _integrate(densities, settings, n) for n in (settings.nodes // 2, settings.nodes)
    )
    difference = np.abs(fine[:, 0, 0] - coarse[:, 0, 0])
    i, j = np.array(operator_pairs(len(CONTRIBUTING))).T
    quadratic = (np.where(i == j, 1.0, 2.0) * fine[:, 1 + i, 1 + j]).T
    names, low, high = zip(*bin_labels(settings), strict=True)
    return SpectrumTable(
        observable=names,
        low_gev=np.array(low),
        high_gev=np.array(high),
        operators=CONTRIBUTING,
        sm_pb=fine[:, 0, 0].copy(),
        linear_pb=2.0 * fine[:, 0, 1:].T,
        quadratic_pb=quadratic if settings.order == "quadratic" else quadratic[:0],
        error_pb=difference,
        provenance={
            "process": "p p -> mu+ mu-, leading order",
            "densities": {"name": type(densities).__name__},
            "settings": _settings_record(settings),
            "largest_relative_error": float((difference / fine[:, 0, 0]).max()),
        },
    )


def bin_luminosity(densities: Densities, settings: SpectrumSettings, nodes: int) -> Luminosity:
    """Tabulate the parton luminosity over the phase space of all bins.

    Parameters
    ----------
    densities : Densities
        Parton densities of the proton.
    settings : SpectrumSettings
        Bins, cuts, scale and flavors.
    nodes : int
        Resolution.

    Returns
    -------
    Luminosity
        For ``bin_kernel``.

    Raises
    ------
    PhysicsError
        If the densities are asked outside their range.
    """
    grid = _grid(settings, list(bin_ranges(settings)), nodes)
    return tabulate_luminosity(densities, grid, _FactorizationScale(settings))


def _settings_record(settings: SpectrumSettings) -> dict[str, Any]:
    """Return the settings for the provenance; the edges stand in the bins."""
    record = asdict(settings)
    record["inputs"] = asdict(settings.effective_inputs)
    record["pt_mll_range_gev"] = list(settings.pt_mll_range_gev)
    return {name: value for name, value in record.items() if not name.endswith("_edges_gev")}


def _integrate(densities: Densities, settings: SpectrumSettings, nodes: int) -> Array:
    """Return the symmetric matrix of every bin in pb, shape (B, 18, 18), at one resolution."""
    luminosity = bin_luminosity(densities, settings, nodes)
    pole = (settings.inputs.mz_gev, settings.inputs.gamma_z_gev)
    kernels = [bin_kernel(luminosity, each, pole, nodes) for each in bin_ranges(settings)]
    whole = [_contract(kernel, settings, (1.0, 1.0)) for kernel in kernels]
    if settings.forward_backward:
        split = kernels[: max(len(settings.mll_edges_gev) - 1, 0)]
        whole += [_contract(kernel, settings, (1.0, 0.0)) for kernel in split]
        whole += [_contract(kernel, settings, (0.0, 1.0)) for kernel in split]
    return np.stack(whole)


def _contract(kernel: MassKernel, settings: SpectrumSettings, halves: tuple[float, float]) -> Array:
    """Contract with helicity amplitudes, shape (18, 18); ``halves`` switch forward and backward on."""
    result = np.zeros((1 + len(CONTRIBUTING),) * 2)
    for quark, weight in zip(QUARKS, kernel.weight, strict=True):
        amplitudes = helicity_amplitudes(
            quark, kernel.mass_gev, settings.effective_inputs, settings.width
        )
        equal = halves[0] * weight[0] + halves[1] * weight[1]
        opposite = halves[0] * weight[1] + halves[1] * weight[0]
        by_helicity = np.stack([equal, equal, opposite, opposite])
        rows = amplitudes.reshape(len(result), -1)
        weighted = (amplitudes * by_helicity).reshape(len(result), len(HELICITIES) * equal.size)
        result += weighted.real @ rows.real.T + weighted.imag @ rows.imag.T
    return 0.5 * (result + result.T)


def _grid(settings: SpectrumSettings, ranges: list[BinRange], nodes: int) -> LuminosityGrid:
    """Cover all bins."""
    low = min(max(each.mass_low_gev, 2.0 * each.pt_low_gev) for each in ranges)
    high = max(each.mass_high_gev for each in ranges)
    star_max = settings.eta_max
    if settings.pt_min_gev > 0.0:
        star_max = min(star_max, float(np.arccosh(max(high / (2.0 * settings.pt_min_gev), 1.0))))
    return LuminosityGrid(
        low,
        high,
        star_max,
        settings.eta_max,
        settings.collision_energy_gev,
        settings.nf,
        nodes,
    )


class _FactorizationScale:
    """The scale in GeV from mass and y*."""

    def __init__(self, settings: SpectrumSettings) -> None:
        self.settings = settings

    def __call__(self, mass_gev: Array, rapidity_star: Array) -> Array:
        if self.settings.mu_f == "fixed":
            return np.full_like(mass_gev, self.settings.mu_fixed_gev)
        if self.settings.mu_f == "mll":
            return mass_gev
        result: Array = mass_gev / (2.0 * np.cosh(rapidity_star))
        return result
