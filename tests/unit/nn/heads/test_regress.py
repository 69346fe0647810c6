import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import GLOBAL_FEATURES
from colliderfm.data.toys import toy_table
from colliderfm.errors import DataError
from colliderfm.nn.encoding import Encoding
from colliderfm.nn.heads.regress import MET_PHI, RegressHead, RegressOutputs
from colliderfm.nn.heads.resonance_quantities import QUANTITIES, quantities_of, turned
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

WIDTH = 8
NAMES = ("t_bqq", "t_bl", "H_bb", "Z_ll")
TABLE = toy_table(60, 1, ("tt", "tth", "zz", "tt_2l", "qcd"))
BATCH = TABLE.batch(np.arange(60))


@pytest.fixture
def head():
    torch.manual_seed(0)
    decays = [DECAYS[DECAY_INDEX[name]] for name in NAMES]
    made = RegressHead(WIDTH, decays, hidden=16, n_heads=2)
    torch.nn.init.normal_(made.guess_weight)
    return made


@pytest.fixture
def encoding():
    generator = torch.Generator().manual_seed(1)
    objects = torch.randn(*BATCH.mask.shape, WIDTH, generator=generator) * BATCH.mask[..., None]
    return Encoding(objects, torch.randn(60, WIDTH, generator=generator), BATCH.mask, None)


def test_the_column_of_the_missing_momentum_is_that_of_the_schema():
    assert GLOBAL_FEATURES[MET_PHI] == "met_phi"


def test_quantities_of_a_momentum_counted_by_hand():
    """E^2 - p^2 = 169 - 25 - 0 = 144; pT = 5; at right angles to the beam."""
    values = quantities_of(torch.tensor([[[13.0, 3.0, 4.0, 0.0]]]).double())
    expected = [math.log(12.0), math.log(6.0), 0.0, 0.6, 0.8]
    assert values[0, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_momenta_turn_around_the_beam():
    momenta = torch.tensor([[[5.0, 1.0, 0.0, 2.0]], [[5.0, 0.0, 1.0, 2.0]]])
    quarter = turned(momenta, torch.full((2,), 0.5 * math.pi))
    expected = torch.tensor([[[5.0, 0.0, 1.0, 2.0]], [[5.0, -1.0, 0.0, 2.0]]])
    torch.testing.assert_close(quarter, expected)


def test_shapes_and_what_is_known(head, encoding):
    outputs = head(encoding, BATCH)
    assert outputs.values.shape == (*BATCH.decay.shape, len(QUANTITIES))
    known = torch.tensor([DECAY_INDEX[name] for name in NAMES])
    assert torch.equal(outputs.is_known, torch.isin(BATCH.decay, known))


def test_predicting_the_target_gives_the_truth_back(head):
    target, is_valid = head.target(BATCH)
    momenta = head.predict(RegressOutputs(target, is_valid), BATCH)
    truth = BATCH.truth.momenta
    scale = truth[..., :1].clamp(min=1.0)
    assert is_valid.sum() > 50
    assert ((momenta - truth) / scale)[is_valid].abs().max() < 1e-4
    assert (momenta[~is_valid] == 0).all()
    values = head.loss(RegressOutputs(target, is_valid), BATCH)
    assert values.abs().max() < 1e-8


def test_targets_give_back_every_momentum_to_a_millionth(head):
    batch = BATCH.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
    momenta = batch.truth.momenta.clone()
    # The rounding of the files has put some light resonances below their momentum.
    momenta[..., 0] = momenta[..., 1:].norm(dim=-1) + 1.0
    batch = replace(batch, truth=replace(batch.truth, momenta=momenta))
    target, is_valid = head.double().target(batch)
    again = head.predict(RegressOutputs(target, is_valid), batch)
    assert ((again - momenta) / momenta[..., :1])[is_valid].abs().max() < 1e-6


def test_predicted_energies_allow_a_mass(head, encoding):
    momenta = head.predict(head(encoding, BATCH), BATCH)
    assert torch.isfinite(momenta).all()
    assert (momenta[..., 0] >= momenta[..., 1:].norm(dim=-1) * (1 - 1e-6)).all()


def test_extreme_outputs_stay_finite(head):
    values = torch.full((*BATCH.decay.shape, 5), 1e6)
    momenta = head.predict(RegressOutputs(values, torch.ones_like(BATCH.decay).bool()), BATCH)
    assert torch.isfinite(momenta).all()


def test_the_loss_is_a_mean_over_events_with_a_known_resonance(head, encoding):
    values = head.loss(head(encoding, BATCH), BATCH)
    known = torch.tensor([DECAY_INDEX[name] for name in NAMES])
    has_known = torch.isin(BATCH.decay, known).any(dim=1)
    assert torch.equal(values > 0, has_known)
    single = torch.stack(
        [
            head.loss(
                RegressOutputs(*(part[[i]] for part in head(encoding, BATCH))),
                BATCH.map(lambda tensor, i=i: tensor[[i]]),
            )[0]
            for i in has_known.nonzero()[:, 0].tolist()
        ]
    )
    assert values.mean().item() == pytest.approx(single.mean().item(), rel=1e-5)


def test_exchanging_equal_resonances_of_the_truth_changes_nothing(head, encoding):
    rows = (BATCH.decay[:, 0] == BATCH.decay[:, 1]) & (BATCH.decay[:, 0] >= 0)
    order = torch.arange(BATCH.decay.shape[1]).repeat(60, 1)
    order[rows, 0], order[rows, 1] = 1, 0
    momenta = BATCH.truth.momenta.gather(1, order[..., None].expand_as(BATCH.truth.momenta))
    exchanged = replace(BATCH, truth=replace(BATCH.truth, momenta=momenta))
    outputs = head(encoding, BATCH)
    assert rows.sum() > 5
    torch.testing.assert_close(head.loss(outputs, exchanged), head.loss(outputs, BATCH))


def test_the_order_of_the_hypothesis_is_that_of_the_predictions(head, encoding):
    flipped = replace(BATCH, decay=BATCH.decay.flip(1))
    first, second = head(encoding, BATCH), head(encoding, flipped)
    # equal decays keep their copy number by position, so only events without copies are compared
    has_copies = (BATCH.decay[:, :, None] == BATCH.decay[:, None]).sum(dim=(1, 2)) > 3
    alone = ~has_copies
    assert alone.sum() > 5
    torch.testing.assert_close(first.values[alone], second.values.flip(1)[alone])


def test_padded_slots_and_resonances_change_nothing(head, encoding):
    pad = torch.nn.functional.pad
    wide = replace(
        BATCH,
        objects=pad(BATCH.objects, (0, 0, 0, 3), value=9.0),
        mask=pad(BATCH.mask, (0, 3)),
        decay=pad(BATCH.decay, (0, 2), value=-1),
    )
    tokens = pad(encoding.objects, (0, 0, 0, 3), value=5.0)
    outputs = head(Encoding(tokens, encoding.event, wide.mask, None), wide)
    n_resonances = BATCH.decay.shape[1]
    torch.testing.assert_close(outputs.values[:, :n_resonances], head(encoding, BATCH).values)
    assert not outputs.is_known[:, n_resonances:].any()


def test_an_event_without_objects_is_predicted_too(head, encoding):
    empty = replace(BATCH, mask=torch.zeros_like(BATCH.mask))
    outputs = head(encoding._replace(mask=empty.mask), empty)
    assert torch.isfinite(outputs.values).all()


def test_a_batch_without_truth_is_refused(head, encoding):
    outputs = head(encoding, replace(BATCH, truth=None))
    with pytest.raises(DataError, match="truth=True"):
        head.loss(outputs, replace(BATCH, truth=None))


def test_a_batch_without_resonances_has_zero_loss_and_gradients(head):
    batch = toy_table(6, 0, ("qcd",)).batch(range(6))
    encoding = Encoding(
        torch.randn(*batch.mask.shape, WIDTH), torch.randn(6, WIDTH), batch.mask, None
    )
    values = head.loss(head(encoding, batch), batch)
    assert values.tolist() == [0.0] * 6
    values.mean().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
    assert all((parameter.grad == 0).all() for parameter in head.parameters())


def test_nothing_but_parameters_is_saved(head):
    assert set(head.state_dict()) == {name for name, _ in head.named_parameters()}


def test_the_mass_of_a_fast_light_resonance_survives_single_precision():
    momentum_gev = 2000.0
    energy_gev = math.hypot(momentum_gev, 40.0)
    values = quantities_of(torch.tensor([[[energy_gev, 20.0, 0.0, math.sqrt(4e6 - 400.0)]]]))
    assert values[0, 0, 0].exp().item() == pytest.approx(40.0, rel=1e-2)
