"""Losses of Dirichlet distributions: values by hand, and where their minima lie."""

from __future__ import annotations

import math

import pytest
import torch

from colliderfm.losses.dirichlet import (
    dirichlet_divergence,
    evidential_loss,
    fixed_concentration_loss,
    prior_network_loss,
)


def minimize(loss, target: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Concentrations shared by all targets that minimize the mean loss."""
    log_alpha = torch.zeros(1, n_classes, requires_grad=True)
    optimizer = torch.optim.Adam([log_alpha], lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        loss(log_alpha.exp().expand(len(target), -1), target).mean().backward()
        optimizer.step()
    return log_alpha.detach().exp()[0]


def test_the_divergence_agrees_with_torch():
    generator = torch.Generator().manual_seed(0)
    first, second = (5.0 * torch.rand(6, 4, generator=generator) + 0.1 for _ in range(2))
    reference = torch.distributions.kl_divergence(
        torch.distributions.Dirichlet(first), torch.distributions.Dirichlet(second)
    )
    torch.testing.assert_close(dirichlet_divergence(first, second), reference, rtol=1e-4, atol=1e-4)


def test_the_divergence_of_two_beta_distributions_by_hand():
    # KL(Beta(2, 1) || Beta(1, 1)) = int 2x ln(2x) dx = ln 2 - 1/2.
    first, second = torch.tensor([[2.0, 1.0]]), torch.tensor([[1.0, 1.0]])
    assert float(dirichlet_divergence(first, second)) == pytest.approx(math.log(2.0) - 0.5)


def test_the_fixed_concentration_and_calibrated_probabilities_are_both_reached():
    target = torch.tensor([0] * 6 + [1] * 3 + [2])
    alpha = minimize(lambda a, y: fixed_concentration_loss(a, y, total=50.0), target, 3)
    assert float(alpha.sum()) == pytest.approx(50.0, rel=0.01)
    torch.testing.assert_close(
        alpha / alpha.sum(), torch.tensor([0.6, 0.3, 0.1]), atol=5e-3, rtol=0
    )


@pytest.mark.parametrize(
    "loss",
    [
        lambda a, y: fixed_concentration_loss(a, y, total=50.0),
        lambda a, y: prior_network_loss(a, y, total=50.0),
    ],
)
def test_off_manifold_spectra_get_the_flat_dirichlet(loss):
    alpha = minimize(loss, torch.full((4,), -1), 3)
    torch.testing.assert_close(alpha, torch.ones(3), atol=0.02, rtol=0)


def test_a_prior_network_reaches_its_sharp_target():
    alpha = minimize(lambda a, y: prior_network_loss(a, y, total=20.0), torch.tensor([1]), 3)
    torch.testing.assert_close(alpha, torch.tensor([1.0, 18.0, 1.0]), atol=0.3, rtol=0)


def test_the_evidential_loss_by_hand_for_no_evidence():
    # psi(2) - psi(1) = 1 at alpha = (1, 1); no evidence, no penalty.
    loss = evidential_loss(torch.ones(1, 2), torch.tensor([0]))
    assert float(loss) == pytest.approx(1.0)
    assert float(evidential_loss(torch.ones(1, 2), torch.tensor([-1]))) == pytest.approx(
        0.0, abs=1e-6
    )


def test_evidence_for_the_wrong_class_costs():
    target = torch.tensor([0])
    right = evidential_loss(torch.tensor([[5.0, 1.0]]), target)
    none = evidential_loss(torch.tensor([[1.0, 1.0]]), target)
    wrong = evidential_loss(torch.tensor([[1.0, 5.0]]), target)
    assert right < none < wrong
