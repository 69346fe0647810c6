"""Gradient-boosted trees (XGBoost); validation chooses depth and number of rounds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost
from sklearn.metrics import roc_auc_score

from colliderfm.errors import PhysicsError


@dataclass(frozen=True)
class TreeSettings:
    """Recipe of the boosted trees.

    Parameters
    ----------
    depths : tuple of int
        Tree depths that are tried.
    max_rounds : int
        Boosting rounds at most.
    patience : int
        Rounds without a better validation AUC before a fit stops.
    learning_rate : float
        Shrinkage of each tree.
    """

    depths: tuple[int, ...] = (2, 3, 4)
    max_rounds: int = 500
    patience: int = 25
    learning_rate: float = 0.1


@dataclass(frozen=True)
class TreeFit:
    """The best fit over depths.

    Parameters
    ----------
    booster : xgboost.Booster
        Trees up to the best round.
    names : tuple of str
        Input variables in order.
    depth, rounds : int
        What validation chose.
    validation_auc : float
        Weighted AUC there.
    stopped : str
        ``"plateau"``, or ``"cap"`` if the best depth used up all rounds.
    seconds : float
        Wall time of all fits.
    """

    booster: xgboost.Booster
    names: tuple[str, ...]
    depth: int
    rounds: int
    validation_auc: float
    stopped: str
    seconds: float

    def score(self, values: np.ndarray) -> np.ndarray:
        """Signal probability of events.

        Parameters
        ----------
        values : ndarray, shape (B, V)
            Variables in the order of ``names``.

        Returns
        -------
        ndarray, shape (B,)
            Score in [0, 1].
        """
        return self.booster.predict(
            xgboost.DMatrix(values, feature_names=list(self.names), nthread=1)
        )

    def importance(self) -> dict[str, float]:
        """Share of the total gain of each variable, largest first.

        Returns
        -------
        dict of str to float
            Shares that add up to one.
        """
        gains = self.booster.get_score(importance_type="total_gain")
        total = sum(gains.values()) or 1.0
        return {
            name: gain / total for name, gain in sorted(gains.items(), key=lambda item: -item[1])
        }

    def save(self, path: Path) -> None:
        """Write the trees as JSON.

        Parameters
        ----------
        path : Path
            File to write.
        """
        self.booster.save_model(path)


@dataclass(frozen=True)
class LabelledVariables:
    """Events as boosted trees see them.

    Parameters
    ----------
    values : ndarray, shape (B, V)
        Variables.
    is_signal : ndarray, shape (B,), bool
        Target.
    weight : ndarray, shape (B,)
        Training weights, not negative.
    """

    values: np.ndarray
    is_signal: np.ndarray
    weight: np.ndarray


def fit_boosted_trees(
    train: LabelledVariables,
    validation: LabelledVariables,
    names: tuple[str, ...],
    settings: TreeSettings,
    seed: int,
) -> TreeFit:
    """Fit trees of each depth and keep the best on validation.

    Parameters
    ----------
    train, validation : LabelledVariables
        The two splits.
    names : tuple of str
        Names of the variables.
    settings : TreeSettings
        Recipe.
    seed : int
        Seed of the row and column sampling.

    Returns
    -------
    TreeFit
        Deterministic for equal input: one thread, fixed seed.

    Raises
    ------
    PhysicsError
        If training or validation lacks signal or background.
    """
    for name, sample in (("training", train), ("validation", validation)):
        if len(np.unique(sample.is_signal)) < 2:
            raise PhysicsError(
                f"{name} sample of the boosted trees",
                got=f"{len(sample.is_signal)} events of one class",
                need="signal and background",
            )
    started = time.perf_counter()
    matrices = [_matrix(sample, names) for sample in (train, validation)]
    fits = [_fit_depth(matrices, validation, depth, settings, seed) for depth in settings.depths]
    depth, booster, auc, rounds, stopped = max(fits, key=lambda fit: fit[2])
    seconds = time.perf_counter() - started
    return TreeFit(booster, names, depth, rounds, auc, stopped, seconds)


def _matrix(sample: LabelledVariables, names: tuple[str, ...]) -> xgboost.DMatrix:
    """Variables, target and weights in XGBoost's own container."""
    return xgboost.DMatrix(
        sample.values,
        label=sample.is_signal.astype(np.float32),
        weight=np.maximum(sample.weight, 0.0),
        feature_names=list(names),
        nthread=1,
    )


def _fit_depth(
    matrices: list[xgboost.DMatrix],
    validation: LabelledVariables,
    depth: int,
    settings: TreeSettings,
    seed: int,
) -> tuple[int, xgboost.Booster, float, int, str]:
    """Fit one depth; returns depth, booster, validation AUC, rounds and why it stopped."""
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "auc",
        "max_depth": depth,
        "eta": settings.learning_rate,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
        # In units of w p (1 - p): at least four events of unit weight in a leaf.
        "min_child_weight": 1.0,
        "tree_method": "hist",
        "nthread": 1,
        "seed": seed,
    }
    booster = xgboost.train(
        parameters,
        matrices[0],
        num_boost_round=settings.max_rounds,
        evals=[(matrices[1], "validation")],
        early_stopping_rounds=settings.patience,
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    stopped = "cap" if booster.num_boosted_rounds() == settings.max_rounds else "plateau"
    booster = booster[:rounds]
    score = booster.predict(matrices[1])
    weight = np.maximum(validation.weight, 0.0)
    auc = float(roc_auc_score(validation.is_signal, score, sample_weight=weight))
    return depth, booster, auc, rounds, stopped
