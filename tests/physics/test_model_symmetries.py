"""Laws the event network obeys by construction: exactly, but for rounding.

They are tested in double precision, where a broken law cannot hide behind rounding; single precision,
which training uses, is held to the same 1e-5 of the largest value.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES, PROCESSES
from colliderfm.data.normalize import Normalizer
from colliderfm.data.toys import toy_table
from colliderfm.models.build import build_event_model
from colliderfm.models.settings import AssignSettings, ClassifySettings, RegressSettings
from colliderfm.nn.heads.tuples import tuple_table
from colliderfm.physics.decays import DECAY_INDEX, DECAYS

SINGLE, DOUBLE = 1e-5, 1e-10
RESONANCES = ("t_bqq", "t_bl", "W_qq", "Z_qq", "Z_ll", "H_bb", "a_bb")
HEADS = (
    ClassifySettings(tuple((name, (name,)) for name in PROCESSES[:10])),
    AssignSettings(RESONANCES),
    RegressSettings(RESONANCES),
)
PHI, MET_PHI = OBJECT_FEATURES.index("phi"), GLOBAL_FEATURES.index("met_phi")


@pytest.fixture(scope="module")
def toys():
    return toy_table(200, 3, ("tt", "tth", "zz", "haa_ma40", "haa_ma60", "tt_2l"))


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["single", "double"])
def precision(request):
    return request.param


@pytest.fixture(scope="module")
def batch(toys, precision):
    made = toys.batch(np.arange(len(toys)))
    return replace(made, objects=made.objects.to(precision), globals=made.globals.to(precision))


@pytest.fixture(scope="module", params=["tiny", "small"])
def model(request, toys, precision):
    torch.manual_seed(0)
    built = build_event_model(request.param, heads=HEADS, normalizer=Normalizer.fit(toys)).eval()
    # Fresh weights are small: enlarge them so that a broken law shows.
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.mul_(1.3)
    return built.to(precision)


def everything(model, batch):
    """Class probabilities, survival logits and per-event losses."""
    with torch.no_grad():
        outputs = model(batch)
        losses = model.losses({"classify": outputs["classify"]}, batch)
    return {
        "classify": outputs["classify"].softmax(-1),
        "survival": model.heads["assign"].survival(outputs["assign"]),
        "tuple_loss": torch.exp(-model.heads["assign"].tuple_loss(outputs["assign"], batch)[0]),
        "classify_loss": torch.exp(-losses["classify"]),
        "event": model.encoder(batch).event.detach(),
        "regress": outputs["regress"].values * outputs["regress"].is_known[..., None],
    }


def assert_equal(first, second):
    for name in first:
        tolerance = DOUBLE if first[name].dtype == torch.float64 else SINGLE
        size = max(1.0, float(first[name].abs().max()))
        torch.testing.assert_close(
            first[name], second[name], atol=tolerance * size, rtol=0, msg=name
        )


def permuted(batch, order):
    """Reorder the object slots of every event; the truth follows."""
    new_slot = torch.argsort(order)
    assignment = torch.where(batch.assignment >= 0, new_slot[batch.assignment.clamp(min=0)], -1)
    return replace(
        batch, objects=batch.objects[:, order], mask=batch.mask[:, order], assignment=assignment
    )


def test_order_of_the_objects_does_not_matter(model, batch):
    order = torch.randperm(batch.mask.shape[1], generator=torch.Generator().manual_seed(0))
    assert_equal(everything(model, batch), everything(model, permuted(batch, order)))


def test_prediction_follows_a_permutation(model, batch):
    order = torch.randperm(batch.mask.shape[1], generator=torch.Generator().manual_seed(1))
    moved = permuted(batch, order)
    head = model.heads["assign"]
    with torch.no_grad():
        first = head.predict(model(batch)["assign"], batch)
        second = head.predict(model(moved)["assign"], moved)
    back = torch.where(second >= 0, order[second.clamp(min=0)], -1)
    same = [as_set(batch, first, i) == as_set(batch, back, i) for i in range(len(batch))]
    assert all(same)


def as_set(batch, slots, i_event):
    """The predicted resonances up to the exchange of daughters and of equal resonances."""
    found = []
    for index, chosen in zip(batch.decay[i_event].tolist(), slots[i_event].tolist(), strict=True):
        groups = DECAYS[index].interchangeable if index >= 0 else ()
        for group in groups:
            values = sorted(chosen[position] for position in group)
            for position, value in zip(group, values, strict=True):
                chosen[position] = value
        found.append((index, *chosen))
    return sorted(found)


def test_content_of_padded_slots_does_not_matter(model, batch):
    noise = 100 * torch.rand(batch.objects.shape, generator=torch.Generator().manual_seed(2))
    for filler in (noise, torch.full_like(noise, float("nan"))):
        filled = torch.where(batch.mask[..., None], batch.objects, filler)
        assert_equal(everything(model, batch), everything(model, replace(batch, objects=filled)))


def test_number_of_padded_slots_does_not_matter(model, batch):
    n_extra = 18 - batch.mask.shape[1]
    longer = replace(
        batch,
        objects=torch.nn.functional.pad(batch.objects, (0, 0, 0, n_extra)),
        mask=torch.nn.functional.pad(batch.mask, (0, n_extra)),
    )
    assert_equal(everything(model, batch), everything(model, longer))


@pytest.mark.parametrize("angle", [0.7, 2.9, -1.8])
def test_rotation_of_the_event_in_phi_does_not_matter(model, batch, angle):
    def rotated(phi):
        turned = torch.remainder(phi.double() + angle + math.pi, 2 * math.pi) - math.pi
        return turned.to(phi.dtype)

    objects, event = batch.objects.clone(), batch.globals.clone()
    objects[..., PHI] = rotated(objects[..., PHI]) * batch.mask
    event[:, MET_PHI] = rotated(event[:, MET_PHI])
    turned = replace(batch, objects=objects, globals=event)
    assert_equal(everything(model, batch), everything(model, turned))


def test_exchange_of_daughters_does_not_change_the_loss(model, batch):
    assignment = batch.assignment.clone()
    for index, decay in enumerate(DECAYS):
        is_decay = batch.decay == index
        for group in decay.interchangeable:
            exchanged = assignment[is_decay]
            exchanged[:, list(group)] = exchanged[:, list(reversed(group))]
            assignment[is_decay] = exchanged
    assert not torch.equal(assignment, batch.assignment)
    head = model.heads["assign"]
    with torch.no_grad():
        outputs = model(batch)["assign"]
        first, _ = head.tuple_loss(outputs, batch)
        second, _ = head.tuple_loss(outputs, replace(batch, assignment=assignment))
    assert torch.equal(first, second)


def test_exchange_of_resonances_changes_neither_loss_nor_prediction(model, batch):
    flipped = replace(batch, decay=batch.decay.flip(1), assignment=batch.assignment.flip(1))
    head = model.heads["assign"]
    with torch.no_grad():
        outputs = model(batch)["assign"]
        torch.testing.assert_close(
            head.tuple_loss(outputs, batch)[0], head.tuple_loss(outputs, flipped)[0]
        )
        first, second = head.predict(outputs, batch), head.predict(outputs, flipped)
    same = [as_set(batch, first, i) == as_set(flipped, second, i) for i in range(len(batch))]
    assert all(same)


def test_predicted_tuples_are_disjoint_real_and_of_the_right_kind(model, batch):
    head = model.heads["assign"]
    with torch.no_grad():
        predicted = head.predict(model(batch)["assign"], batch)
    for i in range(len(batch)):
        used = [slot for slot in predicted[i].flatten().tolist() if slot >= 0]
        assert len(used) == len(set(used))
        assert all(batch.mask[i, slot] for slot in used)
        for index, slots in zip(batch.decay[i].tolist(), predicted[i].tolist(), strict=True):
            kinds = DECAYS[index].daughters if index >= 0 else ()
            for kind, slot in zip(kinds, slots, strict=False):
                is_lepton = bool(batch.objects[i, slot, OBJECT_FEATURES.index("is_lepton")] > 0.5)
                assert slot < 0 or is_lepton == (kind == "l")


def test_survival_probabilities_never_increase(model, batch):
    with torch.no_grad():
        survival = model.heads["assign"].survival(model(batch)["assign"])
    assert (survival[:, 1:] <= survival[:, :-1]).all()
    assert ((survival >= 0) & (survival <= 1)).all()


def test_tuple_probabilities_add_up_to_one_over_the_allowed_ones(model, batch):
    head = model.heads["assign"]
    decay = DECAYS[DECAY_INDEX["a_bb"]]
    with torch.no_grad():
        log_probability, is_allowed = head.log_probability(
            model(batch)["assign"], batch, decay, torch.arange(len(batch))
        )
    n_slots = batch.mask.shape[1]
    assert log_probability.shape[1] == len(tuple_table(decay, n_slots, batch.mask.device).slots)
    has_any = is_allowed.any(dim=1)
    total = (log_probability.exp() * is_allowed).sum(dim=1)
    torch.testing.assert_close(total[has_any], torch.ones_like(total[has_any]))
