"""Generating heads learn known distributions: atoms, counts, and dependence on what is given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from colliderfm.data.toys import toy_table
from colliderfm.evaluate.generation import compare_invisible
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.generate_event import EventQuantityHead
from colliderfm.nn.heads.generate_invisible import InvisibleHead


@dataclass(frozen=True)
class Truth:
    """True invisible particles."""

    invisible: torch.Tensor
    invisible_mask: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """What the head for invisible particles reads."""

    globals: torch.Tensor
    weight: torch.Tensor
    truth: Truth


def train(head, loss_of, n_steps, rate):
    """Adam with a linearly falling rate."""
    optimizer = torch.optim.Adam(head.parameters(), lr=rate)
    for i in range(n_steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - i / n_steps)
        loss = loss_of().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head.eval()


def test_invisible_particles_follow_the_visible_event_and_have_the_right_spread():
    """The event token knows pT up to 30% and the azimuth up to 0.3 rad, and nothing of eta."""
    torch.manual_seed(0)
    n = 600
    log_pt, eta = 3.7 + 0.6 * torch.randn(n), 1.2 * torch.randn(n)
    phi, met_phi = 6.28 * torch.rand(n), 6.28 * torch.rand(n)
    pt = log_pt.exp()
    parts = (pt * eta.cosh(), pt * phi.cos(), pt * phi.sin(), pt * eta.sinh())
    momenta = torch.stack(parts, dim=1)[:, None]
    seen = log_pt + 0.3 * torch.randn(n) - 3.7
    direction = phi - met_phi + 0.3 * torch.randn(n)
    token = torch.zeros(n, 16)
    token[:, :3] = torch.stack([seen, direction.cos(), direction.sin()], dim=1)
    event = torch.zeros(n, 11)
    event[:, 1] = met_phi
    mask = torch.ones(n, 1, dtype=torch.bool)
    batch = Batch(event, torch.ones(n), Truth(momenta, mask))
    encoding = Encoding(torch.zeros(n, 1, 16), token, mask, None)
    head = InvisibleHead(16, 2, n_layers=1).fit([batch])
    train(head, lambda: head.loss(head(encoding, batch), batch), 120, 1e-2)
    generator = torch.Generator().manual_seed(0)
    made = head.sample(encoding, batch, mask, 16, generator=generator)
    results = {r.name: r for r in compare_invisible(made.numpy(), momenta.numpy(), mask.numpy())}
    # log pT: 0.36 / (0.36 + 0.09) = 0.8 of a sample drawn from the posterior; azimuth: exp(-0.09).
    assert 0.5 < results["pt_gev"].correlation < 0.95
    assert results["pt_gev"].scaled_distance < 0.15
    assert 0.75 < results["phi"].correlation < 0.97
    assert abs(results["eta"].correlation) < 0.15
    assert results["eta"].scaled_distance < 0.15


def test_a_small_head_learns_an_atom_a_count_and_a_dependence():
    """Half of the masses are zero, the count is 1 or 3, HT follows the condition."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    n = 400
    events = toy_table(4, 1, ("qcd",)).batch([0] * n)
    values = torch.zeros(n, 11)
    score = torch.from_numpy(rng.normal(size=n)).float()
    values[:, 5] = (4.0 + 0.5 * score + 0.1 * torch.randn(n)).expm1()
    values[:, 9] = torch.where(torch.rand(n) < 0.5, 0.0, 91.0 + 3.0 * torch.randn(n))
    values[:, 4] = torch.where(torch.rand(n) < 0.3, 1.0, 3.0)
    events = replace(events, globals=values, extras={"score": score})
    head = EventQuantityHead(("ht_gev", "mass_leptons_gev", "n_jet"), 32, conditions=("score",))
    head.fit([events])
    train(head, lambda: head.loss(head(None, events), events), 250, 5e-3)
    ht, mass, count = head.sample(events, 16, generator=torch.Generator().manual_seed(0)).T
    assert np.corrcoef(ht.log1p(), score)[0, 1] > 0.9
    assert abs(float((mass == 0).float().mean()) - 0.5) < 0.12
    assert abs(float(mass[mass > 50].median()) - 91.0) < 8.0
    assert abs(float((count == 1).float().mean()) - 0.3) < 0.15
    assert float((count == 2).float().mean()) < 0.25
