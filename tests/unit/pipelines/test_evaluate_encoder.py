"""An encoder is judged and drawn by the recipe it was trained with."""

from __future__ import annotations

import json
from pathlib import Path

from colliderfm.config.load import load_params
from colliderfm.pipelines.evaluate_encoder import as_trained
from colliderfm.pipelines.pretrain_event.variants import stages_of


def test_the_shipped_encoder_is_drawn_with_the_stages_of_its_own_training(project: Path) -> None:
    params = load_params(
        project, (), ["pretrain.event.max_updates=10", "pretrain.event.variant=cls"]
    )
    assert stages_of(params.pretrain.event).self_supervised_updates == 0
    path = project / "starter" / "encoders" / "event-encoder" / "pretraining.json"
    recipe = json.loads(path.read_text(encoding="utf-8"))
    trained = as_trained(params, "event", recipe).pretrain.event
    assert (trained.variant, trained.set) == ("all", "corpora/pretrain-million")
    # 30% of 27,000 updates.
    assert stages_of(trained).self_supervised_updates == 8100
    assert trained.batch_size == params.pretrain.event.batch_size
    assert recipe["history"][-1]["update"] == recipe["updates"] == 27000
