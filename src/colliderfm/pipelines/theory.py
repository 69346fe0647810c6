"""Theory of Drell-Yan spectra: tables of cross-sections, and the scan of all operators."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import colliderfm
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.data.parton_densities import load_densities
from colliderfm.data.table_files import write_fitter_table, write_table
from colliderfm.data.writing import write_bytes_atomic
from colliderfm.errors import ConfigError
from colliderfm.physics.drell_yan_spectrum import (
    DEFAULT_MLL_EDGES_GEV,
    DEFAULT_PT_EDGES_GEV,
    SpectrumSettings,
    compute_table,
)
from colliderfm.physics.joint_bins import joint_cross_sections
from colliderfm.physics.operator_scan import OperatorRow, OperatorScan, operator_scan
from colliderfm.physics.spectrum_table import SpectrumTable

__all__ = [
    "TableRequest",
    "TableSummary",
    "make_table",
    "operator_scan",
    "scan_operators",
    "scan_to",
    "table_request",
    "write_operator_scan",
]

log = logging.getLogger(__name__)

DEFAULT_DENSITIES = "NNPDF31_lo_as_0118"


@dataclass(frozen=True)
class TableRequest:
    """What to compute.

    Parameters
    ----------
    pdf : str
        Name of a set of parton densities, or path of an LHAPDF6 grid.
    mu_f, mu_fixed_gev : str and float (GeV)
        Factorization scale: ``mll``, ``pt`` or ``fixed``, and its value if fixed.
    nf, order, width, lambda_tev : int, str, str, float (TeV)
        Flavors, highest order, Z width, scale of the coefficients; see ``SpectrumSettings``.
    collision_energy_gev : float
        Of the proton pair.
    pt_min_gev, eta_max : float
        Cuts on both muons.
    mll_edges_gev, pt_edges_gev : tuple of float, GeV
        Edges of the two spectra; an empty one leaves it out.
    pt_mll_range_gev : tuple of float, GeV
        Range of the mass in the transverse-momentum spectrum, whatever the edges of the mass spectrum.
    forward_backward : bool
        Whether to add the split mass spectrum.
    joint_bins : bool
        Whether to add the cross-sections that two bins share.
    nodes : int
        Resolution of the integration, an even number from 4.
    out : Path, optional
        JSON file to write.
    fitter_out : Path, optional
        File in the form that global fitters read.
    """

    pdf: str = DEFAULT_DENSITIES
    mu_f: str = "mll"
    mu_fixed_gev: float = 91.1876
    nf: int = 4
    order: str = "quadratic"
    width: str = "fixed"
    lambda_tev: float = 1.0
    collision_energy_gev: float = 13000.0
    pt_min_gev: float = 10.0
    eta_max: float = 2.5
    mll_edges_gev: tuple[float, ...] = DEFAULT_MLL_EDGES_GEV
    pt_edges_gev: tuple[float, ...] = DEFAULT_PT_EDGES_GEV
    pt_mll_range_gev: tuple[float, float] = (50.0, 650.0)
    forward_backward: bool = False
    joint_bins: bool = False
    nodes: int = 16
    out: Path | None = None
    fitter_out: Path | None = None

    def settings(self) -> SpectrumSettings:
        """Return the settings of the computation; wrong ones are refused here."""
        names = {field.name for field in fields(SpectrumSettings)}
        mine = {field.name: getattr(self, field.name) for field in fields(self)}
        return SpectrumSettings(**{name: value for name, value in mine.items() if name in names})


def table_request(
    params: Params, mll_edges: str = "", pt_edges: str = "", out: str = "", fitter_out: str = ""
) -> TableRequest:
    """Return what section ``theory`` asks for, with edges as typed.

    Parameters
    ----------
    params : Params
        Densities, scale, order, cuts.
    mll_edges, pt_edges : str
        Edges in GeV with commas, e.g. ``"50,80,100"``; empty means those of the study, ``none`` leaves
        a spectrum out.
    out, fitter_out : str
        Files below the project; empty means none.

    Raises
    ------
    ConfigError
        If an edge is not a number.
    """
    edges = {
        "mll_edges_gev": _edges("--mll-edges", mll_edges, DEFAULT_MLL_EDGES_GEV),
        "pt_edges_gev": _edges("--pt-edges", pt_edges, DEFAULT_PT_EDGES_GEV),
    }
    files = {
        "out": project_root() / out if out else None,
        "fitter_out": project_root() / fitter_out if fitter_out else None,
    }
    return TableRequest(**params.theory.model_dump(), **edges, **files)


def _edges(option: str, text: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """Return typed edges as numbers."""
    if text in ("", "none"):
        return () if text else default
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise ConfigError(option, got=text, need="numbers with commas, e.g. 50,80,100") from error


@dataclass(frozen=True)
class ScanSummary:
    """The scan of all operators and where it was written."""

    scan: OperatorScan
    folder: Path

    def __str__(self) -> str:
        values = ", ".join(f"{value:.3g}" for value in self.scan.singular_values[: self.scan.rank])
        certified = "certified" if self.scan.is_certified else "not certified"
        return (
            f"{len(self.scan.kept)} of {len(self.scan.rows)} operators contribute, "
            f"{self.scan.rank} independent directions ({certified})\n"
            f"singular values in units of the noise: {values}\nscan: {self.folder}"
        )


def scan_to(request: TableRequest, folder: str) -> ScanSummary:
    """Scan the operators into a folder of the project; see ``scan_operators``."""
    target = project_root() / folder
    return ScanSummary(scan_operators(replace(request, out=None, fitter_out=None), target), target)


@dataclass(frozen=True)
class TableSummary:
    """What came out.

    Parameters
    ----------
    table : SpectrumTable
        The cross-sections.
    paths : tuple of Path
        Files written.
    seconds : float
        Wall time.
    """

    table: SpectrumTable
    paths: tuple[Path, ...]
    seconds: float

    def __str__(self) -> str:
        table = self.table
        lines = []
        for name in dict.fromkeys(table.observable):
            chosen = table.is_observable(name)
            total, worst = table.sm_pb[chosen].sum(), (table.error_pb / table.sm_pb)[chosen].max()
            lines.append(
                f"{name:13} {chosen.sum():4d} bins   SM {total:.6g} pb   numerical error <= {worst:.1e}"
            )
        lines.append(f"{table.order} order, {self.seconds:.1f} s")
        return "\n".join([*lines, *(f"table: {path}" for path in self.paths)])


def make_table(request: TableRequest) -> TableSummary:
    """Compute a table and write it.

    Parameters
    ----------
    request : TableRequest
        Densities, scale, order, bins, files.

    Returns
    -------
    TableSummary
        Table, files and time.

    Raises
    ------
    ConfigError
        For an unknown option or unknown densities.
    DataError
        For edges that do not rise, a broken grid, or a file that cannot be written.
    PhysicsError
        For Lambda <= 0, impossible cuts or bins, or densities outside their range.
    """
    started = time.monotonic()
    table = _computed(request)
    paths = []
    if request.out is not None:
        write_table(request.out, table)
        paths.append(request.out)
    if request.fitter_out is not None:
        write_fitter_table(request.fitter_out, table)
        paths.append(request.fitter_out)
    return TableSummary(table, tuple(paths), time.monotonic() - started)


def scan_operators(
    request: TableRequest, folder: Path, sigma_pb: NDArray[np.float64] | None = None
) -> OperatorScan:
    """Scan the 60 operators, certify the independent directions, and write the scan.

    Parameters
    ----------
    request : TableRequest
        As for ``make_table``; nothing is written to its own paths.
    folder : Path
        Receives ``operator_scan.json`` and ``operator_scan.md``.
    sigma_pb : ndarray, shape (B,), pb, optional
        Noise per bin; by default that of 1/0.002^2 events per spectrum.

    Returns
    -------
    OperatorScan
        Rows, singular values and rank, certified by a second table of fewer nodes.

    Raises
    ------
    ConfigError, DataError, PhysicsError
        As ``make_table``.
    """
    settings = request.settings()
    densities = load_densities(request.pdf)
    # The quoted error compares with half the nodes; three quarters tell the finer one's error better.
    coarse = compute_table(densities, replace(settings, nodes=max(4, 3 * settings.nodes // 4)))
    scan = operator_scan(compute_table(densities, settings), sigma_pb, coarse)
    write_operator_scan(folder, scan)
    return scan


def write_operator_scan(folder: Path, scan: OperatorScan) -> tuple[Path, Path]:
    """Write a scan as JSON and as a Markdown table.

    Parameters
    ----------
    folder : Path
        Made if missing.
    scan : OperatorScan
        What to write.

    Returns
    -------
    tuple of Path
        The JSON and the Markdown file.

    Raises
    ------
    DataError
        If a file cannot be written.
    """
    folder = Path(folder)
    paths = folder / "operator_scan.json", folder / "operator_scan.md"
    content = {
        "rank": scan.rank,
        "is_certified": scan.is_certified,
        "singular_values": [float(f"{value:.6g}") for value in scan.singular_values],
        "numerical_bound": float(f"{scan.numerical_bound:.3g}"),
        "threshold": scan.threshold,
        "bins": [list(each) for each in scan.bins],
        "operators": [_row_entry(row) for row in scan.rows],
    }
    for path, text in zip(paths, (json.dumps(content, indent=1) + "\n", str(scan)), strict=True):
        write_bytes_atomic(path, text.encode())
    return paths


def _row_entry(row: OperatorRow) -> dict[str, Any]:
    """Return one row as a JSON object, effects with six digits."""
    effect = None if row.effect is None else [float(f"{each:.6g}") for each in row.effect]
    return {**asdict(row.operator), "is_computed": effect is not None, "effect": effect}


def _computed(request: TableRequest) -> SpectrumTable:
    """Compute a table that knows its densities."""
    settings = request.settings()
    densities = load_densities(request.pdf)
    log.info("theory: %s, mu_f %s, %s order", densities.name, request.mu_f, request.order)
    table = compute_table(densities, settings)
    record = {
        **table.provenance,
        "densities": densities.provenance,
        "colliderfm": colliderfm.__version__,
    }
    joint_pb = joint_cross_sections(densities, settings) if request.joint_bins else None
    return replace(table, provenance=record, joint_pb=joint_pb)
