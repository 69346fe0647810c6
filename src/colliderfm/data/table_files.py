"""Cross-section tables as JSON: our own form, and the one that global fitters read.

Own form: ``{"bins": [{"observable", "low", "high", "sm_pb", "linear_pb": {operator: ...},
"quadratic_pb": {"a*b": ...}, "error_pb"}], "provenance": ...}`` with nine digits per number. A table
that knows which events its bins share has them as ``"joint_pb": [[bin, other bin, pb], ...]``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.data.writing import write_bytes_atomic
from colliderfm.errors import DataError
from colliderfm.physics.operators import CONTRIBUTING, OPERATOR_INDEX
from colliderfm.physics.spectrum_table import SpectrumTable, operator_pairs

_PAIR_NAMES = [f"{CONTRIBUTING[i]}*{CONTRIBUTING[j]}" for i, j in operator_pairs(len(CONTRIBUTING))]

# Size of the WCxf coefficient for a coefficient of 1 here, where it is another.
_WCXF_PER_UNIT = {"cll1": 2.0}
# Terms of opposite sign nearly cancel in a fit: more digits than in our own form.
_FITTER_DIGITS = 12


def write_table(path: Path | str, table: SpectrumTable) -> None:
    """Write a table; the same table gives the same bytes.

    Parameters
    ----------
    path : path
        JSON file; replaced in one step.
    table : SpectrumTable
        What to write.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    lines = [
        json.dumps(_bin_entry(table, number), separators=(",", ":"))
        for number in range(table.n_bins)
    ]
    provenance = json.dumps(table.provenance, sort_keys=True, indent=1)
    bins = ",\n".join(lines)
    joint = f'"joint_pb": {_joint_text(table)},\n' if table.joint_pb is not None else ""
    text = f'{{"bins": [\n{bins}\n],\n{joint}"provenance": {provenance}}}\n'
    write_bytes_atomic(Path(path), text.encode())


def read_table(path: Path | str) -> SpectrumTable:
    """Read a table.

    Parameters
    ----------
    path : path
        JSON file as ``write_table`` writes it. Missing pairs are 0; without any the order is linear.

    Returns
    -------
    SpectrumTable
        With the numbers of the file.

    Raises
    ------
    DataError
        If the file is missing, is not JSON, or lacks an entry (named with its bin).
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise DataError(f"cannot read table {path}", got=str(err)) from err
    if not isinstance(content, dict) or not isinstance(content.get("bins"), list):
        raise DataError(f"{path} is no table", need='an object with a list "bins"')
    bins = content["bins"]
    for number, entry in enumerate(bins):
        _check_bin(path, number, entry)
    has_pairs = any(entry.get("quadratic_pb") for entry in bins)
    names = _PAIR_NAMES if has_pairs else []
    provenance = content.get("provenance", {})
    try:
        return SpectrumTable(
            observable=tuple(str(entry["observable"]) for entry in bins),
            low_gev=np.array([entry["low"] for entry in bins], dtype=np.float64),
            high_gev=np.array([entry["high"] for entry in bins], dtype=np.float64),
            operators=CONTRIBUTING,
            sm_pb=np.array([entry["sm_pb"] for entry in bins], dtype=np.float64),
            linear_pb=_rows(bins, "linear_pb", list(CONTRIBUTING)),
            quadratic_pb=_rows(bins, "quadratic_pb", names),
            error_pb=np.array([entry["error_pb"] for entry in bins], dtype=np.float64),
            provenance=provenance if isinstance(provenance, dict) else {"note": provenance},
            joint_pb=_joint(path, content, bins) if "joint_pb" in content else None,
        )
    except (TypeError, ValueError) as err:
        raise DataError(f"{path}: an entry is no number", got=str(err)) from err


def write_fitter_table(path: Path | str, table: SpectrumTable) -> None:
    """Write a table in the form of SMEFiT's theory tables, with the coefficients of WCxf.

    Parameters
    ----------
    path : path
        JSON file with ``best_sm``, ``theory_cov``, ``scales`` and the dictionaries ``LO`` and ``NLO``.
    table : SpectrumTable
        Cross-sections in pb at its Lambda (1 TeV unless the provenance says otherwise).

    Raises
    ------
    DataError
        If the file cannot be written.

    Notes
    -----
    A WCxf name stands for its whole flavor-universal family. WCxf counts the two equal entries of ``ll_1221``
    once: its coefficient is twice the one here (``cll1``), and terms per unit of it are half as large;
    ``wcxf_per_unit`` of the file says so. The theory covariance holds the numerical errors. The scale of a
    bin in GeV, by which a fitter evolves or cuts, is its middle in m_ll and twice that in pT, the
    smallest mass that reaches it.

    References
    ----------
    SMEFiT 4.0.0, ``smefit.loader`` (arXiv:2302.06660); Aebischer et al., arXiv:1712.05298 (WCxf).
    """
    names = [OPERATOR_INDEX[name].wcxf_name for name in table.operators]
    per_unit = [_WCXF_PER_UNIT.get(name, 1.0) for name in table.operators]
    orders: dict[str, list[float]] = {"SM": _digits(table.sm_pb, _FITTER_DIGITS)}
    for name, factor, row in zip(names, per_unit, table.linear_pb, strict=True):
        orders[name] = _digits(row / factor, _FITTER_DIGITS)
    if table.order == "quadratic":
        for (i, j), row in zip(table.pairs, table.quadratic_pb, strict=True):
            orders[f"{names[i]}*{names[j]}"] = _digits(
                row / (per_unit[i] * per_unit[j]), _FITTER_DIGITS
            )
    is_pt = table.is_observable("pt")
    content = {
        "best_sm": _digits(table.sm_pb, _FITTER_DIGITS),
        "theory_cov": [_digits(row) for row in np.diag(table.error_pb**2)],
        "scales": _digits(np.where(is_pt, 2.0, 1.0) * table.center_gev),
        "LO": orders,
        "NLO": {},
        "operators": dict(zip(names, table.operators, strict=True)),
        "wcxf_per_unit": dict(zip(names, per_unit, strict=True)),
        "bins": [_bin_label(table, number) for number in range(table.n_bins)],
        "provenance": table.provenance,
    }
    text = json.dumps(content, separators=(",", ":")) + "\n"
    write_bytes_atomic(Path(path), text.encode())


def _bin_entry(table: SpectrumTable, number: int) -> dict[str, Any]:
    """Return one bin as a JSON object."""
    pairs = _PAIR_NAMES if table.order == "quadratic" else []
    return {
        **_bin_label(table, number),
        "sm_pb": _digits(table.sm_pb)[number],
        "linear_pb": dict(zip(table.operators, _digits(table.linear_pb[:, number]), strict=True)),
        "quadratic_pb": dict(zip(pairs, _digits(table.quadratic_pb[:, number]), strict=True)),
        "error_pb": _digits(table.error_pb, 3)[number],
    }


def _bin_label(table: SpectrumTable, number: int) -> dict[str, Any]:
    """Return observable and edges of one bin."""
    return {
        "observable": table.observable[number],
        "low": float(table.low_gev[number]),
        "high": float(table.high_gev[number]),
    }


def _joint_text(table: SpectrumTable) -> str:
    """Return the shared cross-sections above the diagonal as JSON, without the zeros."""
    joint = np.triu(np.asarray(table.joint_pb), 1)
    bins = np.argwhere(joint > 0.0)
    entries = zip(bins.tolist(), _digits(joint[tuple(bins.T)]), strict=True)
    return json.dumps([[*pair, value] for pair, value in entries], separators=(",", ":"))


def _joint(path: Path, content: dict[str, Any], bins: list[dict[str, Any]]) -> Any:
    """Read the shared cross-sections, shape (B, B)."""
    joint = np.diag([float(entry["sm_pb"]) for entry in bins])
    for number, entry in enumerate(content["joint_pb"]):
        try:
            first, second, value = int(entry[0]), int(entry[1]), float(entry[2])
        except (TypeError, ValueError, IndexError, KeyError):
            first, second, value = 0, 0, 0.0
        if not 0 <= first < second < len(bins):
            need = f"[bin, other bin, pb] with 0 <= bin < other bin < {len(bins)}"
            raise DataError(f"{path}: joint_pb, entry {number}", got=entry, need=need)
        joint[first, second] = joint[second, first] = value
    return joint


def _digits(values: Any, digits: int = 9) -> list[float]:
    """Round to significant digits; exact zeros become the shorter 0."""
    return [float(f"{value:.{digits}g}") or 0 for value in values]


def _check_bin(path: Path, number: int, entry: Any) -> None:
    """Refuse a bin that lacks an entry or names another operator."""
    where = f"{path}: bin {number}"
    needed = ("observable", "low", "high", "sm_pb", "linear_pb", "quadratic_pb", "error_pb")
    missing = [name for name in needed if not isinstance(entry, dict) or name not in entry]
    if missing:
        raise DataError(where, got=f"without {', '.join(missing)}", need=", ".join(needed))
    for name, allowed, is_complete in (
        ("linear_pb", CONTRIBUTING, True),
        ("quadratic_pb", _PAIR_NAMES, False),
    ):
        terms = entry[name]
        if not isinstance(terms, dict):
            raise DataError(f"{where}, {name}", got=type(terms).__name__, need="an object by name")
        unknown = sorted({*terms} - {*allowed})
        absent = sorted({*allowed} - {*terms}) if is_complete else []
        if unknown or absent:
            got = f"unknown {unknown}" if unknown else f"without {absent}"
            raise DataError(
                f"{where}, {name}", got=got, need=f"the names {', '.join(allowed[:4])}, …"
            )


def _rows(bins: list[dict[str, Any]], key: str, names: list[str]) -> Any:
    """Collect one row per name, shape (len(names), B)."""
    rows = [[entry[key].get(name, 0.0) for entry in bins] for name in names]
    return np.array(rows, dtype=np.float64).reshape(len(names), len(bins))
