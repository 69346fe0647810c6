"""Study smeft: what the numbers allow to be said, as sentences that are computed.

Linear methods and Bayes' optimum stand beside every learned number; where a linear method is as good,
the sentence says so. Controls that fail are flagged in the same place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from colliderfm.physics.operators import INERT
from colliderfm.stats.intervals import MIN_SIGNIFICANCE, PairedGain
from colliderfm.studies.report_tables import gain_text, spread
from colliderfm.studies.smeft.arm_styles import LINEAR_ARMS, arm_label
from colliderfm.studies.smeft.inference import SIGNIFICANCE_LEVEL
from colliderfm.studies.smeft.summary import HEADLINE_METRICS, Comparison
from colliderfm.studies.smeft.table_text import verdict_text

BAYES_GOAL = 0.95
# A control that fails by chance once in a hundred reports.
CONTROL_LEVEL = 0.01
BINOMIAL_ERRORS = 3.0
CALIBRATION_NOTE = (
    "After training two numbers of each head are chosen by the log loss on validation replicas, the same "
    "ones that stop the training: a temperature of the probabilities, and how far from the universes "
    "evidence reaches. Test replicas and anomalies take no part."
)
NULL_NOTE = (
    "How much of rank and size of each coefficient the latent explains, by chance, and the p-value of a "
    f"permutation test (median over seeds). An inert operator below {SIGNIFICANCE_LEVEL:.0%} is flagged; "
    f"one in {1 / SIGNIFICANCE_LEVEL:.0f} is expected by chance."
)
COVERAGE_TITLES = {"interval": "retrieval contour", "direction": "interval, all directions"}
_COVERAGE = re.compile(r"test/(?P<what>\w+)_coverage(_(?P<sigma>\d+)sigma)?")


@dataclass(frozen=True)
class CoverageRow:
    """Coverage of one kind of contour of an arm.

    Parameters
    ----------
    init, what : str
        Arm, and what covers: ``interval``, ``contour``, ...
    sigma : int
        Nominal level.
    nominal, covered, error : float
        Nominal and found probability, binomial error of the nominal one.
    n_experiments : int
        Pseudo-experiments of one seed.
    is_within : bool
        Whether every seed is within three binomial errors; one count where less is expected.
    """

    init: str
    what: str
    sigma: int
    nominal: float
    covered: float
    error: float
    n_experiments: int
    is_within: bool

    @property
    def title(self) -> str:
        """Readable name of what covers."""
        return COVERAGE_TITLES.get(self.what, self.what.replace("_", " "))


def pretraining_sentences(comparison: Comparison) -> list[str]:
    """Say per number of labeled replicas what the paired tests against scratch show.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    list of str
        One line per number of labeled replicas.
    """
    lines = []
    for events in comparison.events:
        gains = {name: comparison.gain(events, metric) for metric, name in HEADLINE_METRICS.items()}
        texts = [f"{name} {verdict_text(gain)}" for name, gain in gains.items() if gain is not None]
        if texts:
            lines.append(f"- {events:,} labeled replicas: {'; '.join(texts)}.")
    return lines


def bayes_sentences(comparison: Comparison) -> list[str]:
    """Say how much of the Bayes accuracy the pretrained encoder reaches.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    list of str
        One line per number of labeled replicas.
    """
    lines = []
    for events in comparison.events:
        share = comparison.mean("pretrained", events, "test/accuracy_over_bayes")
        if share is None:
            continue
        is_met = share.mean >= BAYES_GOAL
        words = "meets" if is_met else "**misses**"
        lines.append(
            f"- {events:,} labeled replicas: the pretrained encoder reaches "
            f"{spread(share.mean, share.sd)} of the Bayes accuracy and {words} the goal of "
            f"{BAYES_GOAL:g}."
        )
    return lines


def linear_sentences(comparison: Comparison) -> list[str]:
    """Say plainly where a linear method is as good as the pretrained encoder, or better.

    Parameters
    ----------
    comparison : Comparison
        The cells.

    Returns
    -------
    list of str
        One line per headline metric and number of labeled replicas that both have.
    """
    lines = []
    for events in comparison.events:
        for metric, name in HEADLINE_METRICS.items():
            best = _best_linear(comparison, events, metric)
            gain = comparison.gain(events, metric, reference=best) if best else None
            # Accuracy over Bayes repeats the accuracy.
            if gain is not None and best and metric != "test/accuracy_over_bayes":
                words = _linear_words(arm_label(best), gain)
                lines.append(f"- {events:,} labeled replicas, {name}: {words}.")
    return lines


def _best_linear(comparison: Comparison, events: int, metric: str) -> str | None:
    """Linear arm with the largest mean, if there is one."""
    means = {init: comparison.mean(init, events, metric) for init in LINEAR_ARMS}
    known = {init: mean.mean for init, mean in means.items() if mean is not None}
    return max(known, key=lambda init: known[init]) if known else None


def _linear_words(label: str, gain: PairedGain) -> str:
    """Words about the encoder against the best linear method."""
    numbers = f"encoder minus {label} {gain_text(gain)}"
    if gain.n < 2:
        return f"{numbers}; one seed: not tested"
    if abs(gain.significance) < MIN_SIGNIFICANCE:
        return f"**the linear method {label} is as good** (no difference seen: {numbers})"
    if gain.significance < 0:
        return f"**the linear method {label} is better** ({numbers})"
    return f"the encoder is better than every linear method ({numbers})"


def null_sentences(comparison: Comparison) -> list[str]:
    """Say whether inert operators come out unconstrained, and flag the method if they do not.

    Parameters
    ----------
    comparison : Comparison
        The cells, with ``test/null_operator_flags``: inert operators with p below the level.

    Returns
    -------
    list of str
        One line per arm; empty without this metric.
    """
    lines, last = [], comparison.events[-1]
    expected = SIGNIFICANCE_LEVEL * len(INERT)
    for init in comparison.inits:
        flags = comparison.values(init, last, "test/null_operator_flags")
        if flags.empty:
            continue
        most = int(np.ceil(flags.max()))
        chance = float(stats.binom.sf(most - 1, len(INERT), SIGNIFICANCE_LEVEL)) if most else 1.0
        # Seeds share their universes, so the worst is held against the chance that one of them has.
        is_flagged = 1.0 - (1.0 - chance) ** len(flags) < CONTROL_LEVEL
        words = "**FLAGGED: the method invents constraints**" if is_flagged else "passed"
        lines.append(
            f"- {arm_label(init)}: at most {most} of {len(INERT)} inert operators come out "
            f"constrained at the {SIGNIFICANCE_LEVEL:.0%} level ({expected:.1f} expected by "
            f"chance): {words}."
        )
    return lines


def coverage_rows(comparison: Comparison, n_experiments: int) -> list[CoverageRow]:
    """Collect every coverage with its binomial error.

    Parameters
    ----------
    comparison : Comparison
        The cells, with ``test/<what>_coverage_<k>sigma`` (1 sigma without a suffix) and, where the
        number of pseudo-experiments is another one, the same with ``_error``.
    n_experiments : int
        Pseudo-experiments of a cell.

    Returns
    -------
    list of CoverageRow
        For the largest number of labeled replicas.
    """
    rows, last = [], comparison.events[-1]
    for metric in comparison.metrics:
        match = _COVERAGE.fullmatch(metric)
        if match is None or f"{metric}_1sigma" in comparison.metrics:
            continue
        sigma = int(match["sigma"] or 1)
        nominal = float(stats.chi2.cdf(sigma**2, 1))
        for init in comparison.inits:
            found = comparison.values(init, last, metric).to_numpy()
            if not len(found):
                continue
            listed = comparison.values(init, last, f"{metric}_error")
            n = round(nominal * (1 - nominal) / listed.max() ** 2) if len(listed) else n_experiments
            error = float(np.sqrt(nominal * (1.0 - nominal) / n))
            allowed = max(BINOMIAL_ERRORS * error, 1.0 / n)
            is_within = bool((np.abs(found - nominal) <= allowed + 1e-12).all())
            numbers = (sigma, nominal, float(found.mean()), error, n, is_within)
            rows.append(CoverageRow(init, match["what"], *numbers))
    return sorted(rows, key=lambda row: (row.what, comparison.inits.index(row.init), row.sigma))


def coverage_sentence(rows: Sequence[CoverageRow]) -> list[str]:
    """Say whether all contours cover, and name those that do not.

    Parameters
    ----------
    rows : sequence of CoverageRow
        From `coverage_rows`.

    Returns
    -------
    list of str
        One line; empty without rows.
    """
    if not rows:
        return []
    wrong = [f"{arm_label(r.init)} {r.title} at {r.sigma}σ" for r in rows if not r.is_within]
    if wrong:
        return [f"**Outside three binomial errors: {', '.join(wrong)}.**"]
    return ["Every coverage is within three binomial errors of its nominal value in every seed."]
