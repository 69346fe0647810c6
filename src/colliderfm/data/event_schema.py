"""The columns of an event file: names, types, units and ranges.

The one description of the format; writer, reader, normalizer, model and metrics take it from here.
Read next: ``table_check.py`` (holds a file to it), ``event_table.py`` (files to arrays).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from colliderfm.physics.decays import DECAYS

MAX_OBJECTS = 18
OBJECT_FEATURES = ("energy_gev", "pt_gev", "eta", "phi", "btag", "is_lepton", "charge")
GLOBAL_FEATURES = (
    "met_gev",
    "met_phi",
    "n_lepton",
    "n_bjet",
    "n_jet",
    "ht_gev",
    "st_gev",
    "ht_lepton_gev",
    "mass_visible_gev",
    "mass_leptons_gev",
    "mass_bjets_gev",
)
# The position is the class index in files of predictions and in weights: append, never reorder.
PROCESSES = (
    *("qcd", "tt", "tth", "single_top", "wjets", "zjets", "ww", "wz", "zz", "hww"),
    *("haa_ma30", "haa_ma40", "haa_ma60", "qcd_4b", "qcd_bbbj", "qcd_bbjj", "tt_2l"),
)
PROCESS_INDEX: dict[str, int] = {name: index for index, name in enumerate(PROCESSES)}

# An angle is stored rounded to 13 mantissa bits, so it may exceed pi by 1.2e-4.
_ANGLE_LIMIT = 3.1420
_MAX_GEV = 1e5


@dataclass(frozen=True)
class Column:
    """One column of an event file.

    Parameters
    ----------
    name, unit, doc : str
        Name on disk, unit (empty when dimensionless) and meaning.
    kind : str
        ``float``, ``int`` or ``string``: the type of one value.
    low, high : float
        Smallest and largest allowed value.
    group : str
        ``object``, ``global``, ``event``, ``topology``, ``resonance``, ``invisible`` or ``extra``.
    arrow_type : pyarrow.DataType
        Type as written; a reader also takes other widths of the same kind.
    """

    name: str
    kind: str
    unit: str
    low: float
    high: float
    group: str
    arrow_type: pa.DataType
    doc: str

    @property
    def is_list(self) -> bool:
        """Whether one event holds a list of values."""
        return bool(pa.types.is_list(self.arrow_type))

    @property
    def is_rounded(self) -> bool:
        """Whether the writer keeps 13 mantissa bits only: detector-level numbers."""
        return self.kind == "float" and self.group in ("object", "global")


_FLOATS, _INTS = pa.list_(pa.float32()), pa.list_(pa.int8())


def _gev(names: Iterable[str], group: str, arrow_type: pa.DataType, low: float) -> list[Column]:
    return [
        Column(name, "float", "GeV", low, _MAX_GEV, group, arrow_type, f"{group} {name}")
        for name in names
    ]


def _columns() -> tuple[Column, ...]:
    single, byte = pa.float32(), pa.int8()
    return (
        *_gev(OBJECT_FEATURES[:2], "object", _FLOATS, 0.0),
        Column("eta", "float", "", -10.0, 10.0, "object", _FLOATS, "pseudorapidity"),
        Column("phi", "float", "rad", -_ANGLE_LIMIT, _ANGLE_LIMIT, "object", _FLOATS, "azimuth"),
        Column("btag", "float", "", 0.0, 1.0, "object", _FLOATS, "b-tag decision"),
        Column("is_lepton", "float", "", 0.0, 1.0, "object", _FLOATS, "1: electron or muon"),
        Column("charge", "float", "e", -1.0, 1.0, "object", _FLOATS, "0 for jets"),
        *_gev(GLOBAL_FEATURES[:1], "global", single, 0.0),
        Column("met_phi", "float", "rad", -_ANGLE_LIMIT, _ANGLE_LIMIT, "global", single, "azimuth"),
        *(
            Column(name, "int", "", 0, MAX_OBJECTS, "global", byte, "number of objects")
            for name in GLOBAL_FEATURES[2:5]
        ),
        *_gev(GLOBAL_FEATURES[5:], "global", single, 0.0),
        Column(
            "process",
            "string",
            "",
            0,
            0,
            "event",
            pa.dictionary(pa.int8(), pa.string()),
            "one of PROCESSES",
        ),
        Column("weight", "float", "", -np.inf, np.inf, "event", single, "may be negative"),
        Column("event_id", "string", "", 0, 0, "event", pa.string(), "process/seed/index"),
        Column("decay", "int", "", 0, len(DECAYS) - 1, "topology", _INTS, "index into DECAYS"),
        Column(
            *("assignment", "int", "", -1, MAX_OBJECTS - 1, "topology", _INTS),
            doc="slot of each visible daughter of each resonance, -1 none",
        ),
        Column(
            *("resonance_pdg_id", "int", "", -(2**31), 2**31 - 1, "resonance"),
            *(pa.list_(pa.int32()), "signed PDG id"),
        ),
        *_gev(["resonance_energy_gev"], "resonance", _FLOATS, 0.0),
        *_gev((f"resonance_p{axis}_gev" for axis in "xyz"), "resonance", _FLOATS, -_MAX_GEV),
        Column(
            *("resonance_mask", "int", "", 0, 2**MAX_OBJECTS - 1, "resonance"),
            *(pa.list_(pa.uint32()), "bit i: slot i belongs to the resonance"),
        ),
        *_gev(["invisible_energy_gev"], "invisible", _FLOATS, 0.0),
        *_gev((f"invisible_p{axis}_gev" for axis in "xyz"), "invisible", _FLOATS, -_MAX_GEV),
        *_gev(["m_a_gev"], "extra", single, 0.0),
        Column("n_bjet_true", "int", "", 0, 127, "extra", byte, "true b-jet multiplicity"),
    )


@dataclass(frozen=True)
class EventSchema:
    """All known columns, in file order."""

    columns: tuple[Column, ...]

    def find(self, name: str) -> Column | None:
        """Return a column, None if the schema does not know it."""
        return next((column for column in self.columns if column.name == name), None)

    def names(self, *groups: str) -> tuple[str, ...]:
        """Return the names of the columns of some groups, all without an argument."""
        return tuple(c.name for c in self.columns if not groups or c.group in groups)


EVENT_SCHEMA = EventSchema(_columns())
