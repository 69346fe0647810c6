"""Study haa: how its processes are called in figures."""

from __future__ import annotations

import re


def process_label(name: str) -> str:
    """Return the readable name of a process: ``qcd_4b`` as ``QCD 4b``."""
    return name.replace("qcd_", "QCD ").replace("_", " ")


def boson_mass_gev(process: str) -> float | None:
    """Return the mass in the name of a signal, 30 for ``haa_ma30``; None where there is none."""
    found = re.search(r"_ma(\d+)$", process)
    return float(found.group(1)) if found else None


def signal_label(process: str) -> str:
    """Return ``haa_ma30`` as ``m_a = 30 GeV`` in math text, another signal by its name."""
    mass_gev = boson_mass_gev(process)
    return process_label(process) if mass_gev is None else f"$m_a$ = {mass_gev:.0f} GeV"
