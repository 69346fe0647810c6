from __future__ import annotations

import numpy as np
import pytest
import torch

from colliderfm.errors import PhysicsError
from colliderfm.studies.smeft.heads import DirichletHead, dirichlet_uncertainty


def test_uncertainty_agrees_with_monte_carlo() -> None:
    rng = np.random.default_rng(0)
    alpha = np.array([[0.5, 1.0, 3.0, 7.0], [20.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    found = dirichlet_uncertainty(alpha)
    for row, one in enumerate(alpha):
        draws = rng.dirichlet(one, 100_000)
        entropy = -(draws * np.log(np.maximum(draws, 1e-300))).sum(axis=1)
        mean = draws.mean(axis=0)
        total = -(mean * np.log(mean)).sum()
        error = 5.0 * entropy.std() / np.sqrt(len(draws))
        assert found.expected_entropy[row] == pytest.approx(entropy.mean(), abs=error)
        assert found.total_entropy[row] == pytest.approx(total, abs=5e-3)
        assert found.mutual_information[row] == pytest.approx(total - entropy.mean(), abs=5e-3)


def test_two_flat_classes_have_the_textbook_values() -> None:
    # Beta(1, 1): E[H] = psi(3) - psi(2) = 1/2.
    found = dirichlet_uncertainty(np.ones((1, 2)))
    assert found.total_entropy[0] == pytest.approx(np.log(2.0))
    assert found.expected_entropy[0] == pytest.approx(0.5)


def test_mutual_information_vanishes_with_evidence_and_is_never_negative() -> None:
    mean = np.array([0.7, 0.2, 0.1])
    scales = [1.0, 10.0, 1e3, 1e6]
    found = dirichlet_uncertainty(np.stack([scale * mean for scale in scales]))
    assert (np.diff(found.mutual_information) < 0.0).all()
    assert found.mutual_information[-1] == pytest.approx(0.0, abs=1e-5)
    assert found.total_entropy == pytest.approx(found.total_entropy[0])


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_impossible_parameters_are_refused(value: float) -> None:
    with pytest.raises(PhysicsError, match="Dirichlet"):
        dirichlet_uncertainty(np.array([[1.0, value]]))


@pytest.fixture
def head() -> DirichletHead:
    places = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 40.0]])
    head = DirichletHead(3, 2, 50.0)
    head.place_universes(np.repeat(places, 100, axis=0), np.repeat(np.arange(3), 100), np.eye(2))
    return head


def test_total_concentration_is_the_target_near_a_universe_and_flat_far_away(
    head: DirichletHead,
) -> None:
    with torch.no_grad():
        near = head.parameters_of(torch.tensor([[20.0, 0.0]]))
        far = head.parameters_of(torch.tensor([[500.0, -900.0], [-300.0, 200.0]]))
    assert near.sum().item() == pytest.approx(3 * (1 + 50.0), rel=1e-3)
    assert int(near.argmax()) == 1
    assert far.numpy() == pytest.approx(np.ones((2, 3)), abs=0.1)


def test_probabilities_follow_gaussian_likelihoods(head: DirichletHead) -> None:
    """Halfway between two universes both are equally likely; one unit off as exp(-d^2/2) says."""
    with torch.no_grad():
        squared = head(torch.tensor([[10.0, 0.0], [10.1, 0.0]]))[0]
        share = head.log_share(squared).exp().numpy()
    assert share[0, :2] == pytest.approx([0.5, 0.5], abs=1e-5)
    # A place known from 100 replicas widens the likelihood by 1 + 1/100.
    assert np.log(share[1, 1] / share[1, 0]) == pytest.approx(0.1 * 20.0 / 1.01, rel=1e-3)


def test_places_far_from_the_origin_lose_no_precision() -> None:
    places = 1e4 * np.ones((2, 3)) + np.array([[0.0], [3.0]])
    head = DirichletHead(2, 3, 10.0)
    head.place_universes(np.repeat(places, 50, axis=0), np.repeat([0, 1], 50), np.eye(3))
    with torch.no_grad():
        share = head.log_share(head(torch.from_numpy(places).float())[0]).exp()
    assert share.diagonal().numpy() == pytest.approx([1.0, 1.0], abs=1e-4)


def test_losses_reward_evidence_on_and_its_absence_off_the_manifold(head: DirichletHead) -> None:
    on, label = torch.tensor([[0.0, 0.0], [20.0, 0.0]]), torch.tensor([0, 1])
    off = torch.tensor([[300.0, 300.0]])
    right = head.losses(on, label, off)
    wrong = head.losses(off.expand(2, 2), label, on)
    assert right["known"] < 0.1
    # Less cannot be had: the flat Dirichlet over three classes.
    assert right["off_manifold"].item() == pytest.approx(np.log(3.0), abs=0.01)
    assert wrong["known"] > right["known"] + 1.0
    assert wrong["off_manifold"] > right["off_manifold"] + 1.0


def test_off_manifold_spectra_do_not_move_the_universes(head: DirichletHead) -> None:
    head.zero_grad()
    squared = head(torch.tensor([[5.0, 5.0]]))[1].sum()
    squared.backward()
    assert head.universe_place.grad is None or not head.universe_place.grad.abs().any()
