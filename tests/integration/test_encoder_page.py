"""The worked example of docs/encoder.md, run as it stands in a project of its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from colliderfm.data.event_table import EventTable
from colliderfm.data.toys import write_toy_set
from colliderfm.models.weights import load_encoder

SHIPPED = Path("starter") / "encoders" / "event-encoder"


@pytest.fixture
def example(project: Path, project_copy: Path) -> dict[str, object]:
    """The names that the example leaves behind; toy events stand in for simulated ones."""
    shutil.copytree(project / SHIPPED, project_copy / SHIPPED)
    write_toy_set(project_copy / "data" / "haa", 1000, 0, ("haa_ma60", "qcd_bbjj"))
    page = (project / "docs" / "encoder.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {}
    exec(compile(source, "encoder.md", "exec"), names)
    return names


def test_the_example_trains_a_decoder_and_leaves_the_encoder_bit_equal(example, project):
    table = EventTable.read("data/haa", None, "test")
    batch = table.batch(np.arange(len(table)))
    with torch.no_grad():
        logit = example["logit"](batch)
    is_signal = torch.from_numpy(table.process == table.process.min())
    right = (logit[is_signal, None] > logit[None, ~is_signal]).float().mean().item()
    # The area under the ROC curve of a few hundred toy events, whose error is about 0.04; chance is 0.5.
    assert right > 0.7
    shipped = load_encoder(project / SHIPPED).state_dict()
    trained = example["encoder"].state_dict()
    assert shipped.keys() == trained.keys()
    assert all(torch.equal(value, trained[name]) for name, value in shipped.items())
