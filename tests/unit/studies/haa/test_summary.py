"""Means, gains and flat metrics of a comparison made up by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from colliderfm.errors import DataError
from colliderfm.studies.cell_comparison import summary_table
from colliderfm.studies.haa.summary import Comparison, flat_metrics, gain_table


def cells() -> pd.DataFrame:
    rows = []
    for seed, noise in enumerate((-0.01, 0.0, 0.01)):
        for init, auc, rejection in (
            ("xgboost", 0.70, 5.0),
            ("pretrained", 0.85 + 0.1 * noise, 20.0),
            ("scratch", 0.80, 10.0),
        ):
            metrics = {"test/auc": auc + noise, "test/rejection_at_50": rejection * np.exp(noise)}
            extra = {"test/auc_bootstrap_error": 0.001, "test/rejection_at_50_is_limit": 0.0}
            rows.append({"init": init, "events": 100, "seed": seed, **metrics, **extra})
    rows.append({"init": "scratch", "events": 300, "seed": 0, "test/auc": 0.9})
    return pd.DataFrame(rows)


def test_the_grid_is_found_in_a_fixed_order() -> None:
    comparison = Comparison.of_cells(cells())
    assert comparison.inits == ("scratch", "pretrained", "xgboost")
    assert comparison.events == (100, 300)
    assert comparison.metrics == ("test/auc", "test/rejection_at_50")


def test_means_and_gains() -> None:
    comparison = Comparison.of_cells(cells())
    mean = comparison.mean("scratch", 100, "test/auc")
    assert mean is not None
    assert (mean.mean, mean.sd, mean.n) == (pytest.approx(0.80), pytest.approx(0.01), 3)
    gain = comparison.gain(100, "test/auc")
    assert gain is not None
    assert gain.gain == pytest.approx(0.05)
    assert gain.sd == pytest.approx(0.001)
    ratio = comparison.gain(100, "test/rejection_at_50")
    assert ratio is not None
    assert ratio.gain == pytest.approx(2.0)


def test_cells_that_were_not_run_are_none() -> None:
    comparison = Comparison.of_cells(cells())
    assert comparison.mean("pretrained", 300, "test/auc") is None
    assert comparison.gain(300, "test/auc") is None
    assert comparison.mean("scratch", 300, "test/rejection_at_50") is None


def test_flat_metrics_have_spread_interval_and_gain() -> None:
    flat = flat_metrics(Comparison.of_cells(cells()))
    assert flat["scratch/n100/auc_mean"] == pytest.approx(0.80)
    assert flat["scratch/n100/auc_std"] == pytest.approx(0.01)
    assert flat["gain/n100/auc"] == pytest.approx(0.05)
    assert flat["gain/n100/auc_lo"] < 0.05 < flat["gain/n100/auc_hi"]
    assert flat["gain/n100/rejection_at_50"] == pytest.approx(2.0)
    assert flat["scratch/n300/auc_std"] is None


def test_tables_are_tidy() -> None:
    comparison = Comparison.of_cells(cells())
    assert len(summary_table(comparison)) == 3 * 2 + 1
    gains = gain_table(comparison)
    assert gains["kind"].tolist() == ["difference", "ratio"]
    assert gains["verdict"].iloc[0] == "pretraining helps"


def test_a_cell_that_occurs_twice_is_refused() -> None:
    twice = pd.concat([cells(), cells().iloc[[0]]])
    with pytest.raises(DataError, match="xgboost n=100 s0 twice"):
        Comparison.of_cells(twice)


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match="seed"):
        Comparison.of_cells(cells().drop(columns="seed"))
