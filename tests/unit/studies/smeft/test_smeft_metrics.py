from __future__ import annotations

import numpy as np
import pytest

from colliderfm.studies.smeft.anomalies import CASES
from colliderfm.studies.smeft.metrics import (
    Answer,
    anomaly_metrics,
    bayes_answer,
    calibration_error,
    classification_metrics,
    dirichlet_answer,
    reliability,
)


def test_classification_by_hand() -> None:
    probability = np.array([[0.8, 0.2], [0.4, 0.6], [0.9, 0.1], [0.3, 0.7]])
    universe = np.array([0, 1, 1, 1])
    found = classification_metrics(probability, universe, 50)
    assert found["universe_accuracy"] == 0.75
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.6, 0.1, 0.7]).mean())
    assert found["top5_accuracy"] == 1.0
    assert 0.1 < found["universe_accuracy_bootstrap_error"] < 0.4


def test_honest_probabilities_have_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(200_000)
    probability = np.column_stack([first, 1.0 - first])
    universe = (rng.random(len(first)) > first).astype(int)
    assert calibration_error(reliability(probability, universe)) < 0.01


def test_certain_and_half_wrong_is_half_miscalibrated() -> None:
    probability = np.tile([1.0, 0.0], (10, 1))
    table = reliability(probability, np.arange(10) % 2)
    assert calibration_error(table) == pytest.approx(0.5)
    assert np.isnan(table["accuracy"][:-1]).all()
    assert table["count"].tolist() == [0] * 14 + [10]


def answer(mutual_information: np.ndarray) -> Answer:
    flat = np.zeros_like(mutual_information)
    scores = {"mutual_information": mutual_information, "mahalanobis": flat}
    return Answer(np.ones((len(flat), 1)), scores, flat)


def test_the_headline_score_is_the_one_fixed_beforehand() -> None:
    known = answer(np.array([0.0, 1.0]))
    cases = {name: answer(np.array([2.0, 3.0])) for name in CASES}
    cases[CASES[0]] = answer(np.array([0.0, 1.0]))
    cases["standard_model"] = answer(np.array([-1.0]))
    found = anomaly_metrics(known, cases, "mutual_information")
    assert found["ood_auroc"] == pytest.approx((0.5 + 3.0) / 4.0)
    assert found["ood_auroc_mahalanobis"] == 0.5
    assert found["auroc_standard_model_mutual_information"] == 0.0


def test_exact_probabilities_leave_nothing_but_ambiguity() -> None:
    probability = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    found = bayes_answer(probability, np.array([1.0, 2.0]))
    assert found.scores["total_entropy"] == pytest.approx([np.log(2.0), 0.0])
    assert found.expected_entropy == pytest.approx(found.scores["total_entropy"])


def test_entropies_of_a_dirichlet_add_up() -> None:
    alpha = np.array([[3.0, 1.0, 1.0], [90.0, 5.0, 5.0]])
    found = dirichlet_answer(alpha, np.zeros(2), np.zeros(2))
    assert found.probability.sum(axis=1) == pytest.approx(1.0)
    total = found.expected_entropy + found.scores["mutual_information"]
    assert total == pytest.approx(found.scores["total_entropy"])
