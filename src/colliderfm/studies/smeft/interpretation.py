"""Study smeft: what the axes of the latent mean, and where one coefficient leads.

Every operator moves the spectrum, and with it the latent, in one direction. Two questions of the
source study get numbers: do classes of operators keep the angles between them that the spectra have
(in units of the noise), and does a growing coefficient draw a straight, monotonic path? Inert
operators must not move at all. Read next: ``metrics.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from colliderfm.physics.identifiability import mahalanobis_distances, noise_whitener, response
from colliderfm.physics.operators import CONTRIBUTING, OPERATORS
from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.studies.smeft.retrieval import Embed

_STEP = 0.05
_PATH = np.linspace(0.0, 2.0, 21)


@dataclass(frozen=True)
class Alignment:
    """Directions of operators and classes in a latent, as angles in degrees.

    Parameters
    ----------
    classes : tuple of str, length C
        Operator classes with a contributing operator.
    axis_angles_deg : ndarray, shape (D, C)
        Angle between each principal axis of the responses and the leading direction of each class.
    class_angles_deg : ndarray, shape (C, C)
        Angles between leading directions of classes in the latent.
    true_class_angles_deg : ndarray, shape (C, C)
        The same for the spectra in units of the noise.
    response_cosines, true_response_cosines : ndarray, shape (17, 17)
        Cosines between single operators, in the latent and for the spectra.
    correlation : float
        Spearman correlation of the two sets of cosines over pairs of operators.
    class_angle_difference_deg : float
        Mean absolute difference of the angles between classes.
    """

    classes: tuple[str, ...]
    axis_angles_deg: np.ndarray
    class_angles_deg: np.ndarray
    true_class_angles_deg: np.ndarray
    response_cosines: np.ndarray
    true_response_cosines: np.ndarray
    correlation: float
    class_angle_difference_deg: float


def alignment(
    embed: Embed, table: SpectrumTable, covariance: np.ndarray, latent_whitener: np.ndarray
) -> Alignment:
    """Compare directions in the latent with those of the spectra.

    Parameters
    ----------
    embed : callable
        Spectra (N, B) to latents (N, D).
    table : SpectrumTable
        Linear response of the spectra.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Noise of the spectra.
    latent_whitener : ndarray, shape (D, D)
        Matrix that turns noise in the latent into unit noise.

    Returns
    -------
    Alignment
    """
    sm = table.sm_pb / table.width_gev
    slope = response(table, order="linear")
    moved = [np.asarray(embed((sm + sign * _STEP * slope).astype(np.float32))) for sign in (1, -1)]
    in_latent = (moved[0] - moved[1]) / (2.0 * _STEP) @ latent_whitener
    in_spectra = slope @ noise_whitener(covariance)
    class_of = {operator.name: operator.operator_class for operator in OPERATORS}
    classes = tuple(dict.fromkeys(class_of[name] for name in CONTRIBUTING))
    members = [[class_of[name] == one for name in CONTRIBUTING] for one in classes]
    leading, true_leading = (
        np.stack([_leading_direction(rows[chosen]) for chosen in members])
        for rows in (in_latent, in_spectra)
    )
    axes = np.linalg.svd(in_latent, full_matrices=False)[2]
    angles, true_angles = _angles(leading, leading), _angles(true_leading, true_leading)
    cosines, true_cosines = (_cosines(rows, rows) for rows in (in_latent, in_spectra))
    above = np.triu_indices(len(classes), 1)
    return Alignment(
        classes=classes,
        axis_angles_deg=_angles(axes, leading),
        class_angles_deg=angles,
        true_class_angles_deg=true_angles,
        response_cosines=cosines,
        true_response_cosines=true_cosines,
        correlation=rank_correlation(*(_pairs(part) for part in (cosines, true_cosines))),
        class_angle_difference_deg=float(np.abs(angles[above] - true_angles[above]).mean()),
    )


def _leading_direction(rows: np.ndarray) -> np.ndarray:
    """Direction along which a class of operators moves most."""
    return np.asarray(np.linalg.svd(rows, full_matrices=False)[2][0])


def _cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    norms = [np.linalg.norm(rows, axis=1) + 1e-30 for rows in (first, second)]
    return np.asarray(first @ second.T / norms[0][:, None] / norms[1])


def _angles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles between lines: 0 to 90 degrees."""
    cosines = np.clip(np.abs(_cosines(first, second)), 0.0, 1.0)
    return np.asarray(np.degrees(np.arccos(cosines)))


def _pairs(matrix: np.ndarray) -> np.ndarray:
    return np.asarray(matrix[np.triu_indices(len(matrix), 1)])


@dataclass(frozen=True)
class Trajectory:
    """Path of the latent while one coefficient grows from 0 to 2.

    Parameters
    ----------
    operator : str
        Its name.
    path : ndarray, shape (S, D)
        Latents, in units of the noise, relative to the Standard Model.
    length : float
        Length of the path.
    true_length : float
        Length of the path of the spectrum, in units of the noise.
    straightness : float
        Distance between the ends over the length; 1 is a straight line, and 1 without any motion.
    turning_deg : float
        Sum of the angles between successive steps.
    is_monotonic : bool
        Whether the distance from the Standard Model never falls by more than 1% of the largest.
    """

    operator: str
    path: np.ndarray
    length: float
    true_length: float
    straightness: float
    turning_deg: float
    is_monotonic: bool


def trajectories(
    embed: Embed,
    table: SpectrumTable,
    covariance: np.ndarray,
    latent_whitener: np.ndarray,
    order: str = "quadratic",
    names: Sequence[str] = CONTRIBUTING,
) -> list[Trajectory]:
    """Follow the latent under controlled changes of one coefficient at a time.

    Parameters
    ----------
    embed : callable
        Spectra (N, B) to latents (N, D).
    table : SpectrumTable
        Theory.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Noise of the spectra.
    latent_whitener : ndarray, shape (D, D)
        Matrix that turns noise in the latent into unit noise.
    order : {"linear", "quadratic"}
        Where the series is cut.
    names : sequence of str
        Operators of the table.

    Returns
    -------
    list of Trajectory
        One per operator.
    """
    whitener = noise_whitener(covariance)
    found = []
    for name in names:
        wilson = np.zeros((len(_PATH), len(table.operators)))
        wilson[:, table.operators.index(name)] = _PATH
        mean = table.predict_pb(wilson, order) / table.width_gev
        latent = np.asarray(embed(mean.astype(np.float32)), dtype=np.float64) @ latent_whitener
        true_steps = np.diff((mean - mean[0]) @ whitener, axis=0)
        true_length = float(np.linalg.norm(true_steps, axis=1).sum())
        found.append(_describe_path(name, latent - latent[0], true_length))
    return found


def _describe_path(name: str, path: np.ndarray, true_length: float) -> Trajectory:
    steps = np.diff(path, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    length = float(lengths.sum())
    distance = np.linalg.norm(path, axis=1)
    moving = steps[lengths > 1e-9 * max(length, 1e-30)]
    cosines = np.array(
        [_cosines(moving[i : i + 1], moving[i + 1 : i + 2])[0, 0] for i in range(len(moving) - 1)]
    )
    return Trajectory(
        operator=name,
        path=path,
        length=length,
        true_length=true_length,
        straightness=float(distance[-1] / length) if length > 0.0 else 1.0,
        turning_deg=float(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))).sum()),
        is_monotonic=bool((np.diff(distance) >= -0.01 * distance.max()).all()),
    )


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman correlation; zero if one of them is constant.

    Parameters
    ----------
    first, second : ndarray, shape (N,)
        Numbers to compare.

    Returns
    -------
    float
        In [-1, 1].
    """
    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return 0.0
    return float(stats.spearmanr(first, second).statistic)


def fisher_rank_correlation(latent: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Compare how distances in the latent and in units of the noise order pairs of universes.

    Parameters
    ----------
    latent : ndarray, shape (U, D)
        Latents of universes.
    mean : ndarray, shape (U, B), pb/GeV
        Their spectra.
    covariance : ndarray, shape (B, B), (pb/GeV)^2
        Noise of the spectra.

    Returns
    -------
    float
        Spearman correlation over all pairs.
    """
    true = mahalanobis_distances(mean, mean, covariance)
    found = np.linalg.norm(latent[:, None] - latent[None], axis=2)
    return rank_correlation(_pairs(found), _pairs(true))
