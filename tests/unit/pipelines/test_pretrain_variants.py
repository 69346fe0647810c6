from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.config.schema import EventPretraining
from colliderfm.pipelines.pretrain_event.variants import (
    HEADS_OF_VARIANT,
    Stages,
    loss_weights,
    needs_truth,
    pretraining_heads,
    stages_of,
)


def settings_of(project: Path, variant: str, **changes: object) -> EventPretraining:
    settings = load_params(project).pretrain.event
    return settings.model_copy(update={"variant": variant, **changes})


def test_the_masked_fraction_grows_along_half_a_cosine_and_then_stays() -> None:
    stages = Stages(self_supervised_updates=400, first_masked_fraction=0.1)
    fractions = [stages.masked_fraction(update) for update in range(1, 500)]
    assert fractions[0] == pytest.approx(0.1)
    # A quarter, a half and three quarters of the way: (1 - cos) / 2 of pi/4, pi/2 and 3 pi/4.
    assert fractions[50] == pytest.approx(0.1 + 0.9 * 0.1464466, abs=1e-6)
    assert fractions[100] == pytest.approx(0.55)
    assert fractions[150] == pytest.approx(0.1 + 0.9 * 0.8535534, abs=1e-6)
    assert set(fractions[200:]) == {1.0}
    assert all(low <= high for low, high in zip(fractions, fractions[1:], strict=False))


def test_stage_one_ends_where_it_is_said_to(project: Path) -> None:
    stages = stages_of(settings_of(project, "all", max_updates=1000, self_supervised_fraction=0.3))
    assert stages.is_self_supervised(300)
    assert not stages.is_self_supervised(301)
    assert stages_of(settings_of(project, "ssl", max_updates=70)).self_supervised_updates == 70
    assert stages_of(settings_of(project, "cls-assign")).self_supervised_updates == 0
    assert stages_of(settings_of(project, "cls")).masked_fraction(1) == 1.0


@pytest.mark.parametrize("variant", list(HEADS_OF_VARIANT))
def test_every_variant_has_its_heads_and_no_other_loss(project: Path, variant: str) -> None:
    settings = settings_of(project, variant)
    assert tuple(head.name for head in pretraining_heads(settings)) == HEADS_OF_VARIANT[variant]
    extra = {"classify_noised"} if variant in ("cls-gen", "cls-gen-seg", "all") else set()
    assert set(loss_weights(settings)) == {*HEADS_OF_VARIANT[variant]} | extra


def test_a_weight_of_zero_leaves_the_loss_out(project: Path) -> None:
    settings = settings_of(project, "all", segment_weight=0.0, noised_classes_weight=0.0)
    assert {"segment", "classify_noised"}.isdisjoint(loss_weights(settings))


def test_truth_is_read_where_a_head_needs_it_only(project: Path) -> None:
    needs = {name: needs_truth(settings_of(project, name)) for name in HEADS_OF_VARIANT}
    assert [name for name, yes in needs.items() if yes] == ["cls-gen", "cls-gen-seg", "all"]


def test_pretraining_never_sees_the_light_boson(project: Path) -> None:
    for head in pretraining_heads(settings_of(project, "all")):
        decays = getattr(head, "decays", ()) + getattr(head, "classes", ())
        assert "a_bb" not in decays
