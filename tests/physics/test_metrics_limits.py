"""Laws that metrics must obey: known distributions, invariances, coverage of the intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from colliderfm.baselines.pairing_rules import RULES, Rule, pair_by_rule
from colliderfm.data.toys import toy_table
from colliderfm.evaluate.assignment import event_efficiencies, score_assignment
from colliderfm.evaluate.classification import roc_replicas
from colliderfm.evaluate.roc import max_sic, rejection_at, roc_curve
from colliderfm.physics.decays import DECAY_INDEX
from colliderfm.stats.bootstrap import replica_counts, summarize
from colliderfm.stats.intervals import paired_gain
from colliderfm.studies.haa.pairs import true_pairs

SHIFT = 1.5


def gaussians(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    is_signal = np.arange(n) % 2 == 0
    return is_signal, np.random.default_rng(seed).normal(size=n) + SHIFT * is_signal


def test_numbers_of_two_gaussians_agree_with_the_integrals() -> None:
    is_signal, score = gaussians(200_000, 0)
    curve = roc_curve(is_signal, score)
    assert curve.auc == pytest.approx(stats.norm.cdf(SHIFT / np.sqrt(2)), abs=0.003)
    for at in (0.25, 0.5):
        threshold = SHIFT + stats.norm.isf(at)
        assert rejection_at(curve, at).value == pytest.approx(
            1 / stats.norm.sf(threshold), rel=0.06
        )
    cuts = np.linspace(-1, 3, 400)
    sic = stats.norm.sf(cuts - SHIFT) / np.sqrt(stats.norm.sf(cuts))
    best = max_sic(curve, min_background_events=stats.norm.sf(3.0) * 100_000)
    assert best.value == pytest.approx(sic.max(), rel=0.03)


def test_metrics_depend_on_the_order_of_scores_alone() -> None:
    is_signal, score = gaussians(3000, 1)
    first, second = roc_curve(is_signal, score), roc_curve(is_signal, np.exp(3 * score) - 7)
    assert first.auc == pytest.approx(second.auc)
    assert rejection_at(first, 0.25).value == pytest.approx(rejection_at(second, 0.25).value)


def test_exchanging_signal_and_background_mirrors_the_auc() -> None:
    is_signal, score = gaussians(3000, 2)
    assert roc_curve(~is_signal, -score).auc == pytest.approx(roc_curve(is_signal, score).auc)
    assert roc_curve(~is_signal, score).auc == pytest.approx(1 - roc_curve(is_signal, score).auc)


def test_the_bootstrap_error_is_the_scatter_of_independent_samples() -> None:
    n = 1000
    samples = [gaussians(n, seed) for seed in range(150)]
    aucs = [roc_curve(*sample).auc for sample in samples]
    logs = [np.log(rejection_at(roc_curve(*sample), 0.5).value) for sample in samples]
    replicas = roc_replicas(
        *samples[0], None, replica_counts(n, 200, 0), signal_efficiencies=(0.5,)
    )
    assert summarize(replicas.auc).error == pytest.approx(np.std(aucs), rel=0.3)
    spread = np.log(replicas.background_efficiency[0.5]).std()
    assert spread == pytest.approx(np.std(logs), rel=0.35)


def test_paired_intervals_cover_at_their_level() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        subset = rng.normal(0, 0.05, 8)  # shared by both arms: drops out
        scratch, pretrained = (
            subset + rng.normal(0, 0.01, 8),
            subset + 0.01 + rng.normal(0, 0.01, 8),
        )
        gain = paired_gain(pretrained, scratch)
        covered += gain.low < 0.01 < gain.high
    assert covered / 400 == pytest.approx(0.95, abs=0.033)  # three binomial errors


def test_two_sigma_verdicts_are_wrong_in_five_percent_of_null_experiments() -> None:
    rng = np.random.default_rng(1)
    significances = [paired_gain(rng.normal(size=4), np.zeros(4)).significance for _ in range(1000)]
    assert np.mean(np.abs(significances) >= 2) == pytest.approx(0.0455, abs=0.02)


@pytest.mark.parametrize(
    ("rule", "mass", "low", "high"),
    [
        ("closest_dr", 30, 0.5, 1.0),
        ("closest_dr", 60, 0.0, 0.05),  # bosons at rest: partners are far apart
        ("equal_mass", 60, 0.35, 1.0),
    ],
)
def test_pairing_rules_know_light_from_heavy_bosons(
    rule: Rule, mass: int, low: float, high: float
) -> None:
    table = toy_table(2000, 0, (f"haa_ma{mass}",))
    batch = table.batch(np.arange(len(table)))
    pairs = pair_by_rule(batch.objects.numpy(), batch.mask.numpy(), rule)
    guess = np.pad(pairs, ((0, 0), (0, 0), (0, 2)), constant_values=-1)
    result = score_assignment(guess, *true_pairs(table))
    found = event_efficiencies(result, DECAY_INDEX["a_bb"])["matchable"]
    assert found.n > 100
    assert low <= found.value <= high


@pytest.mark.parametrize("rule", RULES)
def test_rules_ignore_order_of_objects_and_rotation(rule: Rule) -> None:
    batch = toy_table(300, 3, ("haa_ma40",)).batch(np.arange(300))
    objects, mask = batch.objects.numpy().astype(float), batch.mask.numpy()
    expected = pair_by_rule(objects, mask, rule)
    turned = objects.copy()
    turned[..., 3] = np.remainder(turned[..., 3] + 1.0 + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_array_equal(pair_by_rule(turned, mask, rule), expected)
    order = np.random.default_rng(0).permutation(objects.shape[1])
    shuffled = pair_by_rule(objects[:, order], mask[:, order], rule)
    back = np.where(shuffled >= 0, order[np.maximum(shuffled, 0)], -1)
    same = np.sort(np.sort(back, axis=2), axis=1) == np.sort(np.sort(expected, axis=2), axis=1)
    assert same.all()
