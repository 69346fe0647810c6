"""Parton densities from grids of the LHAPDF6 format, without LHAPDF.

Interpolation is bicubic in (log x, log Q) within a block of the file (``density_grids``). Sets come from the
user's path or from the data folder of an installed Pythia package, which is never imported.

References
----------
Buckley et al., arXiv:1412.7420, section 3 (format and interpolation).
"""

from __future__ import annotations

import difflib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from colliderfm.data.density_grids import Subgrid, read_subgrids
from colliderfm.errors import ConfigError, PhysicsError

Array = NDArray[np.float64]

_GENERATOR_PACKAGE = "pythia8mc"
_DATA_FOLDER = Path("share/Pythia8/pdfdata")
_MEMBER = "_0000.dat"
_PROTON_SETS = ("NNPDF*", "CT*")
_GLUON_IDS = (0, 21)


class GridDensities:
    """Densities interpolated from the blocks of one file.

    Parameters
    ----------
    name : str
        Name of the set.
    subgrids : tuple of Subgrid
        With touching ranges of Q, rising.
    sha256 : str
        Digest of the file.
    """

    def __init__(self, name: str, subgrids: tuple[Subgrid, ...], sha256: str) -> None:
        self.name, self.subgrids, self.sha256 = name, subgrids, sha256
        self._splines: dict[tuple[int, int], RectBivariateSpline] = {}

    @property
    def provenance(self) -> dict[str, Any]:
        """What a table records of the set."""
        return {"name": self.name, "sha256": self.sha256}

    def x_density(self, pdg_id: int, x: Array, q_gev: Array) -> Array:
        """Interpolate x f(x, Q) of one parton.

        Parameters
        ----------
        pdg_id : int
            PDG code; 0 and 21 are both the gluon.
        x, q_gev : ndarray, equal shapes, dimensionless and GeV
            Momentum fraction and scale. Below its lowest Q the grid is frozen.

        Returns
        -------
        ndarray, same shape

        Raises
        ------
        PhysicsError
            If the set lacks the parton, or x or Q lies outside the grid.
        """
        x, q_gev = np.asarray(x, dtype=np.float64), np.asarray(q_gev, dtype=np.float64)
        self._check_range(x, q_gev)
        q_gev = np.maximum(q_gev, self.subgrids[0].q_gev[0])
        starts = np.array([grid.q_gev[0] for grid in self.subgrids])
        block = np.searchsorted(starts, q_gev, side="right") - 1
        result = np.empty(np.broadcast_shapes(x.shape, q_gev.shape))
        for number in np.unique(block):
            chosen = block == number
            spline = self._spline(int(number), pdg_id)
            result[chosen] = spline.ev(np.log(x[chosen]), np.log(q_gev[chosen]))
        return result

    def _check_range(self, x: Array, q_gev: Array) -> None:
        """Refuse to extrapolate in x and to higher scales."""
        lowest = max(grid.x[0] for grid in self.subgrids)
        highest = min(grid.x[-1] for grid in self.subgrids)
        q_max = self.subgrids[-1].q_gev[-1]
        if not ((x >= lowest) & (x <= highest)).all():
            raise PhysicsError(
                f"parton densities {self.name}: x outside the grid",
                got=f"x from {x.min():.3g} to {x.max():.3g}",
                need=f"{lowest:.3g} to {highest:.3g}",
                fix="choose bins of larger mass, a smaller eta_max, or another set",
            )
        if not ((q_gev > 0.0) & (q_gev <= q_max)).all():
            raise PhysicsError(
                f"parton densities {self.name}: scale outside the grid",
                got=f"Q from {q_gev.min():.4g} to {q_gev.max():.4g} GeV",
                need=f"up to {q_max:.4g} GeV",
                fix="choose bins of smaller mass, or another set",
            )

    def _spline(self, number: int, pdg_id: int) -> RectBivariateSpline:
        """Make the interpolation of one parton in one block on first use."""
        grid = self.subgrids[number]
        wanted = _GLUON_IDS if pdg_id in _GLUON_IDS else (pdg_id,)
        found = [each for each in wanted if each in grid.pdg_ids]
        if not found:
            raise PhysicsError(
                f"parton densities {self.name} have no parton {pdg_id}", need=list(grid.pdg_ids)
            )
        key = (number, found[0])
        if key not in self._splines:
            values = grid.values[:, :, grid.pdg_ids.index(found[0])]
            degree = min(3, len(grid.q_gev) - 1)
            self._splines[key] = RectBivariateSpline(
                np.log(grid.x), np.log(grid.q_gev), values, kx=3, ky=degree
            )
        return self._splines[key]


def available_sets() -> dict[str, Path]:
    """List the proton sets of an installed Pythia package.

    Returns
    -------
    dict of str to Path
        Grid file of the central member by name of the set; empty without the package.
    """
    spec = importlib.util.find_spec(_GENERATOR_PACKAGE)
    if spec is None or spec.origin is None:
        return {}
    for parent in Path(spec.origin).resolve().parents:
        folder = parent / _DATA_FOLDER
        if folder.is_dir():
            paths = [path for each in _PROTON_SETS for path in folder.glob(each + _MEMBER)]
            return {path.name.removesuffix(_MEMBER): path for path in sorted(paths)}
    return {}


def load_densities(name_or_path: str | Path) -> GridDensities:
    """Load a set by name or from a grid file.

    Parameters
    ----------
    name_or_path : str or path
        Name of a set of the installed Pythia package, or path of an LHAPDF6 grid (``..._0000.dat``).

    Returns
    -------
    GridDensities
        Ready to interpolate.

    Raises
    ------
    ConfigError
        For an unknown name, with the closest one.
    DataError
        If the file is missing, not a grid, or cut short.
    """
    text = str(name_or_path)
    if "/" in text or text.endswith(".dat") or Path(text).is_file():
        return _densities(Path(text))
    sets = available_sets()
    if text in sets:
        return _densities(sets[text])
    close = difflib.get_close_matches(text, sets, n=1, cutoff=0.4)
    raise ConfigError(
        f"unknown parton densities {text!r}",
        got=text,
        need=f"one of {', '.join(sets)}, or the path of a grid file"
        if sets
        else "the path of an LHAPDF6 grid file (named sets come with the extra `generate`)",
        fix=f"closest: {close[0]}"
        if close
        else "pip install -e '.[generate]', or use the shipped table, which needs no densities",
    )


def _densities(path: Path) -> GridDensities:
    """Read a file; the set is named after it."""
    subgrids, sha256 = read_subgrids(path)
    name = path.name.removesuffix(_MEMBER).removesuffix(".dat")
    return GridDensities(name, subgrids, sha256)
