"""Study smeft, figure of alignment: angles between axes of the latent and classes of operators."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colliderfm.plots.matrices import draw_matrix
from colliderfm.plots.style import new_figure, save_figure
from colliderfm.studies.smeft.arm_styles import arm_label

RIGHT_ANGLE_DEG = 90.0


def class_angle_maps(angles: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw angles of classes with axes of the latent, and with each other in latent and spectra.

    Parameters
    ----------
    angles : mapping
        From `interpretation_tables.class_angles`.
    folder : Path
        Gets the files.

    Returns
    -------
    list of Path
        PNG and JSON.
    """
    classes, axis_angles = angles["classes"], angles["axis_angles_deg"]["mean"]
    figure, axes = new_figure(3, size=(20.0, 6.8))
    names = [f"{axis}" for axis in range(1, len(axis_angles) + 1)]
    draw_matrix(axes[0], axis_angles, names, classes, RIGHT_ANGLE_DEG)
    axes[0].set_ylabel("Principal axis of the latent")
    axes[0].set_title(f"{arm_label(angles['init'])}: axes")
    shown = {"class_angles_deg": "in the latent", "true_class_angles_deg": "in the spectra"}
    for panel, (name, title) in zip(axes[1:], shown.items(), strict=True):
        draw_matrix(panel, angles[name]["mean"], classes, classes, RIGHT_ANGLE_DEG)
        panel.set_title(f"Classes {title} [deg]")
    return save_figure(figure, folder / "class_angles.png", angles)
