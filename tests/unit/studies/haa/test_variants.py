"""The page of several encoders: hand-made cells with hand-computed gains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from colliderfm.config.schema import HaaStudy
from colliderfm.errors import DataError
from colliderfm.studies.haa.variant_gains import paired_comparisons, surviving, variant_table
from colliderfm.studies.haa.variants import write_variants

# Gains in AUC by seed, at 590 and at 58,970 training events.
GAINS = {
    "all": {590: [0.04, 0.05, 0.06], 58970: [0.001, -0.001]},
    "cls": {590: [0.03, -0.01, 0.01], 58970: [0.002, 0.002]},
}
T_95_2 = 4.302653  # 97.5% quantile of Student's t with two degrees of freedom


def cell(init: str, events: int, seed: int, auc: float, rejection: float) -> dict[str, Any]:
    """One row of a comparison with one signal."""
    return {
        **{"init": init, "events": events, "fraction": events / 58970, "seed": seed},
        **{"pretraining": "none" if init == "scratch" else "cls", "encoder_version": 0},
        **{"encoder_sha256": "" if init == "scratch" else "ab" * 32, "data_md5": "0" * 32},
        **{"command": f"colliderfm finetune --init {init} --seed {seed}", "test/auc": auc},
        **{"test/rejection_at_50": rejection, "test/rejection_at_50_tth": rejection},
        **{"test/rejection_at_25": 2.0 * rejection, "test/rejection_at_25_is_limit": 1.0},
    }


def table(name: str) -> pd.DataFrame:
    """Scratch has AUC 0.80, 0.81, … and rejection 10; pretrained 20, 20, 20 at 590 events."""
    rows = []
    for events, gains in GAINS[name].items():
        for seed, gain in enumerate(gains):
            auc = 0.8 + 0.01 * seed
            rows.append(cell("scratch", events, seed, auc, 10.0 + seed))
            factor = 2.0 if events == 590 else 1.0
            rows.append(cell("pretrained", events, seed, auc + gain, factor * (10.0 + seed)))
    return pd.DataFrame(rows)


@pytest.fixture
def of_tth(settings: HaaStudy) -> HaaStudy:
    return settings.model_copy(update={"signals": ("tth",), "backgrounds": ("tt",)})


def test_gains_are_paired_at_every_size_with_its_own_seeds() -> None:
    comparisons, alone = paired_comparisons({name: table(name) for name in ("all", "cls")})
    assert list(comparisons) == ["cls", "all"]
    assert not alone
    rows = variant_table(comparisons).set_index(["variant", "events", "metric"])
    row = rows.loc[("all", 590, "test/auc")]
    assert row["gain"] == pytest.approx(0.05)
    assert row["hi"] - row["gain"] == pytest.approx(T_95_2 * 0.01 / np.sqrt(3.0), rel=1e-6)
    assert row["scratch_mean"] == pytest.approx(0.81)
    assert row["pretrained_mean"] == pytest.approx(0.86)
    assert rows.loc[("all", 590, "test/rejection_at_50"), "gain"] == pytest.approx(2.0)
    assert [rows.loc[("cls", n, "test/auc"), "seeds"] for n in (590, 58970)] == [3, 2]


def test_the_correction_counts_every_test() -> None:
    comparisons, _ = paired_comparisons({"all": table("all")})
    rows = variant_table(comparisons).set_index(["events", "metric"])
    # t = 0.05 / (0.01 / sqrt 3); with two degrees of freedom p = 1 - t / sqrt(t^2 + 2).
    t = 5.0 * np.sqrt(3.0)
    expected = 1.0 - t / np.sqrt(t * t + 2.0)
    row = rows.loc[(590, "test/auc")]
    assert row["p"] == pytest.approx(expected)
    # Six tests: the ratios of 2 have no spread, hence p = 0, twice; this one comes third.
    assert row["p_holm"] == pytest.approx(4.0 * expected)
    assert rows.loc[(58970, "test/auc"), "p_holm"] == 1.0
    assert len(surviving(rows)) == 2


def test_a_run_without_partner_is_left_out_and_named() -> None:
    more = pd.DataFrame([cell("scratch", 590, 3, 0.5, 1.0)])
    comparisons, alone = paired_comparisons({"cls": pd.concat([table("cls"), more])})
    assert alone == ["cls: scratch n=590 s3 has no partner"]
    mean = comparisons["cls"].mean("scratch", 590, "test/auc")
    assert mean is not None
    assert (mean.n, mean.mean) == (3, pytest.approx(0.81))


def test_one_seed_is_shown_and_not_tested(of_tth: HaaStudy, tmp_path: Path) -> None:
    cells = pd.DataFrame([cell(i, 590, 0, 0.8, 10.0) for i in ("scratch", "pretrained")])
    write_variants({"cls": cells}, of_tth, tmp_path, {})
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "**0 tests**" in page
    assert "| cls | 590 (1%) | 1 | 0.800 | 0.800 | +0.000 | one seed: not tested | – | – |" in page


def test_the_page_shows_all_and_says_what_is_missing(of_tth: HaaStudy, tmp_path: Path) -> None:
    tables = {name: table(name) for name in ("all", "cls")}
    extras = {"question": "A process left out?", "not_run": ["cls: scratch n=5897 s0"]}
    files = write_variants(tables, of_tth, tmp_path, extras)
    assert {path.name for path in files} == {
        *("README.md", "headline.txt", "metrics.json", "gains.csv", "gains.png", "gains.json")
    }
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    for part in (
        "# A process left out?",
        "Signal: tth; background: tt.",
        "**12 tests** are made below. Beyond two sigma: 6 for pretraining, 0 against it",
        "all at 590 events in Background rejection at 50% signal efficiency (better)",
        "| all | 590 (1%) | 3 | 0.810 ± 0.010 | 0.860 ± 0.020 | +0.050 [+0.025, +0.075] |",
        "| cls | cls | a folder | `abababababab` | `00000000` |",
        "22.0 ± 2.0 ‡",
        "- cls: scratch n=5897 s0",
    ):
        assert part in page, part
    numbers = json.loads((tmp_path / "gains.json").read_text(encoding="utf-8"))
    assert numbers["test/auc"]["all"]["gain"] == [0.05, 0.0]
    flat = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert flat["all/gain/n590/auc"] == pytest.approx(0.05)


def test_cells_of_another_target_are_refused(settings: HaaStudy, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cells of cls") as caught:
        write_variants({"cls": table("cls")}, settings, tmp_path, {})
    assert "studies.haa.signals" in str(caught.value.fix)


def test_no_pair_at_all_is_refused() -> None:
    cells = pd.DataFrame([cell("scratch", 590, 0, 0.8, 10.0)])
    with pytest.raises(DataError, match="without a pair"):
        paired_comparisons({"cls": cells})
