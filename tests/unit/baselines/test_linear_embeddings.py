"""Principal components and discriminants against cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.baselines.linear_embeddings import fit_lda, fit_pca
from colliderfm.baselines.optimal_spectrum import neighbor_accuracy
from colliderfm.errors import PhysicsError
from colliderfm.physics.identifiability import noise_whitener

SIGMA = np.array([100.0, 1.0, 1.0, 0.01])


def clouds(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Five universes that differ by 6 sigma steps in the last, most precise bin."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 5
    values = rng.normal(size=(n, 4))
    values[:, 3] += 6 * label
    return values * SIGMA + 1000.0, label


def test_raw_components_follow_the_largest_bin():
    values, _ = clouds(500, 0)
    fit = fit_pca(values, 1)
    assert abs(fit.matrix[0, 0]) == pytest.approx(1.0, abs=1e-3)
    assert fit.explained[0] > 0.99


def test_whitened_components_find_the_precise_bin():
    train, test = clouds(500, 0), clouds(500, 1)
    fit = fit_pca(train[0], 1, noise_whitener(np.diag(SIGMA**2)))
    embedded = fit.transform(test[0])[:, 0]
    assert abs(np.corrcoef(embedded, test[0][:, 3])[0, 1]) > 0.999
    latent = [(fit.transform(values), label) for values, label in (train, test)]
    assert neighbor_accuracy(*latent) > 0.98
    raw = fit_pca(train[0], 1)
    assert neighbor_accuracy(*[(raw.transform(x), y) for x, y in (train, test)]) < 0.4


def test_components_do_not_depend_on_the_rotation_of_a_whitener():
    values, _ = clouds(300, 0)
    diagonal = fit_pca(values, 2, np.diag(1 / SIGMA)).transform(values)
    eigen = fit_pca(values, 2, noise_whitener(np.diag(SIGMA**2))).transform(values)
    assert np.abs(diagonal) == pytest.approx(np.abs(eigen), abs=1e-6)


def test_discriminants_separate_what_components_do_not():
    rng = np.random.default_rng(0)
    label = np.arange(2000) % 2
    # A wide direction without information, and a small shift across it.
    wide = rng.normal(size=2000)
    values = np.stack([wide + 0.1 * label, wide - 0.1 * label], axis=1)
    values += 0.01 * rng.normal(size=values.shape)
    fit = fit_lda(values, label, 1, sigma=np.ones(2), shrinkage=1e-6)
    direction = fit.matrix[:, 0] / np.linalg.norm(fit.matrix)
    assert np.abs(direction @ [1, -1]) / np.sqrt(2) == pytest.approx(1.0, abs=1e-3)
    embedded = fit.transform(values)
    assert neighbor_accuracy((embedded, label), (embedded, label)) > 0.99
    assert fit.explained.sum() == pytest.approx(1.0)


def test_discriminants_do_not_depend_on_units():
    values, label = clouds(400, 0)
    scale = np.array([1e-3, 1.0, 5.0, 1e4])
    first = fit_lda(values, label, 2, SIGMA).transform(values)
    second = fit_lda(values * scale, label, 2, SIGMA * scale).transform(values * scale)
    assert np.abs(first) == pytest.approx(np.abs(second), rel=1e-6, abs=1e-6)


def test_too_many_dimensions_are_refused():
    values, label = clouds(50, 0)
    with pytest.raises(PhysicsError, match="dimensions"):
        fit_pca(values, 5)
    with pytest.raises(PhysicsError, match="dimensions"):
        fit_lda(values, label, 5, SIGMA)
    with pytest.raises(PhysicsError, match="nearest neighbors"):
        neighbor_accuracy((values[:3], label[:3]), (values, label))
