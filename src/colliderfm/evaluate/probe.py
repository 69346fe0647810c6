"""Linear probe: how much of the process is linearly readable from a frozen event token.

It decides promotion: a candidate encoder must beat the champion in macro one-vs-rest AUC by more
than twice the bootstrap error of the paired difference on the same validation events.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from colliderfm.errors import PhysicsError
from colliderfm.evaluate.classification import macro_auc_replicas, one_vs_rest_auc
from colliderfm.stats.bootstrap import replica_counts, summarize

# The recipe is part of the gate: changing it makes old and new numbers incomparable.
INVERSE_PENALTY = 1.0
MAX_ITERATIONS = 200
TOLERANCE = 1e-3
REQUIRED_ERRORS = 2.0


@dataclass(frozen=True)
class ProbeResult:
    """Macro AUC of a linear probe and what a paired comparison needs.

    Parameters
    ----------
    macro_auc : float
        Mean one-vs-rest AUC over the classes.
    error : float
        Its bootstrap error over validation events.
    class_auc : ndarray, shape (C,)
        One-vs-rest AUC of each class; NaN for an absent one.
    replicas : ndarray, shape (K,)
        Macro AUC of each bootstrap replica; the same events and seed give paired replicas.
    n_events : int
        Number of validation events.
    """

    macro_auc: float
    error: float
    class_auc: np.ndarray
    replicas: np.ndarray
    n_events: int


@dataclass(frozen=True)
class GateDecision:
    """Whether a candidate may replace the champion.

    Parameters
    ----------
    gain : float
        Candidate minus champion.
    error : float
        Bootstrap error of the paired difference.
    passed : bool
        ``gain > 2 * error``.
    reason : str
        One sentence with the numbers.
    """

    gain: float
    error: float
    passed: bool
    reason: str


def linear_probe(
    train_tokens: np.ndarray,
    train_class: np.ndarray,
    validation_tokens: np.ndarray,
    validation_class: np.ndarray,
    *,
    n_replicas: int = 200,
    seed: int = 0,
) -> ProbeResult:
    """Fit a logistic regression on frozen tokens of the training split, score the validation split.

    Parameters
    ----------
    train_tokens, validation_tokens : ndarray, shape (B, D)
        Event tokens of a frozen encoder.
    train_class, validation_class : ndarray, shape (B,), int
        Class index of each event, 0 to C - 1.
    n_replicas : int
        Bootstrap replicas of the validation events.
    seed : int
        Seed of the replicas.

    Returns
    -------
    ProbeResult
        Macro AUC with error.

    Raises
    ------
    PhysicsError
        If the tokens are not finite or the training classes do not contain the validation ones.
    """
    for name, tokens in (("training", train_tokens), ("validation", validation_tokens)):
        if not np.isfinite(tokens).all():
            raise PhysicsError(f"{name} tokens of the linear probe", got="NaN or infinity")
    classes = np.unique(train_class)
    missing = np.setdiff1d(np.unique(validation_class), classes)
    if missing.size:
        raise PhysicsError(
            "classes of the linear probe",
            got=f"class {missing.tolist()} in validation only",
            need="every class in the training split",
        )
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=INVERSE_PENALTY, max_iter=MAX_ITERATIONS, tol=TOLERANCE),
    )
    with warnings.catch_warnings():
        # The iteration limit is part of the recipe.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(np.asarray(train_tokens, dtype=np.float64), train_class)
    fitted = model.predict_proba(np.asarray(validation_tokens, dtype=np.float64))
    probability = np.zeros((len(fitted), int(classes.max()) + 1))
    probability[:, classes] = fitted
    class_auc = one_vs_rest_auc(validation_class, probability)
    counts = replica_counts(len(probability), n_replicas, seed)
    replicas = macro_auc_replicas(validation_class, probability, counts)
    return ProbeResult(
        macro_auc=float(np.nanmean(class_auc)),
        error=summarize(replicas).error,
        class_auc=class_auc,
        replicas=replicas,
        n_events=len(probability),
    )


def decide_gate(candidate: ProbeResult, champion: ProbeResult) -> GateDecision:
    """Compare two encoders probed on the same validation events.

    Parameters
    ----------
    candidate, champion : ProbeResult
        Results with the same events, number of replicas and seed.

    Returns
    -------
    GateDecision
        Gain, its error and the decision.

    Raises
    ------
    PhysicsError
        If the two were not probed on the same number of events and replicas.
    """
    same_events = candidate.n_events == champion.n_events
    if not same_events or candidate.replicas.shape != champion.replicas.shape:
        raise PhysicsError(
            "gate: candidate and champion were probed on different events",
            got=f"{candidate.n_events} and {champion.n_events} events",
            fix="probe both on one validation split with one seed",
        )
    gain = candidate.macro_auc - champion.macro_auc
    error = summarize(candidate.replicas - champion.replicas).error
    passed = gain > REQUIRED_ERRORS * error
    relation = "more" if passed else "not more"
    reason = (
        f"macro AUC {candidate.macro_auc:.4f} against {champion.macro_auc:.4f}: gain {gain:+.4f}, "
        f"{relation} than twice its error {error:.4f}"
    )
    return GateDecision(gain, error, bool(passed), reason)
