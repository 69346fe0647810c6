"""Grid files of parton densities in the LHAPDF6 format.

Blocks between ``---`` lines hold knots in x, knots in Q, PDG codes and x f; a file has one block per range of
Q (flavor thresholds). A file that is cut short, or is something else, is refused with the place.

References
----------
Buckley et al., arXiv:1412.7420, section 3.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from colliderfm.errors import DataError

Array = NDArray[np.float64]

_REQUIRED_IDS = (-4, -3, -2, -1, 1, 2, 3, 4)
# Some files print columns without a space between them; each number has an exponent of two digits then.
_GLUED = re.compile(r"[+-]?\d+\.\d+[eE][+-]\d\d")


@dataclass(frozen=True, eq=False)
class Subgrid:
    """One block of a grid file.

    Parameters
    ----------
    x, q_gev : ndarray, shapes (n_x,) and (n_q,), dimensionless and GeV
        Knots, rising.
    pdg_ids : tuple of int
        Partons along the last axis of ``values``.
    values : ndarray, shape (n_x, n_q, n_partons)
        x f(x, Q).
    """

    x: Array
    q_gev: Array
    pdg_ids: tuple[int, ...]
    values: Array


def read_subgrids(path: Path) -> tuple[tuple[Subgrid, ...], str]:
    """Read a grid file of the LHAPDF6 format and check that it is whole.

    Parameters
    ----------
    path : path
        One member, e.g. ``CT18LO_0000.dat``.

    Returns
    -------
    tuple of (tuple of Subgrid, str)
        Blocks with touching ranges of Q, and the sha256 of the file.

    Raises
    ------
    DataError
        If the file cannot be read, has no grid, is cut short, or lacks a light quark.
    """
    try:
        content = path.read_bytes()
        text = content.decode("ascii")
    except (OSError, UnicodeDecodeError) as err:
        raise DataError(f"cannot read parton densities {path}", got=str(err)) from err
    blocks = re.split(r"^---\s*$", text, flags=re.MULTILINE)
    filled = [lines for block in blocks[1:] if (lines := block.strip().splitlines())]
    if not filled:
        raise _wrong(path, "no block between `---` lines", "an LHAPDF6 grid (lhagrid1)")
    if blocks[-1].strip():
        raise _wrong(
            path, "no `---` after the last block", "a complete file: this one is cut short"
        )
    subgrids = tuple(_subgrid(path, number, lines) for number, lines in enumerate(filled, start=1))
    for number, (left, right) in enumerate(zip(subgrids[:-1], subgrids[1:], strict=True), start=2):
        if not np.isclose(left.q_gev[-1], right.q_gev[0], rtol=1e-6):
            got = f"block {number} starts at Q = {right.q_gev[0]} GeV"
            raise _wrong(path, got, f"{left.q_gev[-1]} GeV, where the block before it ends")
    return subgrids, hashlib.sha256(content).hexdigest()


def _subgrid(path: Path, number: int, lines: list[str]) -> Subgrid:
    """Parse one block and check that it is whole."""
    where = f"block {number}"
    if len(lines) < 4:
        raise _wrong(path, f"{where} has {len(lines)} lines", "knots in x, in Q, ids, values")
    x, q_gev = (_numbers(path, line, where) for line in lines[:2])
    ids = tuple(int(word) for word in _numbers(path, lines[2], f"ids of {where}"))
    for name, knots, fewest in (("x", x, 4), ("Q", q_gev, 2)):
        if len(np.unique(knots)) < fewest or (np.diff(knots) < 0.0).any() or knots[0] <= 0.0:
            raise _wrong(
                path, f"{name} knots of {where}", f"{fewest} or more positive ones that rise"
            )
    if x[-1] > 1.0:
        raise _wrong(path, f"x up to {x[-1]} in {where}", "x of at most 1")
    missing = [each for each in _REQUIRED_IDS if each not in ids]
    if missing:
        raise _wrong(path, f"{where} without partons {missing}", "all light quarks and antiquarks")
    values = _numbers(path, "\n".join(lines[3:]), where)
    shape = (len(x), len(q_gev), len(ids))
    if values.size != np.prod(shape):
        got = f"{values.size} values in {where}"
        raise _wrong(path, got, f"{np.prod(shape)} = {' x '.join(map(str, shape))}")
    # Knots closer than the printed digits appear twice: the first of equal ones stays.
    x, keep_x = np.unique(x, return_index=True)
    q_gev, keep_q = np.unique(q_gev, return_index=True)
    return Subgrid(x, q_gev, ids, values.reshape(shape)[keep_x][:, keep_q])


def _numbers(path: Path, text: str, where: str) -> Array:
    """Parse numbers, also those printed without a space between them."""
    try:
        result = np.array(text.split(), dtype=np.float64)
    except ValueError as err:
        if _GLUED.sub("", text).strip():
            raise _wrong(path, f"{where}: {err}", "numbers only") from err
        result = np.array(_GLUED.findall(text), dtype=np.float64)
    if not np.isfinite(result).all():
        raise _wrong(path, f"NaN or infinity in {where}", "finite numbers")
    return result


def _wrong(path: Path, got: str, need: str) -> DataError:
    return DataError(f"{path} is no usable grid of parton densities", got=got, need=need)
