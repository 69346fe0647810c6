"""The model card of an event encoder: ranges of its inputs, errors, and failures it admits."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.data.event_schema import EVENT_SCHEMA, OBJECT_FEATURES
from colliderfm.data.event_table import EventTable
from colliderfm.data.toys import write_toy_set
from colliderfm.pipelines.pretrain_event.card import card_text, data_record, failures_of


@pytest.fixture(scope="module")
def toy_events_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    write_toy_set(folder, 300, seed=1, processes=("tt", "zz"))
    return folder


@pytest.fixture(scope="module")
def table(toy_events_folder):
    return EventTable.read(toy_events_folder)


def _recipe(table, folder, metrics):
    return {
        "variant": "all",
        "seed": 3,
        "updates": 10,
        "best_update": 5,
        "settings": {"batch_size": 512},
        "model": {"size": "tiny"},
        "heads": ["classify", "invisible"],
        "parameters": 1_234_567,
        "data": data_record(table, table.subset(np.arange(4)), folder),
        "metrics": metrics,
    }


def test_a_head_that_works_is_not_named_and_one_that_fails_is():
    good = {
        "val/regress_t_bl_pt_resolution": 0.4,
        "val/regress_t_bl_pt_resolution_constant": 0.8,
        "val/invisible_pt_gev_correlation": 0.7,
        "val/cloud_eta_distance": 0.05,
        "val/segment_exact_pct": 60.0,
    }
    assert list(failures_of(good)) == []
    bad = {
        "val/regress_t_bl_mass_resolution": 0.8,
        "val/regress_t_bl_mass_resolution_constant": 0.7,
        "val/invisible_eta_correlation": 0.32,
        "val/cloud_eta_distance": 0.25,
        "val/segment_exact_pct": 24.6,
    }
    found = list(failures_of(bad))
    assert "t bl mass" in found[0]
    assert "invisible eta (0.32)" in found[1]
    assert "cloud eta (0.25)" in found[2]
    assert "25% of the resonances" in found[3]


def test_ranges_and_counts_are_those_of_the_events(table, toy_events_folder):
    record = data_record(table, table.subset(np.arange(4)), toy_events_folder)
    assert sum(counts["train"] for counts in record["events"].values()) == len(table)
    assert sum(counts["validation"] for counts in record["events"].values()) == 4
    momentum = table.objects.values[:, OBJECT_FEATURES.index("pt_gev")]
    one = next(entry for entry in record["inputs"] if entry["name"] == "pt_gev")
    assert one["unit"] == "GeV"
    assert momentum.min() <= one["low"] < one["high"] <= momentum.max()
    assert np.mean(momentum < one["low"]) <= 0.002
    assert {entry["name"] for entry in record["inputs"]} <= set(EVENT_SCHEMA.names())


def test_the_card_shows_errors_beside_metrics_and_never_as_metrics(table, toy_events_folder):
    metrics = {"val/accuracy": 0.5, "val/accuracy_error": 0.012}
    text = card_text(_recipe(table, toy_events_folder, metrics))
    assert "| classify | accuracy | 0.5 ± 0.012 |" in text
    assert "accuracy_error" not in text
    assert "1.23 M parameters; heads in the file: classify, invisible; each" in text
