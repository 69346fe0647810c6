import numpy as np
import pytest

from colliderfm.simulation.record import GeneratorRecord

# A top (1) that recoils twice (2, 3) and decays to W (4) and b (5).
TOP = [
    (6, -22, 2, 2, 1, 0, 0),
    (6, -44, 3, 3, 2, 0, 0),
    (6, -62, 4, 5, 3, 0, 0),
    (24, 22, 0, 0, 2, 0, 0),
    (5, 23, 0, 0, 1, 0, 0),
]


def test_last_copy_follows_the_chain_and_leaves_none_alone(make_record):
    record = make_record([], TOP)
    first = record.offsets[1] + 1
    assert record.last_copy(np.array([first, -1])).tolist() == [first + 2, -1]


def test_last_copy_of_a_decaying_particle_is_itself(make_record):
    record = make_record(TOP)
    assert record.last_copy(np.array([3, 4])).tolist() == [3, 4]


def test_four_momentum_rows_are_energy_first(make_record):
    record = make_record([(21, 1, 0, 0, 3, 0, 4)])
    assert record.four_momentum(np.array([1]))[:, 0].tolist() == [5, 3, 0, 4]


def test_batch_of_the_generator_is_flattened():
    ak = pytest.importorskip("awkward")
    momentum = ak.zip({"px": [[0.0, 1.0], [0.0]], "py": 0.0, "pz": 2.0, "e": 3.0})
    particles = ak.zip(
        {
            "id": [[90, 21], [90]],
            "status": [[-11, 23], [-11]],
            "daughter1": [[1, 0], [0]],
            "daughter2": [[0, 0], [0]],
            "p": momentum,
        },
        depth_limit=2,
    )
    info = ak.Array([{"weights": [0.5, 9.0]}, {"weights": [1.0, 9.0]}])
    record = GeneratorRecord.from_batch(ak.zip({"prt": particles, "info": info}, depth_limit=1))
    assert record.n_events == 2
    assert record.event.tolist() == [0, 0, 1]
    assert record.daughter1.tolist() == [1, -1, -1]
    assert record.px.tolist() == [0, 1, 0]
    assert record.weight.tolist() == [0.5, 1.0]
