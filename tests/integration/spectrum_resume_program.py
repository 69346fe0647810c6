"""A short spectrum pretraining that kills itself; run in a process of its own.

    python spectrum_resume_program.py FOLDER VARIANT [UPDATE]

With UPDATE it dies by SIGKILL when the batch after that update is drawn, provided that there is a
checkpoint; without, it ends and writes its weights.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from toy_corpus import toy_corpus

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.data.replica_pairs import ReplicaPairs
from colliderfm.pipelines.pretrain_spectrum.steps import train_encoder
from colliderfm.train.protocols import SilentTracker

PROJECT = Path(__file__).resolve().parents[2]
WEIGHTS = dict.fromkeys(("masked_bins", "directions", "truncation", "densities", "decoder"), 0.1)


def parameters(variant: str) -> Params:
    """Every objective, dropout and batch normalization at the smallest size."""
    values: dict[str, object] = {
        "compute.threads": 1,
        "compute.device": "cpu",
        "model.spectrum.hidden": 16,
        "model.spectrum.layers": 2,
        "model.spectrum.latent": 3,
        "model.spectrum.dropout": 0.2,
        "pretrain.spectrum.variant": variant,
        "pretrain.spectrum.fresh_universes": "true" if variant == "distance" else "false",
        "pretrain.spectrum.batch_size": 32,
        "pretrain.spectrum.max_updates": 20,
        "pretrain.spectrum.validate_every": 5,
        "pretrain.spectrum.checkpoint_every": 4,
        "pretrain.spectrum.l2": 1e-4,
    }
    values |= {f"pretrain.spectrum.{name}_weight": weight for name, weight in WEIGHTS.items()}
    return load_params(PROJECT, (), [f"{key}={value}" for key, value in values.items()])


def main() -> None:
    """Train, or die on the way."""
    folder, variant = Path(sys.argv[1]), sys.argv[2]
    if len(sys.argv) > 3:
        draw, at = ReplicaPairs.batch, int(sys.argv[3])

        def draw_or_die(pairs: ReplicaPairs, index: int) -> object:
            # Validation batches have small numbers too, but are drawn before the first update.
            if index == at and (folder / "checkpoint.safetensors").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            return draw(pairs, index)

        ReplicaPairs.batch = draw_or_die  # type: ignore[method-assign,assignment]
    trained = train_encoder(parameters(variant), toy_corpus(), 3, folder, SilentTracker())
    save_file(trained.model.state_dict(), folder / "final.safetensors")
    text = f"{trained.result.best_update} {trained.result.best_metric!r}"
    (folder / "result.txt").write_text(text)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
