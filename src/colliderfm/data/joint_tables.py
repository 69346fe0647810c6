"""Complete a table with the events that its bins share, from the densities it was computed with."""

from __future__ import annotations

from dataclasses import replace

from colliderfm.data.parton_densities import load_densities
from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.joint_bins import joint_cross_sections, settings_of_table
from colliderfm.physics.spectrum_table import SpectrumTable

_FIX = "compute the table again with --set theory.joint_bins=true"


def with_joint_bins(table: SpectrumTable) -> SpectrumTable:
    """Add the cross-sections that two bins share; takes two seconds for the default bins.

    Parameters
    ----------
    table : SpectrumTable
        Its provenance names densities and settings.

    Returns
    -------
    SpectrumTable
        The same with ``joint_pb``; as given if it has it already.

    Raises
    ------
    DataError
        If the densities are not at hand or are others, or the provenance does not tell the settings.
    """
    if table.joint_pb is not None:
        return table
    wanted = table.provenance.get("densities", {})
    try:
        settings, densities = settings_of_table(table), load_densities(wanted.get("name", ""))
    except (ConfigError, DataError) as err:
        raise DataError("joint bins of a table", got=str(err), fix=_FIX) from err
    if densities.provenance != wanted:
        got, need = densities.provenance, wanted
        raise DataError("joint bins of a table: its densities", got=got, need=need, fix=_FIX)
    return replace(table, joint_pb=joint_cross_sections(densities, settings))
