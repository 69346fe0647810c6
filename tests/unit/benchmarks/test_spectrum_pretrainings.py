"""The list of spectrum pretrainings, what is skipped, and the page made from records."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from benchmarks.shipped_spectrum_encoder import params_of_recipe
from benchmarks.spectrum_pretraining_list import LIST, Entry, Place, key_of, read_list
from benchmarks.spectrum_pretrainings import run_entry, time_left
from benchmarks.spectrum_pretrainings_page import prediction_interval, table

from colliderfm.config.load import load_params
from colliderfm.errors import ConfigError

ENTRY = Entry("one", "width", "first", ("model.spectrum.latent=2",))


def record(name, latent, **metrics):
    methods = ("", "pca_whitened_", "lda_")
    accuracies = {
        f"val/{unseen}{method}{head}accuracy": 0.5
        for unseen in ("", "unseen_")
        for method in (*methods, "linear_", "bayes_")
        for head in ("", "knn_")
    }
    ranks = {f"val/fisher_rank_correlation{end}": 0.9 for end in ("", "_pca_whitened", "_lda")}
    return {
        "name": name,
        "label": name,
        "task": "hard",
        "latent": latent,
        "updates": 600,
        "cpu_s_per_update": 0.05,
        "metrics": {**accuracies, **ranks, **metrics},
    }


def test_every_pretraining_of_the_list_is_valid_and_has_a_command_of_its_own():
    shared, shipped, entries = read_list(LIST)
    assert len(
        {entry.params(shared).model_dump_json() + str(entry.seed) for entry in entries}
    ) == len(entries)
    assert len({entry.command() for entry in entries}) == len(entries)
    assert shipped.startswith("starter/")


def test_an_entry_with_an_unknown_key_is_named(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("settings: []\nshipped: x\npretrainings: {bad: {set: [], sets: 1}}\n")
    with pytest.raises(ConfigError, match=r"pretrainings\.bad"):
        read_list(path)


def test_the_command_of_an_entry():
    entry = replace(ENTRY, config="configs/spectrum-paper.yaml", seed=2)
    assert entry.command() == (
        "colliderfm pretrain --model spectrum --config configs/spectrum-paper.yaml --seed 2 "
        "--set model.spectrum.latent=2"
    )


def test_the_key_changes_with_what_decides_a_result_and_nothing_else(project):
    params = load_params(project)
    key = key_of(params, 0, "corpus")
    free = load_params(project, (), ("pretrain.spectrum.checkpoint_every=7", "compute.workers=1"))
    assert key_of(free, 0, "corpus") == key
    other = load_params(project, (), ("pretrain.spectrum.learning_rate=0.5",))
    assert (
        len({key, key_of(params, 1, "corpus"), key_of(params, 0, "x"), key_of(other, 0, "corpus")})
        == 4
    )


def test_a_record_of_the_same_settings_is_not_made_again(project, tmp_path):
    place = Place(
        load_params(project), tmp_path / "no corpus", "abc", tmp_path / "tries" / "one.json"
    )
    assert not place.is_done
    place.write({"key": "abc", "updates": 3, "label": "old words"})
    found = run_entry(ENTRY, place)
    assert (found["updates"], found["label"], found["command"]) == (3, "first", ENTRY.command())
    assert json.loads(place.path.read_text()) == found
    assert not replace(place, key="other").is_done


def test_time_left_adds_the_kinds(project):
    dense = load_params(project, (), ("pretrain.spectrum.max_updates=600",))
    slow = load_params(
        project, (), ("pretrain.spectrum.max_updates=300", "model.spectrum.kind=transformer")
    )
    rates = {"dense": 0.1, "transformer": 0.2}
    assert time_left([dense, slow], rates) == "about 2 CPU minutes left"
    assert time_left([dense], {}) == "time left unknown"


def test_the_interval_of_one_further_value():
    center, half = prediction_interval([1.0, 2.0, 3.0])
    # Student's t of 2 degrees of freedom at 97.5%: 4.3027; sqrt(1 + 1/3) = 1.1547.
    assert (center, half) == (2.0, pytest.approx(4.3027 * 1.1547, rel=1e-4))


def test_a_table_has_each_linear_method_once_per_width():
    text = table(
        [record("a", 2), record("b", 8), record("c", 8, **{"val/linear_accuracy": 0.8125})]
    )
    lines = text.splitlines()
    assert len(lines) == 2 + 3 + 2 * 2 + 1
    assert len({line.count("|") for line in lines}) == 1
    assert "| hard | [c](tries/c.json) | 600 | 0.5 | 0.812 |" in text
    assert [line for line in lines if "whitened PCA, width 8" in line and "0.9000" in line]


def test_parameters_of_a_recipe(project):
    recipe = json.loads(
        (project / "starter/encoders/spectrum-encoder/pretraining.json").read_text()
    )
    params = params_of_recipe(recipe, project)
    assert params.pretrain.spectrum.model_dump(mode="json") == recipe["settings"]
    assert params.model.spectrum.model_dump(mode="json") == recipe["model"]
