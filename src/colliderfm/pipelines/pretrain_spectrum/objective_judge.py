"""How well the further objectives of a pretraining are met, beside linear methods.

On replicas of new universes from streams of their own. Beside each head stand the same quantity from as
many noise-whitened principal components as the latent has dimensions, and, where that makes sense,
from all bins: linear maps, fitted in closed form on other replicas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, roc_auc_score

from colliderfm.data.replica_batch import ReplicaBatch
from colliderfm.data.replica_corpus import ReplicaCorpus
from colliderfm.data.replica_pairs import PairSettings, ReplicaPairs
from colliderfm.models.spectrum_model import SpectrumModel
from colliderfm.models.spectrum_objectives import MASKED_SHARE

# Replicas that linear maps are fitted on, and those that everything is scored on; a quarter of it for
# the two-way choices.
FITTED, SCORED = 16384, 8192


@dataclass(frozen=True)
class Components:
    """Principal components of spectra in noise units.

    Parameters
    ----------
    center : ndarray, shape (B,)
        Mean spectrum.
    axes : ndarray, shape (D, B)
        Orthonormal rows, the largest variance first.
    variance : ndarray, shape (D,)
        Variance along each, that of the noise (1) taken off.
    """

    center: np.ndarray
    axes: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, spectra: np.ndarray, n_axes: int) -> Components:
        """Fit to spectra in noise units, shape (N, B)."""
        center = spectra.mean(axis=0)
        value, vector = np.linalg.eigh(np.cov(spectra - center, rowvar=False))
        largest = slice(None, -n_axes - 1, -1)
        return cls(center, vector[:, largest].T, np.maximum(value[largest] - 1.0, 1e-6))

    def embed(self, spectra: np.ndarray) -> np.ndarray:
        """Return the coordinates of spectra, shape (N, D)."""
        return np.asarray((spectra - self.center) @ self.axes.T)

    def complete(self, spectra: np.ndarray, is_visible: np.ndarray) -> np.ndarray:
        """Return the most likely noise-free spectra given some of the bins, shape (N, B)."""
        normal = np.einsum("nb,db,eb->nde", is_visible, self.axes, self.axes, optimize=True)
        normal = normal + np.diag(1.0 / self.variance)
        seen = (is_visible * (spectra - self.center)) @ self.axes.T
        return np.asarray(
            self.center + np.linalg.solve(normal, seen[..., None])[..., 0] @ self.axes
        )


def judge_objectives(
    model: SpectrumModel,
    tables: ReplicaCorpus,
    task: str,
    *,
    n_fitted: int = FITTED,
    n_scored: int = SCORED,
) -> dict[str, float]:
    """Measure the heads of a pretrained network.

    Parameters
    ----------
    model : SpectrumModel
        In evaluation mode.
    tables : ReplicaCorpus
        Theory and noise.
    task : str
        ``study`` or ``hard``.
    n_fitted, n_scored : int
        Replicas for the linear maps, and for the scores.

    Returns
    -------
    dict of str to float
        For each head ``val/<objective>_<quality>``, with ``_pca`` (as many whitened components) and
        ``_linear`` (all bins) appended for the linear methods. ``decoder_error`` and
        ``masked_bins_error``: typical distance per bin from the noise-free spectrum, in units of the
        noise, of all and of the hidden bins; ``directions_r2``: share of the variance explained, mean
        over the directions; ``truncation_auc`` and ``densities_auc``. Empty without heads.
    """
    if not len(model.heads):
        return {}
    fitted, scored = (
        _batch(model, tables, task, f"objectives-{purpose}", n)
        for purpose, n in (("linear", n_fitted), ("scored", n_scored))
    )
    components = Components.of(_units(model, fitted.first), model.encoder.settings.latent)
    judges: dict[str, Callable[[], dict[str, float]]] = {
        "decoder": lambda: _decoder(model, scored, components),
        "masked_bins": lambda: _masked_bins(model, scored, components),
        "directions": lambda: _directions(model, fitted, scored, components),
        "truncation": lambda: _choice(model, "truncation", fitted, scored, components),
        "densities": lambda: _choice(model, "densities", fitted, scored, components),
    }
    metrics: dict[str, float] = {}
    for name in model.heads:
        metrics |= {f"val/{name}_{key}": value for key, value in judges[name]().items()}
    return metrics


def _batch(
    model: SpectrumModel, tables: ReplicaCorpus, task: str, purpose: str, n: int
) -> ReplicaBatch:
    settings = PairSettings(
        task=task,
        batch_size=n,
        positive_fraction=1.0,
        truncation="truncation" in model.heads,
        densities="densities" in model.heads,
    )
    return ReplicaPairs(tables, settings, tables.settings.stream_seed(task, purpose)).batch(0)


def _decoder(
    model: SpectrumModel, scored: ReplicaBatch, components: Components
) -> dict[str, float]:
    truth, replicas = _units(model, scored.mean), _units(model, scored.first)
    linear = components.center + components.embed(replicas) @ components.axes
    everywhere = np.ones(truth.shape, dtype=bool)
    return {
        "error": _typical_error(_outputs(model, "decoder", scored.first), truth, everywhere),
        "error_pca": _typical_error(linear, truth, everywhere),
    }


def _masked_bins(
    model: SpectrumModel, scored: ReplicaBatch, components: Components
) -> dict[str, float]:
    is_masked = np.random.default_rng(0).random(scored.first.shape) < MASKED_SHARE
    hidden = torch.from_numpy(is_masked).to(model.encoder.scaling.sm.device)
    visible = torch.where(hidden, model.encoder.scaling.sm, scored.first.to(hidden.device))
    truth = _units(model, scored.mean)
    # The components are told which bins are hidden; the encoder is not.
    linear = components.complete(_units(model, scored.first), ~is_masked)
    return {
        "error": _typical_error(_outputs(model, "masked_bins", visible), truth, is_masked),
        "error_pca": _typical_error(linear, truth, is_masked),
    }


def _directions(
    model: SpectrumModel, fitted: ReplicaBatch, scored: ReplicaBatch, components: Components
) -> dict[str, float]:
    truth = scored.directions.numpy()
    metrics = {"r2": float(r2_score(truth, _outputs(model, "directions", scored.first)))}
    for name, embed in _linear_inputs(components).items():
        inputs, others = (embed(_units(model, batch.first)) for batch in (fitted, scored))
        fit = LinearRegression().fit(inputs, fitted.directions.numpy())
        metrics[f"r2_{name}"] = float(r2_score(truth, fit.predict(others)))
    return metrics


def _choice(
    model: SpectrumModel,
    objective: str,
    fitted: ReplicaBatch,
    scored: ReplicaBatch,
    components: Components,
) -> dict[str, float]:
    label = {"truncation": "is_quadratic", "densities": "is_new_physics"}[objective]
    values, truth = getattr(scored, objective), getattr(scored, label).numpy()
    metrics = {"auc": float(roc_auc_score(truth, _outputs(model, objective, values)[:, 0]))}
    for name, embed in _linear_inputs(components).items():
        inputs, others = (
            embed(_units(model, getattr(batch, objective))) for batch in (fitted, scored)
        )
        fit = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-6)
        fit.fit(inputs, getattr(fitted, label).numpy())
        metrics[f"auc_{name}"] = float(roc_auc_score(truth, fit.decision_function(others)))
    return metrics


def _linear_inputs(components: Components) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    return {"pca": components.embed, "linear": lambda spectra: spectra}


def _typical_error(guess: np.ndarray, truth: np.ndarray, is_counted: np.ndarray) -> float:
    """Median over spectra of the root mean square over the bins that count."""
    square = ((guess - truth) ** 2 * is_counted).sum(axis=1) / np.maximum(is_counted.sum(axis=1), 1)
    return float(np.median(np.sqrt(square)))


def _units(model: SpectrumModel, values: torch.Tensor) -> np.ndarray:
    """Return spectra in pb/GeV as deviations from the Standard Model in noise units."""
    scaling = model.encoder.scaling
    return scaling.noise_units(values.to(scaling.sm.device)).double().cpu().numpy()


@torch.no_grad()
def _outputs(model: SpectrumModel, head: str, values: torch.Tensor) -> np.ndarray:
    """Return what a head says of spectra in pb/GeV, shape (N, K)."""
    latent = model(values.to(model.encoder.scaling.sm.device))
    return np.asarray(model.heads[head](latent).double().cpu().numpy())
