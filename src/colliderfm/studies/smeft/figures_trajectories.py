"""Study smeft, figure of trajectories: how the latent moves when one Wilson coefficient is turned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from colliderfm.physics.spectrum_table import SpectrumTable
from colliderfm.plots.latent_maps import draw_trajectories, frame_points, label_plane
from colliderfm.plots.planes import Plane
from colliderfm.plots.style import new_figure, save_figure
from colliderfm.studies.smeft.retrieval import Embed

LARGEST_COEFFICIENT = 2.0
N_STEPS = 21
N_TRAJECTORIES = 10


def trajectories(
    table: SpectrumTable,
    embeddings: Mapping[str, tuple[Embed, np.ndarray]],
    order: str,
    folder: Path,
) -> list[Path]:
    """Draw how the latent moves when one Wilson coefficient after the other is turned.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    embeddings : mapping of str to (function, ndarray of shape (U, Z))
        By name: spectra (N, B) in pb/GeV to latents (N, Z), and the latents of the universes.
    order : {"linear", "quadratic"}
        Where the series is cut.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON with length and straightness (chord over length) of each path.
    """
    steps = np.linspace(-LARGEST_COEFFICIENT, LARGEST_COEFFICIENT, N_STEPS)
    figure, axes = new_figure(len(embeddings), size=(6.8 * len(embeddings) + 1.4, 5.8))
    numbers: dict[str, Any] = {"coefficient": steps, "order": order}
    shown: list[str] = []
    for panel, (name, (embed, places)) in zip(axes, embeddings.items(), strict=True):
        plane = Plane.of_points(places)
        paths = operator_paths(table, embed, order, steps)
        size = {key: path_length(path) for key, path in paths.items()}
        shown = shown or sorted(size, key=lambda key: -size[key])[:N_TRAJECTORIES]
        flat = {key: plane.project(paths[key]) for key in shown}
        start = plane.project(embed((table.sm_pb / table.width_gev)[None]))[0]
        panel.scatter(*plane.project(places).T, s=14, color="0.8", linewidths=0)
        draw_trajectories(panel, flat, start)
        frame_points(panel, np.vstack([*flat.values(), plane.project(places)]), cut=0.0)
        label_plane(panel, plane)
        panel.set_title(f"{name}, C = -2 to 2 (arrow)")
        chord = {key: float(np.linalg.norm(path[-1] - path[0])) for key, path in paths.items()}
        numbers[name] = {
            "length": size,
            "straightness": {key: chord[key] / max(size[key], 1e-12) for key in paths},
            "path_in_plane": flat,
        }
    place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes[-1].legend(title="Operator", title_fontsize=12, fontsize=12, **place)
    return save_figure(figure, folder / "trajectories.png", numbers)


def operator_paths(
    table: SpectrumTable, embed: Embed, order: str, steps: np.ndarray
) -> dict[str, np.ndarray]:
    """Latents along each Wilson coefficient, the others zero.

    Parameters
    ----------
    table : SpectrumTable
        Theory.
    embed : callable
        Spectra (N, B) in pb/GeV to latents (N, Z).
    order : {"linear", "quadratic"}
        Where the series is cut.
    steps : ndarray, shape (S,)
        Values of the coefficient.

    Returns
    -------
    dict of str to ndarray, shape (S, Z)
        By operator.
    """
    n_operators = len(table.operators)
    wilson = steps[None, :, None] * np.eye(n_operators)[:, None, :]
    density = table.predict_pb(wilson.reshape(-1, n_operators), order) / table.width_gev
    latent = embed(density).reshape(n_operators, len(steps), -1)
    return dict(zip(table.operators, latent, strict=True))


def path_length(path: np.ndarray) -> float:
    """Length of a polyline.

    Parameters
    ----------
    path : ndarray, shape (S, Z)
        Its corners.

    Returns
    -------
    float
        Sum of the lengths of its pieces.
    """
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
