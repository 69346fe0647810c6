"""Without a process group every distributed function is the identity."""

from __future__ import annotations

import torch
from toy_training import ToyNet, ToyTask

from colliderfm.train import distributed

CPU = torch.device("cpu")


def test_one_process_is_rank_zero_of_one_and_the_writer() -> None:
    with distributed.process_group() as ranks:
        assert (ranks.rank, ranks.world_size, ranks.is_writer) == (0, 1, True)
    assert not torch.distributed.is_initialized()


def test_exchanges_return_what_they_were_given() -> None:
    assert distributed.on_any_rank(True, CPU)
    assert not distributed.on_any_rank(False, CPU)
    assert distributed.mean_over_ranks({"loss": 2.0}, CPU) == {"loss": 2.0}
    assert distributed.from_writer({"a": 1}) == {"a": 1}
    assert distributed.from_all_ranks(3) == [3]


def test_a_model_is_neither_wrapped_nor_sharded() -> None:
    model = ToyNet()
    task = ToyTask(model)
    distributed.shard_parameters(model, CPU)
    assert all(type(value) is torch.nn.Parameter for value in model.parameters())
    assert distributed.averaged_step(model, task, is_sharded=False, device=CPU) == task.loss
    full = distributed.full_state(model)
    assert all(torch.equal(full[name], value) for name, value in model.state_dict().items())
