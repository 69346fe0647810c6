"""``retrieve``: a spectrum in, contours at 1, 3 and 6 sigma and the captured universes out.

The spectrum comes from a file of the user with its errors or its covariance; candidates are the
universes of the replica corpus and fresh ones from its prior.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.encoder import champion, resolve_encoder
from colliderfm.pipelines.finetune import load_data
from colliderfm.pipelines.folders import event_set_folder, writable_folder
from colliderfm.studies import STUDIES, load_study

FAMILY = "spectrum"


@dataclass(frozen=True)
class RetrieveRequest:
    """Arguments of ``retrieve``: spectrum, encoder (empty = champion), neighbors, JSON file."""

    file: str
    encoder: str = ""
    neighbors: int = 5
    out: str = ""


@dataclass(frozen=True)
class RetrieveSummary:
    """What a spectrum is compatible with."""

    file: str
    found: Any
    out: Path | None

    def __str__(self) -> str:
        found = self.found
        lines = [f"{self.file}: compared with {found.n_candidates} universes"]
        lines += [
            f"  {level:g} sigma contour: {n} captured" for level, n in found.n_captured.items()
        ]
        if found.is_truncated:
            lines.append("  all universes of the shortlist are captured: there may be more")
        if not found.captured:
            lines.append("  no universe is compatible: an anomaly, or errors that are too small")
        lines.append("  nearest universes: sigma in the latent, distance in all bins, coefficients")
        lines += [
            f"    {one.name:12} {one.sigma:7.2f} {one.mahalanobis:9.2f}  {one.summary}"
            for one in found.nearest
        ]
        return "\n".join([*lines, f"  -> {self.out}"] if self.out else lines)


def retrieve(params: Params, request: RetrieveRequest) -> RetrieveSummary:
    """Find the universes that a spectrum is compatible with.

    Parameters
    ----------
    params : Params
        The checked parameters.
    request : RetrieveRequest
        Spectrum, encoder, neighbors, output.

    Returns
    -------
    RetrieveSummary

    Raises
    ------
    ConfigError, DataError, CheckpointError, TrackingError
        If an argument, the spectrum, the corpus or the encoder is unusable.
    """
    if request.neighbors < 1:
        raise ConfigError("--neighbors", got=request.neighbors, need="1 or more")
    studies: list[Any] = [load_study(name) for name in STUDIES]
    study = next(one for one in studies if one.family == FAMILY)
    folder, _ = event_set_folder(params, study.settings(params).set)
    data = load_data(study.name, params, folder)
    encoder = resolve_encoder(request.encoder or champion(FAMILY))
    file = Path(request.file)
    found = study.look_up(data, Path(encoder.folder), file, request.neighbors)
    out = _write(found.as_dict(), request.out) if request.out else None
    return RetrieveSummary(request.file, found, out)


def _write(content: dict[str, Any], out: str) -> Path:
    path = project_root() / out
    writable_folder(path.parent)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
