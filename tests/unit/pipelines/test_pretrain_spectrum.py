"""Spectrum pretraining at the smallest size: what it learns, what it writes, what it is held against."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from toy_corpus import toy_corpus

from colliderfm.config.load import load_params
from colliderfm.models.spectrum_files import load_spectrum_encoder, load_spectrum_model
from colliderfm.models.spectrum_normalization import corpus_normalization
from colliderfm.pipelines.pretrain_spectrum.judge import (
    encode,
    fisher_distances,
    labeled_replicas,
    unseen_rank_correlation,
)
from colliderfm.pipelines.pretrain_spectrum.steps import (
    judge,
    save_encoder,
    train_encoder,
    write_outputs,
)
from colliderfm.pipelines.pretrain_spectrum.task import (
    SpectrumPretrainingTask,
    initial_model,
    pair_settings,
)
from colliderfm.train.protocols import SilentTracker

SMALL = (
    *("compute.threads=1", "compute.device=cpu", "model.spectrum.hidden=32"),
    *("model.spectrum.latent=4", "pretrain.spectrum.batch_size=96"),
    *("pretrain.spectrum.max_updates=60", "pretrain.spectrum.validate_every=30"),
    *("pretrain.spectrum.variant=distance", "pretrain.spectrum.task=hard"),
    *("pretrain.spectrum.fresh_universes=true", "pretrain.spectrum.decoder_weight=0.1"),
)


@pytest.fixture(scope="module")
def corpus():
    return toy_corpus()


@pytest.fixture(scope="module")
def params(project):
    return load_params(project, (), SMALL)


@pytest.fixture(scope="module")
def trained(params, corpus, tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    return train_encoder(params, corpus, 0, folder, SilentTracker())


@pytest.fixture(scope="module")
def judgment(params, corpus, trained):
    return judge(params, trained.model, corpus, 0)


@pytest.fixture(scope="module")
def metrics(judgment):
    return judgment.metrics


def test_training_lowers_the_validation_losses(trained):
    first, last = trained.result.history[0], trained.result.history[-1]
    for name in ("val/loss", "val/unseen_loss"):
        assert last[name] < first[name]


def test_the_encoder_stands_beside_everything_it_must_be_held_against(metrics):
    for prefix in ("val/", "val/unseen_"):
        bayes = metrics[f"{prefix}bayes_accuracy"]
        for name in ("linear", "knn", "untrained", "pca_raw", "pca_whitened", "lda"):
            # 600 scored replicas: nothing beats the optimum by more than its sampling error.
            assert 0.0 <= metrics[f"{prefix}{name}_accuracy"] <= bayes + 0.03, name
        assert metrics[f"{prefix}linear_accuracy"] > metrics[f"{prefix}untrained_accuracy"]
    assert metrics["val/fisher_rank_correlation"] > 0.9
    assert metrics["val/fisher_rank_correlation_pca_whitened"] > 0.9
    assert 0.0 < metrics["val/fisher_rank_error"] < 0.1
    assert all(np.isfinite(value) for value in metrics.values())


def test_the_gate_measures_what_the_metrics_say(corpus, trained, metrics):
    found = unseen_rank_correlation(trained.model.encoder, corpus, "hard")
    assert found.value == metrics["val/fisher_rank_correlation"]
    assert found.error == metrics["val/fisher_rank_error"]


def test_fisher_distances_in_units_of_independent_noise(corpus):
    mean = corpus.unseen.mean_pb_per_gev
    sigma = np.array(corpus_normalization(corpus, "hard").sigma)
    expected = np.linalg.norm((mean[0] - mean[1]) / sigma)
    assert fisher_distances(corpus, "hard")[0, 1] == pytest.approx(expected, rel=1e-4)


def test_validation_replicas_are_neither_those_of_training_nor_of_the_test(corpus):
    heads, scored = labeled_replicas(corpus, "hard")
    assert len(heads[1]) == 4 * len(scored[1]) == 200 * len(corpus.seen)
    assert not set(map(bytes, heads[0][:50])) & set(map(bytes, scored[0]))
    again = labeled_replicas(corpus, "hard")
    assert np.array_equal(again[1][0], scored[0])
    unseen, _ = labeled_replicas(corpus, "hard", unseen=True)
    assert len(np.unique(unseen[1])) == len(corpus.unseen)


def test_a_saved_encoder_gives_the_same_latents_and_generates_spectra(
    params, corpus, trained, metrics, tmp_path
):
    save_encoder(params, trained, corpus, metrics, 0, tmp_path)
    mean = corpus.seen.mean_pb_per_gev
    loaded = load_spectrum_encoder(tmp_path)
    assert np.array_equal(encode(loaded, mean), encode(trained.model.encoder, mean))
    generated = load_spectrum_model(tmp_path).generate(torch.zeros(1, 4))
    assert generated.shape == (1, 92)
    recipe = json.loads((tmp_path / "pretraining.json").read_text())
    assert recipe["updates"] == 60
    assert recipe["model"]["latent"] == 4
    card = (tmp_path / "card.md").read_text()
    assert "val/pca_whitened_accuracy" in card
    assert "decoder (0.1)" in card


def test_the_judgment_holds_the_latents_of_the_scored_replicas(corpus, trained, judgment):
    _, (values, universe) = labeled_replicas(corpus, "hard")
    points = judgment.points
    assert np.array_equal(points.replicas, encode(trained.model.encoder, values))
    assert np.array_equal(points.universe, universe)
    assert points.means.shape == (len(corpus.seen), 4)
    assert points.standard_model.shape == (4,)


def test_outputs_are_numbers_and_figures(params, trained, judgment, metrics, tmp_path):
    write_outputs(params, trained, judgment, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    expected = {
        f"{name}.{kind}" for name in ("latent", "accuracy", "loss") for kind in ("png", "json")
    }
    assert names == expected | {"metrics.json"}
    stored = json.loads((tmp_path / "metrics.json").read_text())
    assert stored["val/bayes_accuracy"] == pytest.approx(metrics["val/bayes_accuracy"], rel=1e-5)


def test_the_preset_of_the_study_is_its_network(project, corpus):
    params = load_params(project, [project / "configs" / "spectrum-paper.yaml"], ())
    model = initial_model(params, corpus, 0)
    weights = 92 * 100 + 2 * 100 * 100 + 100 * 2 + 3 * 100 + 2
    assert sum(p.numel() for p in model.parameters()) == weights + 3 * 200
    settings = params.pretrain.spectrum
    assert (settings.learning_rate, settings.l2, settings.variant) == (1e-6, 0.1, "contrastive")
    pairs = pair_settings(settings)
    assert (pairs.universes, pairs.positive_fraction, pairs.distances) == ("seen", 0.5, False)
    task = SpectrumPretrainingTask(model, settings, [], [])
    batch_loss, parts = task.loss(_batch(corpus, settings))
    assert batch_loss.item() == pytest.approx(parts["pairs"].item() + parts["l2"].item(), rel=1e-6)


def _batch(corpus, settings):
    from colliderfm.data.replica_pairs import ReplicaPairs

    return ReplicaPairs(corpus, pair_settings(settings), 1).batch(0)
