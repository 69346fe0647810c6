import numpy as np
import pytest

from colliderfm.data.splits import SPLITS, split_of


@pytest.mark.parametrize(
    ("event_id", "bucket", "split"),
    # printf '%s' tt/1/0 | sha256sum, the hexadecimal number taken modulo 100 by hand
    [("tt/1/0", 59, "train"), ("tt/1/1", 83, "validation"), ("haa_ma30/7/12", 90, "test")],
)
def test_split_is_the_hash_modulo_100(event_id, bucket, split):
    limits = {"train": range(70), "validation": range(70, 85), "test": range(85, 100)}
    assert bucket in limits[split]
    assert SPLITS[split_of([event_id])[0]] == split


def test_splits_hold_70_15_15_percent():
    split = split_of([f"qcd/3/{index}" for index in range(20000)])
    shares = np.bincount(split, minlength=3) / len(split)
    # three binomial standard deviations are below 0.01
    assert shares == pytest.approx([0.70, 0.15, 0.15], abs=0.01)


def test_split_depends_neither_on_order_nor_on_company():
    ids = np.array([f"tt/1/{index}" for index in range(500)])
    order = np.random.default_rng(0).permutation(500)
    assert split_of(ids[order]).tolist() == split_of(ids)[order].tolist()
    assert split_of(ids[:7].tolist()).tolist() == split_of(ids)[:7].tolist()


def test_no_events_give_no_splits():
    assert split_of([]).shape == (0,)
