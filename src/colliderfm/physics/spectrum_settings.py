"""Options of a table of spectra: scale, flavors, order, width, cuts and bins, all checked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from colliderfm.errors import ConfigError, DataError, PhysicsError
from colliderfm.physics.drell_yan import WIDTHS
from colliderfm.physics.electroweak import DEFAULT_INPUTS, ElectroweakInputs
from colliderfm.physics.mass_kernel import BinRange

DEFAULT_MLL_EDGES_GEV: tuple[float, ...] = tuple(50.0 + 10.0 * i for i in range(61))
DEFAULT_PT_EDGES_GEV: tuple[float, ...] = (*(10.0 + 10.0 * i for i in range(32)), 325.0)
SCALES = ("mll", "pt", "fixed")


@dataclass(frozen=True)
class SpectrumSettings:
    """Everything about a table but the parton densities.

    Parameters
    ----------
    mu_f : str
        Factorization scale: ``mll``, ``pt`` (of the muons) or ``fixed``.
    mu_fixed_gev : float, GeV
        Its value if fixed.
    nf : int
        Quark flavors in the proton: 4, or 5 with bottom.
    order : str
        ``linear`` or ``quadratic``: terms in the table.
    width : str
        Z width: ``fixed``, or ``linear`` in the coefficients.
    lambda_tev : float, TeV
        Scale of the coefficients; replaces the one of ``inputs``.
    pt_min_gev, eta_max : float, GeV and dimensionless
        Cuts on both muons.
    mll_edges_gev, pt_edges_gev : tuple of float, GeV
        Edges of the two spectra; an empty one leaves the spectrum out.
    pt_mll_range_gev : tuple of float, GeV
        Range of the mass in the transverse-momentum spectrum.
    forward_backward : bool
        Whether to add the mass spectrum split by the sign of cos theta* times that of the pair's rapidity.
    collision_energy_gev : float, GeV
        Energy of the collider.
    inputs : ElectroweakInputs
        Masses and constants.
    nodes : int
        Resolution of the finer of the two integrations, an even number.

    Raises
    ------
    ConfigError
        For an unknown option.
    DataError
        If edges do not rise, are not finite, or are all missing.
    PhysicsError
        For an impossible number, or a bin without phase space.
    """

    mu_f: str = "mll"
    mu_fixed_gev: float = 91.1876
    nf: int = 4
    order: str = "quadratic"
    width: str = "fixed"
    lambda_tev: float = 1.0
    pt_min_gev: float = 10.0
    eta_max: float = 2.5
    mll_edges_gev: tuple[float, ...] = DEFAULT_MLL_EDGES_GEV
    pt_edges_gev: tuple[float, ...] = DEFAULT_PT_EDGES_GEV
    pt_mll_range_gev: tuple[float, float] = (50.0, 650.0)
    forward_backward: bool = False
    collision_energy_gev: float = 13000.0
    inputs: ElectroweakInputs = DEFAULT_INPUTS
    nodes: int = 16

    def __post_init__(self) -> None:
        choices = {
            "mu_f": SCALES,
            "nf": (4, 5),
            "order": ("linear", "quadratic"),
            "width": WIDTHS,
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                need = f"one of {', '.join(map(str, allowed))}"
                raise ConfigError(f"option {name}", got=getattr(self, name), need=need)
        if self.nodes < 4 or self.nodes % 2:
            raise ConfigError("option nodes", got=self.nodes, need="an even number from 4")
        positive = ("mu_fixed_gev", "lambda_tev", "eta_max", "collision_energy_gev")
        for name in (*positive, "pt_min_gev"):
            value = getattr(self, name)
            if not np.isfinite(value) or value < 0.0 or (name in positive and value == 0.0):
                raise PhysicsError(name, got=value, need="a finite number above 0")
        self._check_edges()

    def _check_edges(self) -> None:
        """Refuse edges that do not rise, and bins that no event can reach."""
        if not self.mll_edges_gev and not self.pt_edges_gev:
            raise DataError("edges", got="none", need="edges of at least one spectrum")
        for name in ("mll_edges_gev", "pt_edges_gev", "pt_mll_range_gev"):
            edges = np.asarray(getattr(self, name), dtype=np.float64)
            if len(edges) == 0:
                continue
            if len(edges) < 2 or not np.isfinite(edges).all() or not (np.diff(edges) > 0.0).all():
                raise DataError(
                    name,
                    got=[float(edge) for edge in edges],
                    need="two or more finite edges that rise",
                )
            if edges[0] < 0.0 or (
                name != "pt_edges_gev" and edges[-1] >= self.collision_energy_gev
            ):
                raise PhysicsError(
                    name,
                    got=[float(edge) for edge in edges],
                    need=f"0 <= edges < {self.collision_energy_gev} GeV",
                )
        for each in bin_ranges(self):
            start = max(each.mass_low_gev, 2.0 * each.pt_low_gev)
            if start >= each.mass_high_gev:
                raise PhysicsError("a bin has no phase space", got=each, need="mass > 2 pt")
            if start == 0.0:
                raise PhysicsError(
                    "a bin reaches down to mass 0", got=each, need="an edge or cut > 0"
                )
            if each.pt_high_gev <= each.pt_low_gev:
                raise PhysicsError(
                    "a bin lies below the cut", got=each, need=f"pt > {self.pt_min_gev} GeV"
                )

    @property
    def effective_inputs(self) -> ElectroweakInputs:
        """Inputs with ``lambda_tev`` of these settings."""
        return replace(self.inputs, lambda_tev=self.lambda_tev)


def bin_ranges(settings: SpectrumSettings) -> Iterator[BinRange]:
    """Yield the phase space of the bins of mll, then of pt.

    Parameters
    ----------
    settings : SpectrumSettings
        Edges and cuts.

    Yields
    ------
    BinRange
        Without the halves of the split spectrum, which share the bins of mll.
    """
    mll, pt = settings.mll_edges_gev, settings.pt_edges_gev
    for low, high in zip(mll[:-1], mll[1:], strict=True):
        yield BinRange(low, high, settings.pt_min_gev, np.inf)
    for low, high in zip(pt[:-1], pt[1:], strict=True):
        yield BinRange(*settings.pt_mll_range_gev, max(low, settings.pt_min_gev), high)


def bin_labels(settings: SpectrumSettings) -> Iterator[tuple[str, float, float]]:
    """Yield observable, low and high edge in GeV of each bin of the table.

    Parameters
    ----------
    settings : SpectrumSettings
        Edges.

    Yields
    ------
    tuple of (str, float, float)
        Bins of mll, of pt, then of the forward and of the backward half if asked.
    """
    names = ("mll_forward", "mll_backward") if settings.forward_backward else ()
    for name in ("mll", "pt", *names):
        edges = settings.pt_edges_gev if name == "pt" else settings.mll_edges_gev
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            yield name, float(low), float(high)
