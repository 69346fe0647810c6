"""Names of processes in figures."""

from __future__ import annotations

import pytest

from colliderfm.studies.haa.labels import boson_mass_gev, process_label, signal_label


@pytest.mark.parametrize(
    ("process", "mass_gev", "label"),
    [("haa_ma30", 30.0, "$m_a$ = 30 GeV"), ("tth", None, "tth"), ("hww_mass", None, "hww mass")],
)
def test_a_signal_is_named_by_its_mass_if_it_has_one(
    process: str, mass_gev: float | None, label: str
) -> None:
    assert boson_mass_gev(process) == mass_gev
    assert signal_label(process) == label


def test_backgrounds_are_readable() -> None:
    assert process_label("qcd_bbjj") == "QCD bbjj"
