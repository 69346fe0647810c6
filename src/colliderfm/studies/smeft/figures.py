"""Study smeft: all figures of a report, each as PNG with its numbers as JSON beside it.

Curves are averages over all seeds. Maps show one run: the first seed of the pretrained arm with the
most labeled replicas. Read next: ``figures_spectra``, ``figures_latent``, ``figures_retrieval``,
``figures_tasks``.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from colliderfm.baselines.linear_embeddings import fit_pca
from colliderfm.physics.identifiability import mahalanobis_distances, noise_whitener
from colliderfm.physics.replicas import poisson_sigma
from colliderfm.physics.universes import COEFFICIENTS, Universes
from colliderfm.plots.style import hep_style
from colliderfm.studies.smeft import figures_retrieval as retrieval_figures
from colliderfm.studies.smeft.arm_styles import LINEAR_ARMS, arm_label
from colliderfm.studies.smeft.captured import Capture, cloud_covariance
from colliderfm.studies.smeft.data import SmeftData
from colliderfm.studies.smeft.figure_input import FigureInput
from colliderfm.studies.smeft.figures_alignment import class_angle_maps
from colliderfm.studies.smeft.figures_anomalies import CASE_LABELS, anomaly_bars, anomaly_map
from colliderfm.studies.smeft.figures_latent import cluster_map, latent_map, uncertainty_map
from colliderfm.studies.smeft.figures_spectra import (
    anomaly_spectra,
    operator_spectra,
    singular_values,
    universe_spectra,
)
from colliderfm.studies.smeft.figures_tasks import (
    entropy_curves,
    learning_curves,
    reliability_curves,
)
from colliderfm.studies.smeft.figures_training import loss_curves
from colliderfm.studies.smeft.figures_trajectories import trajectories
from colliderfm.studies.smeft.interpretation_tables import class_angles, shown_arm
from colliderfm.studies.smeft.latent_view import LatentView
from colliderfm.studies.smeft.retrieval import LEVELS_SIGMA, Embed

log = logging.getLogger(__name__)

N_FRESH_UNIVERSES = 20_000
FRESH_SEED = 4_000_000


def draw_figures(given: FigureInput, folder: Path) -> list[Path]:
    """Draw every figure that the input allows.

    Parameters
    ----------
    given : FigureInput
        Cells, predictions, histories, corpus and encoder.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON files.
    """
    comparison, events = given.comparison, given.largest
    frames = {
        n: {init: given.frames(init, n) for init in comparison.inits} for n in comparison.events
    }
    with hep_style():
        files = learning_curves(comparison, folder)
        files += anomaly_bars(comparison, events, folder)
        files += reliability_curves(frames, folder)
        files += entropy_curves(frames[events], events, folder)
        files += loss_curves(given.histories, events, folder)
        if init := shown_arm(given):
            files += class_angle_maps(class_angles(given, init), folder)
        if given.data is None:
            log.warning("no replica corpus: figures of theory and latent are left out")
            return files
        files += theory_figures(given, folder)
        files += latent_figures(given, folder)
    return files


def theory_figures(given: FigureInput, folder: Path) -> list[Path]:
    """Draw spectra, universes, anomalies and identifiable directions.

    Parameters
    ----------
    given : FigureInput
        With a corpus.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON files.
    """
    data = given.data
    assert data is not None
    settings = data.corpus.settings
    sigmas = {
        "hard task": poisson_sigma(data.table, settings.hard_delta_sigma_rel),
        "noise of the study": poisson_sigma(data.table, settings.study_delta_sigma_rel),
    }
    files = operator_spectra(data.table, settings.order, folder)
    mean = data.corpus.seen.mean_pb_per_gev
    cases = {CASE_LABELS[a.name].replace("\n", " "): a.mean for a in given.anomalies}
    files += universe_spectra(data.table, mean, given.distance_from_sm, folder)
    files += anomaly_spectra(data.table, cases, folder)
    return files + singular_values(data.table, sigmas, folder)


def latent_figures(given: FigureInput, folder: Path) -> list[Path]:
    """Draw what the latent looks like and what its neighborhoods say.

    Parameters
    ----------
    given : FigureInput
        With a corpus; arms without latents are left out.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON files.
    """
    data, init = given.data, given.map_arm
    view = given.view(init) if init else None
    if data is None or init is None or view is None:
        log.warning("no latents among the predictions: maps are left out")
        return []
    baselines = [other for name in LINEAR_ARMS if (other := given.view(name)) and name != init]
    files = latent_map(view, data.table, data.corpus.seen.mean_pb_per_gev, folder)
    files += cluster_map([view, *baselines], given.distance_from_sm, folder)
    files += uncertainty_map(view, given.frames(init, given.largest)[0], given.largest, folder)
    files += anomaly_map(view, given.all_rows(init, given.largest)[0], folder)
    files += trajectories(data.table, _embeddings(given, view), data.corpus.settings.order, folder)
    if given.capture is not None:
        files += retrieval_figures.contours(view, given.capture, folder)
        files += _coefficient_figures(given, data, view, given.capture, folder)
    return files


def _embeddings(given: FigureInput, view: LatentView) -> dict[str, tuple[Embed, np.ndarray]]:
    """Return the encoder, if there is one, and whitened principal components of the same width."""
    data = given.data
    assert data is not None
    mean = data.corpus.seen.mean_pb_per_gev
    width = min(view.latent.shape[1], *mean.shape)
    linear = fit_pca(mean, width, noise_whitener(data.covariance))
    found: dict[str, tuple[Embed, np.ndarray]] = {}
    if given.embed is not None:
        found[arm_label("pretrained")] = (given.embed, np.asarray(given.embed(mean), dtype=float))
    found[arm_label("pca")] = (linear.transform, linear.transform(mean))
    return found


def _coefficient_figures(
    given: FigureInput, data: SmeftData, view: LatentView, near: Capture, folder: Path
) -> list[Path]:
    """Violins and radial plot of fresh universes from the prior that the contours capture."""
    fresh = data.new_universes(N_FRESH_UNIVERSES, FRESH_SEED)
    distance, by_what = _fresh_distances(given, data, view, near, fresh)
    captured = {
        f"within {sigma:g}$\\sigma$ {by_what}": fresh.wilson[distance <= radius]
        for sigma, radius in zip(
            reversed(LEVELS_SIGMA), reversed(near.radius.tolist()), strict=True
        )
    }
    ends = {name: captured[name] for name in (list(captured)[0], list(captured)[-1])}
    files = retrieval_figures.coefficient_violins(COEFFICIENTS, fresh.wilson, ends, folder)
    return files + retrieval_figures.constraint_radial(COEFFICIENTS, fresh.wilson, captured, folder)


def _fresh_distances(
    given: FigureInput, data: SmeftData, view: LatentView, near: Capture, fresh: Universes
) -> tuple[np.ndarray, str]:
    """Distances of fresh universes from the query, in the latent if the encoder is at hand."""
    query = data.corpus.seen.mean_pb_per_gev[near.query][None]
    if given.embed is None:
        distance = mahalanobis_distances(fresh.mean_pb_per_gev, query, data.covariance)[:, 0]
        return distance, "of the spectra"
    cloud = view.latent[view.universe == near.query]
    whitener = noise_whitener(cloud_covariance(cloud))
    step = np.asarray(given.embed(fresh.mean_pb_per_gev), dtype=float) - cloud.mean(axis=0)
    return np.linalg.norm(step @ whitener, axis=1), "in the latent"
