"""``pretrain``: train an encoder on many processes, judge it on validation, register it as candidate.

What is done for a family stands in ``pretrain_event/steps.py`` and ``pretrain_spectrum/steps.py``,
functions of the same names, and what both share in ``pretrain_steps.py``; here are its run and the registry.
"""

from __future__ import annotations

import importlib
import shutil
from dataclasses import dataclass
from typing import Any

from colliderfm.config.flatten import flatten, params_sha256
from colliderfm.config.load import unknown_choice
from colliderfm.config.project import project_root
from colliderfm.config.schema import Params
from colliderfm.pipelines.code_digest import code_digest
from colliderfm.pipelines.encoder import ENCODER_NAMES, ensure_shipped_encoder
from colliderfm.pipelines.folders import event_set_folder, writable_folder
from colliderfm.pipelines.run_record import write_run_record

CODE = (
    "physics",
    "stats",
    "data",
    "nn",
    "losses",
    "models",
    "train",
    "evaluate",
    "baselines",
)


@dataclass(frozen=True)
class PretrainRequest:
    """Arguments of ``pretrain``; see ``colliderfm pretrain --help``."""

    model: str = "event"
    seed: int = 0
    out: str = ""


@dataclass(frozen=True)
class PretrainSummary:
    """The registered version and its validation metrics."""

    name: str
    version: int
    run_id: str
    metrics: dict[str, float]

    def __str__(self) -> str:
        shown = (
            *("val/accuracy", "val/macro_auc", "val/probe_macro_auc", "val/gap_loss"),
            *("val/linear_accuracy", "val/bayes_accuracy", "val/fisher_rank_correlation"),
        )
        numbers = "  ".join(
            f"{key} {self.metrics[key]:.4f}" for key in shown if key in self.metrics
        )
        return f"{self.name} version {self.version} (candidate), run {self.run_id}\n  {numbers}"


def pretrain(params: Params, request: PretrainRequest) -> PretrainSummary:
    """Pretrain an encoder and register it as ``candidate``.

    Parameters
    ----------
    params : Params
        ``pretrain.<family>`` and ``model.<family>``.
    request : PretrainRequest
        Family, seed, folder for metrics and figures.

    Raises
    ------
    ConfigError, DataError
        Before any training, if the family or the data is unusable.
    Interrupted
        On SIGTERM or Ctrl-C; the same command resumes.
    """
    from colliderfm.tracking.registry import register
    from colliderfm.tracking.run import open_run
    from colliderfm.tracking.runs import find_cell
    from colliderfm.train.distributed import process_group
    from colliderfm.train.protocols import SilentTracker

    if request.model not in ENCODER_NAMES:
        raise unknown_choice("model family", request.model, ENCODER_NAMES)
    family = family_module(request.model)
    name, experiment = ENCODER_NAMES[request.model], f"pretrain-{request.model}"
    settings = getattr(params.pretrain, request.model)
    data_folder, md5 = event_set_folder(params, settings.set)
    out = writable_folder(project_root() / (request.out or f"outputs/pretrain/{request.model}"))
    tables = family.load_tables(params, data_folder)
    key = _key(params, request, md5)
    folder = writable_folder(project_root() / params.paths.runs / experiment / key[:16])
    with process_group(params.compute.device) as ranks:
        if not ranks.is_writer:
            # Under torchrun one process writes; the others only train.
            family.train_encoder(params, tables, request.seed, folder, SilentTracker())
            return PretrainSummary(name, 0, "", {})
        ensure_shipped_encoder()
        resumable = find_cell(experiment, key).resumable
        if resumable is None and (folder / "model").is_dir():
            shutil.rmtree(folder)
            writable_folder(folder)
        with open_run(
            experiment,
            f"{settings.variant} {getattr(params.model, request.model).label} s{request.seed}",
            _run_params(params, request),
            _tags(params, key, md5),
            run_id=resumable,
        ) as run:
            run.log_dataset(data_folder.name, md5, str(data_folder), "train")
            trained = family.train_encoder(params, tables, request.seed, folder, run)
            judgment = family.judge(params, trained.model, tables, request.seed)
            metrics: dict[str, float] = judgment.metrics
            family.save_encoder(params, trained, tables, metrics, request.seed, folder / "model")
            family.write_outputs(params, trained, judgment, out)
            run.log_metrics(metrics, step=trained.result.updates)
            run.log_folder(out, "report")
            tags = {"variant": settings.variant, "data.md5": md5, "pretraining.key": key}
            aliases = ["candidate", settings.variant]
            version = register(folder / "model", name, tags, aliases, run_id=run.run_id)
            run.set_tags({"encoder.name": name, "encoder.version": version})
    write_run_record(out, [run.run_id])
    return PretrainSummary(name, version, str(run.run_id), metrics)


def family_module(family: str) -> Any:
    """Return the module that pretrains and judges a model family."""
    return importlib.import_module(f"colliderfm.pipelines.pretrain_{family}.steps")


def code_of_a_pretraining(family: str) -> tuple[str, ...]:
    """Return the packages and modules whose code decides a pretraining."""
    return (*CODE, "pipelines.pretrain_steps", f"pipelines.pretrain_{family}")


def _key(params: Params, request: PretrainRequest, data_md5: str) -> str:
    settings = getattr(params.pretrain, request.model).model_dump(mode="json")
    settings.pop("set")
    content = {
        "settings": settings,
        "model": params_sha256(getattr(params.model, request.model)),
        "seed": request.seed,
        "data": data_md5,
        "code": code_digest(code_of_a_pretraining(request.model)),
        "threads": params.compute.threads,
        "events_per_pass": params.compute.events_per_pass,
    }
    return params_sha256(content)


def _run_params(params: Params, request: PretrainRequest) -> dict[str, object]:
    top = {
        "pretraining": getattr(params.pretrain, request.model).variant,
        "seed": request.seed,
        "size": getattr(params.model, request.model).label,
    }
    return {**top, **{key: value for key, value in flatten(params).items() if key != "seed"}}


def _tags(params: Params, key: str, md5: str) -> dict[str, str]:
    from colliderfm.tracking.provenance import provenance

    return provenance("pretrain", params.model_dump(mode="json"), md5) | {"cell.key": key}
