"""Segmentation metrics on events small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.cluster_matching import (
    SegmentationResult,
    join_results,
    score_segmentation,
)
from colliderfm.evaluate.segmentation import (
    class_confusion,
    cluster_purity,
    count_confusion,
    entry_purity,
    event_purity,
)

# Classes 0 and 1; class 2 means none. Three queries, six slots, at most two clusters.
NONE = 2


def probabilities(*classes: int) -> np.ndarray:
    """One event whose queries are 80% sure of these classes."""
    return np.where(np.arange(3) == np.array(classes)[:, None], 0.8, 0.1)


def masks(*clusters: tuple[int, ...]) -> np.ndarray:
    return np.array([[slot in cluster for slot in range(6)] for cluster in clusters])


def events() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Five events: all right, wrong class, one object wrong, one missed, one invented."""
    found = [
        (probabilities(NONE, 1, 0), masks((), (3, 4), (0, 1, 2))),
        (probabilities(1, NONE, NONE), masks((0, 1, 2), (), ())),
        (probabilities(0, 1, NONE), masks((0, 1, 5), (3, 4), ())),
        (probabilities(0, NONE, NONE), masks((0, 1, 2), (), ())),
        (probabilities(NONE, NONE, 1), masks((), (), (4, 5))),
    ]
    true = [
        ((0, 1), masks((0, 1, 2), (3, 4))),
        ((0, -1), masks((0, 1, 2), ())),
        ((0, 1), masks((0, 1, 2), (3, 4))),
        ((1, 0), masks((3, 4), (0, 1, 2))),
        ((-1, -1), masks((), ())),
    ]
    return (
        np.stack([p for p, _ in found]),
        np.stack([m for _, m in found]),
        np.array([c for c, _ in true]),
        np.stack([m for _, m in true]),
    )


@pytest.fixture
def result() -> SegmentationResult:
    return score_segmentation(*events())


def test_clusters_of_five_events(result: SegmentationResult) -> None:
    assert result.found_class.tolist() == [[0, 1], [1, NONE], [0, 1], [NONE, 0], [NONE, NONE]]
    assert result.is_exact.tolist() == [
        [True, True],
        [True, False],
        [False, True],
        [False, True],
        [False, False],
    ]
    assert result.n_right.tolist() == [[3, 2], [3, 0], [2, 2], [0, 3], [0, 0]]
    assert result.n_members.tolist() == [[3, 2], [3, 0], [3, 2], [2, 3], [0, 0]]
    assert result.n_true.tolist() == [2, 1, 2, 2, 0]
    assert result.n_found.tolist() == [2, 1, 2, 1, 1]
    assert result.n_invented.tolist() == [0, 0, 0, 0, 1]


def test_confusion_of_classes(result: SegmentationResult) -> None:
    # Class 0: right, as 1, right, right. Class 1: right, right, missed. None: 1 + 2 + 1 + 1 + 3
    # queries without a cluster, of which one gives class 1.
    expected = [[3 / 4, 1 / 4, 0], [0, 2 / 3, 1 / 3], [0, 1 / 8, 7 / 8]]
    np.testing.assert_allclose(class_confusion(result), expected)


def test_confusion_of_numbers(result: SegmentationResult) -> None:
    expected = [[0, 1, 0], [0, 1, 0], [0, 1 / 3, 2 / 3]]
    np.testing.assert_allclose(count_confusion(result, 2), expected)
    np.testing.assert_allclose(count_confusion(result, 1), [[0, 1], [0, 1]])


def test_cluster_purity_is_split_by_class(result: SegmentationResult) -> None:
    # Seven clusters: five exact, one of them with the wrong class; one missed, one with a wrong object.
    found = cluster_purity(result)
    assert found["right_class"].value == pytest.approx(4 / 7)
    assert found["wrong_class"].value == pytest.approx(1 / 7)
    assert found["any_class"].value == pytest.approx(5 / 7)
    assert found["class"].value == pytest.approx(5 / 7)
    assert found["class"].n == 7
    assert cluster_purity(result, true_class=1)["right_class"].value == pytest.approx(2 / 3)
    assert np.isnan(cluster_purity(result, true_class=7)["class"].value)


def test_entry_purity_counts_objects(result: SegmentationResult) -> None:
    # 3 + 2, 3, 2 + 2, 0 + 3 of 5, 3, 5, 5.
    assert entry_purity(result) == pytest.approx(15 / 18)
    assert entry_purity(result, true_class=1) == pytest.approx(4 / 6)
    assert np.isnan(entry_purity(result, true_class=7))


def test_event_purity_per_process_and_number(result: SegmentationResult) -> None:
    found = event_purity(result, np.array([1, 1, 1, 4, 4]))
    assert {key: (share.value, share.n) for key, share in found.items()} == {
        (1, 1): (0.0, 1),
        (1, 2): (0.5, 2),
        (4, 0): (0.0, 1),
        (4, 2): (0.0, 1),
    }


def test_event_weights_count(result: SegmentationResult) -> None:
    weight = np.array([2.0, 1.0, 1.0, 1.0, 1.0])
    assert cluster_purity(result, weight)["right_class"].value == pytest.approx(6 / 9)
    assert entry_purity(result, weight) == pytest.approx(20 / 23)
    assert class_confusion(result, weight)[0].tolist() == pytest.approx([4 / 5, 1 / 5, 0])
    assert count_confusion(result, 2, weight)[2].tolist() == pytest.approx([0, 1 / 4, 3 / 4])
    found = event_purity(result, np.ones(5), weight)
    assert found[1, 2].value == pytest.approx(2 / 4)


def test_order_of_queries_and_clusters_does_not_matter(result: SegmentationResult) -> None:
    probability, mask, true_class, members = events()
    order = [2, 0, 1]
    moved = score_segmentation(probability[:, order], mask[:, order], true_class, members)
    assert np.array_equal(moved.found_class, result.found_class)
    assert np.array_equal(moved.is_exact, result.is_exact)
    two = [0, 2, 3]
    flipped = score_segmentation(
        probability[two], mask[two], true_class[two, ::-1], members[two, ::-1]
    )
    assert np.array_equal(flipped.found_class[:, ::-1], result.found_class[two])
    assert np.array_equal(flipped.is_exact[:, ::-1], result.is_exact[two])


def test_batches_of_different_width_can_be_joined(result: SegmentationResult) -> None:
    parts = events()
    one = score_segmentation(
        parts[0][1:2], parts[1][1:2, :, :4], parts[2][1:2, :1], parts[3][1:2, :1, :4]
    )
    first, rest = (score_segmentation(*(a[rows] for a in parts)) for rows in ([0], [2, 3, 4]))
    joined = join_results([first, one, rest])
    for name in ("true_class", "found_class", "is_exact", "n_members", "n_right", "other_class"):
        assert np.array_equal(getattr(joined, name), getattr(result, name)), name


def test_a_query_without_objects_is_no_find() -> None:
    found = score_segmentation(
        probabilities(0, NONE, NONE)[None],
        masks((), (), ())[None],
        np.array([[0]]),
        masks((0, 1))[None],
    )
    assert found.found_class.tolist() == [[NONE]]
    assert found.n_found.tolist() == [0]


def test_more_clusters_than_queries_are_missed() -> None:
    found = score_segmentation(
        probabilities(0)[None],
        masks((2, 3))[None],
        np.array([[0, 0]]),
        masks((0, 1), (2, 3))[None],
    )
    assert found.found_class.tolist() == [[NONE, 0]]
    assert found.is_exact.tolist() == [[False, True]]
    assert found.n_right.tolist() == [[0, 2]]


def test_shapes_must_agree() -> None:
    probability, mask, true_class, members = events()
    with pytest.raises(PhysicsError, match="clusters"):
        score_segmentation(probability, mask[..., :5], true_class, members)
    with pytest.raises(PhysicsError, match="clusters"):
        score_segmentation(probability[:, 0], mask, true_class, members)
    with pytest.raises(PhysicsError, match="padding before a cluster"):
        score_segmentation(probability, mask, true_class[:, ::-1], members)
