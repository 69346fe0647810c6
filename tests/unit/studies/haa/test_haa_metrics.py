"""Test metrics of study haa on toys with scores that are known."""

from __future__ import annotations

import numpy as np
import pytest

from colliderfm.config.schema import HaaStudy
from colliderfm.studies.haa.data import HaaData
from colliderfm.studies.haa.metrics import haa_metrics, predictions_frame, validation_metrics
from colliderfm.studies.haa.pairs import mass_name, true_pairs
from colliderfm.studies.haa.subsets import is_signal


def scores(data: HaaData, settings: HaaStudy) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=len(data.test)) + 1.5 * is_signal(data.test.process, settings)


def test_metrics_carry_the_agreed_names(data: HaaData, settings: HaaStudy) -> None:
    slots, _ = true_pairs(data.test)
    metrics = haa_metrics(scores(data, settings), data.test, slots, settings)
    expected = ["test/auc", "test/max_sic", "test/rejection_at_25", "test/rejection_at_50"]
    for mass in ("ma30", "ma40", "ma60"):
        expected += [f"test/rejection_at_{p}_{mass}" for p in (25, 50)]
        expected += [f"test/assignment_efficiency_{k}_pct_{mass}" for k in ("matchable", "all")]
    expected += [f"test/rejection_at_25_{name}" for name in settings.backgrounds]
    expected += ["test/assignment_efficiency_matchable_pct_ma60_closest_dr"]
    expected += ["test/assignment_efficiency_all_pct_ma30_equal_mass"]
    assert set(expected) <= set(metrics)
    assert all(np.isfinite(value) for value in metrics.values())


def test_rejection_is_the_geometric_mean_over_masses(data: HaaData, settings: HaaStudy) -> None:
    metrics = haa_metrics(scores(data, settings), data.test, None, settings)
    each = [metrics[f"test/rejection_at_50_{mass_name(name)}"] for name in settings.signals]
    assert metrics["test/rejection_at_50"] == pytest.approx(np.prod(each) ** (1 / 3))
    low, high = (metrics[f"test/rejection_at_50_bootstrap_{end}"] for end in ("low", "high"))
    assert low < metrics["test/rejection_at_50"] < high


def test_auc_of_two_gaussians(data: HaaData, settings: HaaStudy) -> None:
    metrics = haa_metrics(scores(data, settings), data.test, None, settings)
    # Phi(1.5 / sqrt 2) = 0.8556
    assert abs(metrics["test/auc"] - 0.8556) < 4 * metrics["test/auc_bootstrap_error"]


def test_a_perfect_classifier_gives_limits_instead_of_infinities(
    data: HaaData, settings: HaaStudy
) -> None:
    perfect = is_signal(data.test.process, settings).astype(float)
    metrics = haa_metrics(perfect, data.test, None, settings)
    n_background = int((perfect == 0).sum())
    assert metrics["test/rejection_at_25_is_limit"] == 1.0
    assert metrics["test/rejection_at_25_n_background"] == 0.0
    assert metrics["test/rejection_at_25"] == pytest.approx(n_background / 2.9957, rel=1e-3)
    assert np.isfinite(metrics["test/rejection_at_25_bootstrap_high"])
    assert metrics["test/auc"] == 1.0


def test_the_share_of_a_mass_in_the_test_set_does_not_matter(
    data: HaaData, settings: HaaStudy
) -> None:
    score = scores(data, settings)
    is_thinned = np.char.startswith(data.test.event_id, f"{settings.signals[0]}/")
    rows = np.flatnonzero(~is_thinned | (np.arange(len(score)) % 2 == 0))
    whole = haa_metrics(score, data.test, None, settings)
    fewer = haa_metrics(score[rows], data.test.subset(rows), None, settings)
    for mass in ("ma40", "ma60"):
        assert fewer[f"test/rejection_at_50_{mass}"] == pytest.approx(
            whole[f"test/rejection_at_50_{mass}"]
        )


def test_the_truth_assigns_every_matchable_event(data: HaaData, settings: HaaStudy) -> None:
    slots, _ = true_pairs(data.test)
    metrics = haa_metrics(scores(data, settings), data.test, slots[:, ::-1, :], settings)
    assert metrics["test/assignment_efficiency_matchable_pct_ma30"] == 100.0
    assert metrics["test/assignment_purity_pct_ma30"] == 100.0
    assert 0.0 < metrics["test/assignment_efficiency_all_pct_ma30"] < 100.0


def test_validation_is_cheap_and_agrees_with_the_test_auc(
    data: HaaData, settings: HaaStudy
) -> None:
    score = scores(data, settings)
    found = validation_metrics(score, data.test, settings)
    assert list(found) == ["val/auc"]
    expected = haa_metrics(score, data.test, None, settings)["test/auc"]
    assert found["val/auc"] == pytest.approx(expected)


def test_predictions_hold_the_masses_of_the_chosen_pairs(data: HaaData, settings: HaaStudy) -> None:
    slots, _ = true_pairs(data.test)
    frame = predictions_frame(scores(data, settings), data.test, slots)
    assert list(frame.columns) == [
        *("event_id", "process", "weight", "score", "mass_heavy_gev", "mass_light_gev")
    ]
    heaviest = frame[frame["process"] == "haa_ma60"]["mass_heavy_gev"].dropna()
    assert 50 < heaviest.median() < 70
    assert (frame["mass_heavy_gev"].dropna() >= frame["mass_light_gev"].dropna()).all()
    assert frame[frame["process"] == "qcd_4b"]["mass_heavy_gev"].isna().all()


def test_without_a_network_the_equal_mass_rule_makes_the_pairs(
    data: HaaData, settings: HaaStudy
) -> None:
    frame = predictions_frame(scores(data, settings), data.test, None)
    assert frame[frame["process"] == "qcd_4b"]["mass_heavy_gev"].notna().any()
