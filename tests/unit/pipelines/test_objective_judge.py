"""How well further objectives are met: linear rivals with known answers, and a network's heads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_corpus import toy_corpus

from colliderfm.config.load import load_params
from colliderfm.models.spectrum_objectives import OBJECTIVES
from colliderfm.pipelines.pretrain_spectrum.objective_judge import Components, judge_objectives
from colliderfm.pipelines.pretrain_spectrum.task import initial_model

WEIGHTS = tuple(f"pretrain.spectrum.{name}_weight=1.0" for name in OBJECTIVES)


@pytest.fixture(scope="module")
def plane():
    """Spectra on a plane in 20 bins, with unit noise, and without."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(20, 2)))[0].T
    clean = 5.0 + rng.normal(size=(4000, 2)) * [30.0, 10.0] @ axes
    return axes, clean, clean + rng.normal(size=clean.shape)


def test_components_find_the_plane(plane):
    axes, clean, noisy = plane
    found = Components.of(noisy, 2)
    assert np.abs(found.axes @ axes.T) == pytest.approx(np.eye(2), abs=0.02)
    assert found.variance == pytest.approx([900.0, 100.0], rel=0.1)
    again = found.center + found.embed(noisy) @ found.axes
    # Of the noise in 20 bins that in 2 directions is left.
    assert np.sqrt(np.mean((again - clean) ** 2)) == pytest.approx(np.sqrt(2 / 20), rel=0.05)


def test_hidden_bins_follow_from_the_visible_ones(plane):
    _, clean, noisy = plane
    found = Components.of(noisy, 2)
    is_visible = np.random.default_rng(1).random(noisy.shape) > 0.3
    broken = np.where(is_visible, noisy, 1e6)
    guess = found.complete(broken, is_visible)
    error = np.sqrt(np.mean((guess - clean)[~is_visible] ** 2))
    assert np.sqrt(2 / 20) < error < 0.8
    everything = found.complete(noisy, np.ones_like(is_visible))
    shrunk = found.embed(noisy) * found.variance / (found.variance + 1.0)
    assert everything == pytest.approx(found.center + shrunk @ found.axes, abs=1e-9)


@pytest.fixture(scope="module")
def judged(project):
    torch.set_num_threads(1)
    params = load_params(project, (), ("model.spectrum.hidden=16", *WEIGHTS))
    corpus = toy_corpus()
    model = initial_model(params, corpus, 0, n_directions=_n_directions(corpus)).eval()
    return model, corpus, judge_objectives(model, corpus, "hard", n_fitted=2048, n_scored=1024)


def _n_directions(corpus):
    from colliderfm.data.replica_pairs import scaled_directions

    return len(scaled_directions(corpus, "hard")[0])


def test_every_head_stands_beside_linear_methods(judged):
    metrics = judged[2]
    for name in ("decoder_error", "masked_bins_error"):
        # Untrained heads reconstruct nothing.
        assert metrics[f"val/{name}_pca"] < metrics[f"val/{name}"]
        assert metrics[f"val/{name}_pca"] > 0.0
    for name in ("truncation_auc", "densities_auc"):
        for end in ("", "_pca", "_linear"):
            assert 0.0 <= metrics[f"val/{name}{end}"] <= 1.0
    assert metrics["val/directions_r2"] < metrics["val/directions_r2_linear"] <= 1.0
    # All bins hold what eight components hold.
    assert metrics["val/directions_r2_linear"] > metrics["val/directions_r2_pca"] - 0.02
    assert len(metrics) == 2 * 2 + 3 * 3


def test_the_same_network_gets_the_same_marks(judged):
    model, corpus, metrics = judged
    assert judge_objectives(model, corpus, "hard", n_fitted=2048, n_scored=1024) == metrics


def test_a_network_without_heads_has_none(project):
    model = initial_model(load_params(project), toy_corpus(), 0)
    assert judge_objectives(model, toy_corpus(), "hard") == {}
