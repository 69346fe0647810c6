from __future__ import annotations

import pytest
import torch

from colliderfm.errors import ConfigError
from colliderfm.train.device import autocast, resolve_device


def test_cpu_is_cpu() -> None:
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_auto_means_cpu_and_cuda_is_refused() -> None:
    assert resolve_device("auto") == torch.device("cpu")
    with pytest.raises(ConfigError, match="device"):
        resolve_device("cuda")


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("auto", torch.float32), ("fp32", torch.float32), ("bf16", torch.bfloat16)],
)
def test_precision_on_a_cpu(precision: str, dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(2, 2)
    with autocast(torch.device("cpu"), precision):
        assert layer(torch.ones(1, 2)).dtype == dtype
