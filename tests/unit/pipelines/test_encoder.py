"""Which encoder an address means."""

from __future__ import annotations

import json
from pathlib import Path

from colliderfm.pipelines.encoder import Encoder, read_variant


def test_the_variant_is_read_from_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "pretraining.json").write_text(json.dumps({"variant": "cls"}), encoding="utf-8")
    assert read_variant(tmp_path) == "cls"


def test_weights_without_a_recipe_have_an_unknown_variant(tmp_path: Path) -> None:
    assert read_variant(tmp_path) == "unknown"


def test_lineage_tags_hold_name_version_and_digest() -> None:
    encoder = Encoder("event-encoder", 3, "f" * 64, "cls", "encoders/event-encoder")
    assert encoder.tags() == {
        "encoder.name": "event-encoder",
        "encoder.version": "3",
        "encoder.sha256": "f" * 64,
    }
