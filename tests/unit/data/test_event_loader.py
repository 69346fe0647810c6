import json
from itertools import islice

import numpy as np
import pytest
import torch

from colliderfm.data.loader import EventLoader, sequential
from colliderfm.data.toys import toy_table, write_toy_set
from colliderfm.data.windows import StreamedSource
from colliderfm.errors import CheckpointError, ConfigError

N_EVENTS = 203
TABLE = toy_table(N_EVENTS, seed=0)
# Marks every event, so that a batch can be read back as a list of positions.
TABLE.extras["position"] = np.arange(N_EVENTS, dtype=np.float32)


def positions(batch):
    return batch.extras["position"].to(torch.int64).tolist()


def is_equal(first, second):
    names = ("objects", "mask", "globals", "process", "weight", "decay", "assignment")
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in names)


def batches(loader, count):
    return list(islice(loader, count))


@pytest.mark.parametrize("bucket", [True, False])
def test_an_epoch_gives_every_event_once(bucket):
    loader = EventLoader(TABLE, 16, seed=3, bucket=bucket)
    epoch = batches(loader, loader.batches_in_epoch())
    assert sorted(sum(map(positions, epoch), [])) == list(range(N_EVENTS))


def test_batches_are_nearly_equal_and_never_above_the_limit():
    loader = EventLoader(TABLE, 16, seed=3)
    # 203 events need 13 batches of at most 16: eight of 16 and five of 15
    assert sorted(len(batch) for batch in batches(loader, 13)) == [15] * 5 + [16] * 8
    assert loader.epoch == 1


def test_epochs_differ_and_seeds_differ():
    first = EventLoader(TABLE, 16, seed=3)
    one, two = (sum(map(positions, batches(first, 13)), []) for _ in range(2))
    other = sum(map(positions, batches(EventLoader(TABLE, 16, seed=4), 13)), [])
    assert one != two
    assert one != other


def test_without_shuffling_the_order_is_that_of_the_table():
    loader = EventLoader(TABLE, 64, shuffle=False)
    assert sum(map(positions, batches(loader, 4)), []) == list(range(N_EVENTS))


def test_bucketing_pads_less():
    def padded_share(bucket):
        masks = [batch.mask for batch in batches(EventLoader(TABLE, 16, seed=0, bucket=bucket), 13)]
        return 1 - sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)

    assert padded_share(bucket=True) < 0.5 * padded_share(bucket=False)


def test_bucketing_does_not_order_batches_by_length():
    loader = EventLoader(TABLE, 16, seed=0)
    widths = [batch.mask.shape[1] for batch in batches(loader, 13)]
    assert widths != sorted(widths)
    assert widths != sorted(widths, reverse=True)


@pytest.mark.parametrize("stop", range(2 * 13 + 1))
def test_resume_at_every_position_of_two_epochs_is_bit_equal(stop):
    reference = batches(EventLoader(TABLE, 16, seed=5), 30)
    first = EventLoader(TABLE, 16, seed=5)
    batches(first, stop)
    state = json.loads(json.dumps(first.state_dict()))
    second = EventLoader(TABLE, 16, seed=5)
    second.load_state_dict(state)
    rest = batches(second, 30 - stop)
    assert all(map(is_equal, rest, reference[stop:]))


def test_the_state_inside_the_loop_points_to_the_next_batch():
    reference = batches(EventLoader(TABLE, 16, seed=5), 3)
    loader = EventLoader(TABLE, 16, seed=5)
    for batch in loader:
        state = loader.state_dict()
        assert is_equal(batch, reference[0])
        break
    loader.load_state_dict(state)
    assert is_equal(next(iter(loader)), reference[1])


def test_a_broken_off_loop_continues_where_it_stopped():
    reference = batches(EventLoader(TABLE, 16, seed=5), 5)
    loader = EventLoader(TABLE, 16, seed=5)
    parts = batches(loader, 2) + batches(loader, 3)
    assert all(map(is_equal, parts, reference))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("seed", {"seed": 6}),
        ("batch_size", {"batch_size": 8}),
        ("world_size", {"world_size": 2}),
        ("bucket", {"bucket": False}),
    ],
)
def test_resuming_with_another_setting_is_refused_by_name(name, options):
    settings = {"batch_size": 16, "seed": 5} | options
    loader = EventLoader(TABLE, **settings)
    with pytest.raises(CheckpointError, match=f"{name} changed"):
        loader.load_state_dict(EventLoader(TABLE, 16, seed=5).state_dict())


def test_resuming_with_other_events_is_refused():
    other = TABLE.subset(np.arange(N_EVENTS)[::-1])
    with pytest.raises(CheckpointError, match="events changed"):
        EventLoader(other, 16).load_state_dict(EventLoader(TABLE, 16).state_dict())


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_are_disjoint_complete_and_equally_long(world_size):
    parts = []
    for rank in range(world_size):
        loader = EventLoader(TABLE, 16, seed=1, rank=rank, world_size=world_size)
        parts.append([positions(batch) for batch in batches(loader, loader.batches_in_epoch())])
    assert len({len(part) for part in parts}) == 1
    assert sorted(sum((sum(part, []) for part in parts), [])) == list(range(N_EVENTS))
    assert all(abs(len(a) - len(b)) <= 1 for a, b in zip(parts[0], parts[-1], strict=True))


def test_ranks_share_one_global_order():
    whole = EventLoader(TABLE, 32, seed=1)
    halves = [EventLoader(TABLE, 16, seed=1, rank=rank, world_size=2) for rank in range(2)]
    for together, first, second in islice(zip(whole, *halves, strict=True), 7):
        assert sorted(positions(together)) == sorted(positions(first) + positions(second))


def test_workers_do_not_change_the_sequence_nor_the_global_random_state():
    reference = batches(EventLoader(TABLE, 16, seed=2), 20)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    parallel = batches(EventLoader(TABLE, 16, seed=2, workers=2), 20)
    assert all(map(is_equal, reference, parallel))
    assert torch.equal(torch.get_rng_state(), state)


def test_resume_between_different_numbers_of_workers():
    reference = batches(EventLoader(TABLE, 16, seed=2), 20)
    first = EventLoader(TABLE, 16, seed=2, workers=1)
    batches(first, 9)
    second = EventLoader(TABLE, 16, seed=2, workers=0)
    second.load_state_dict(first.state_dict())
    assert all(map(is_equal, batches(second, 11), reference[9:]))


def test_streaming_resumes_inside_a_window_and_across_epochs(tmp_path):
    write_toy_set(tmp_path, 6100, seed=0, processes=["qcd", "tt", "ww"])
    source = StreamedSource(tmp_path, window_row_groups=2)
    loader = EventLoader(source, 128, seed=0)
    reference = batches(loader, loader.batches_in_epoch() + 10)
    for stop in (1, 17, 33, loader.batches_in_epoch() - 1, loader.batches_in_epoch() + 4):
        first = EventLoader(source, 128, seed=0)
        batches(first, stop)
        second = EventLoader(StreamedSource(tmp_path, window_row_groups=2), 128, seed=0)
        second.load_state_dict(first.state_dict())
        assert is_equal(next(iter(second)), reference[stop])


def test_streaming_with_a_worker_gives_the_same_sequence(tmp_path):
    write_toy_set(tmp_path, 3000, seed=0, processes=["qcd", "tt"])
    source = StreamedSource(tmp_path, split="train", window_row_groups=1)
    reference = batches(EventLoader(source, 256, seed=0), 12)
    assert all(map(is_equal, batches(EventLoader(source, 256, seed=0, workers=1), 12), reference))


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="batch_size"):
        EventLoader(TABLE, 0)
    with pytest.raises(ConfigError, match="rank"):
        EventLoader(TABLE, 4, rank=2, world_size=2)
    with pytest.raises(ConfigError, match="too few events"):
        EventLoader(TABLE.subset([0, 1]), 4, world_size=3)


def test_sequential_outputs_can_be_put_back_in_order():
    n_objects, seen = np.zeros(N_EVENTS, int), []
    for indices, batch in sequential(TABLE, 50):
        n_objects[indices] = batch.n_objects.numpy()
        seen.append(batch.mask.shape[1])
    assert np.array_equal(n_objects, TABLE.n_objects)
    assert seen == sorted(seen)
