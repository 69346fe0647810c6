"""``promote``: compare candidate and champion on validation, move the alias, keep the history.

The gate of the event family is the macro AUC of a linear probe on the frozen event token over the
pretraining classes, that of the spectrum family the rank correlation of latent with Mahalanobis distance
on unseen universes: a candidate must gain more than twice the bootstrap error. A refusal is an outcome,
not an error. With ``--out`` the alias is then resolved into a folder, on which later DVC stages depend.
"""

from __future__ import annotations

import functools
import logging
import shutil
from dataclasses import dataclass

from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.pipelines.encoder import (
    ENCODER_NAMES,
    Encoder,
    ensure_shipped_encoder,
    resolve_encoder,
)
from colliderfm.pipelines.pretrain import family_module

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PromoteRequest:
    """Arguments of ``promote``; see ``colliderfm promote --help``."""

    model: str = "event-encoder"
    version: int = 0
    to: str = "champion"
    rollback: bool = False
    out: str = ""


@dataclass(frozen=True)
class PromoteSummary:
    """Outcome of the gate."""

    model: str
    text: str

    def __str__(self) -> str:
        return f"{self.model}: {self.text}"


def promote(params: Params, request: PromoteRequest) -> PromoteSummary:
    """Let a version through the gate and move the alias, or roll back.

    Parameters
    ----------
    params : Params
        Gives the pretraining set on whose validation split the gate is measured.
    request : PromoteRequest
        Model, version (0 = candidate), alias.

    Raises
    ------
    TrackingError
        If the model, the version or the alias does not exist.
    """
    from colliderfm.tracking import promotion

    ensure_shipped_encoder()
    if request.rollback:
        text = promotion.rollback(request.model).reason
    else:
        text = _through_the_gate(params, request)
    if request.out:
        resolve_into(f"models:/{request.model}@{request.to}", request.out)
    return PromoteSummary(request.model, text)


def _through_the_gate(params: Params, request: PromoteRequest) -> str:
    from colliderfm.tracking import promotion

    version = request.version or promotion.alias_version(request.model, "candidate")
    current = promotion.alias_version(request.model, request.to)
    if not version or version == current:
        return f"no new candidate; {request.to} stays version {current}"
    gate = None
    if request.to == "champion":
        family = next(key for key, name in ENCODER_NAMES.items() if name == request.model)
        measure = family_module(family).measure_gate
        gate = functools.partial(measure, params, request.model, version)
    outcome = promotion.promote(request.model, version, request.to, gate)
    verdict = "promoted to" if outcome.is_promoted else "not promoted to"
    return f"version {version} {verdict} {request.to}: {outcome.reason}"


def resolve_into(uri: str, out: str) -> Encoder:
    """Fetch the bytes an alias means into a folder, with ``resolved.json`` beside the weights."""
    folder = project_root() / out
    shutil.rmtree(folder, ignore_errors=True)
    encoder = resolve_encoder(uri, str(folder))
    log.info("%s is version %d (%s) -> %s", uri, encoder.version, encoder.sha256[:12], out)
    return encoder
