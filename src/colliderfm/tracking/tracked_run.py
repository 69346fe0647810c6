"""A run being written: parameters once, metrics in batches, and a status that tells the truth.

A run survives its process. Opened again it continues: points already in the store are not written
a second time, so a killed and resumed training reads as one curve. Read next: ``run`` (opening
one).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from colliderfm.errors import Interrupted, TrackingError
from colliderfm.tracking.store import client, guard

LOGGER = logging.getLogger(__name__)

# What stands for an infinite metric: beyond any rejection seen, small enough to leave an axis
# readable.
INFINITY_CLIP = 1.0e6
METRICS_PER_BATCH = 1000
ENTRIES_PER_BATCH = 100
LONGEST_TAG = 5000
FINAL_PREFIX = "test/"
ERROR_TAG = "error"


class Point(NamedTuple):
    """One metric value as the store keeps it."""

    key: str
    value: float
    timestamp_ms: int
    step: int


class TrackedRun:
    """A run being written; use it as a context manager, from ``open_run``.

    Parameters
    ----------
    run_id, experiment_id : str
        MLflow's ids.
    history : mapping of str to (mapping of int to float)
        Value by step of each metric already in the store (empty for a new run).

    Attributes
    ----------
    run_id, experiment_id : str
        MLflow's ids.
    is_resumed : bool
        True when the run existed before this process opened it.
    """

    def __init__(
        self,
        run_id: str,
        experiment_id: str,
        history: Mapping[str, Mapping[int, float]] | None = None,
    ) -> None:
        self.run_id = run_id
        self.experiment_id = experiment_id
        self.is_resumed = history is not None
        self._history = dict(history or {})
        self._buffer: list[Point] = []
        self._clipped: set[str] = set()

    def __enter__(self) -> TrackedRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._close(error)
        except TrackingError as failure:
            # The first failure is the one to report; a store that is away would only hide it.
            if error is None:
                raise
            LOGGER.warning("%s", failure)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Keep metric values until the next ``flush``.

        Parameters
        ----------
        metrics : mapping of str to float
            Values by name (``train/…``, ``val/…``, ``test/…``). Infinities are clipped to
            ``INFINITY_CLIP`` and flagged with a tag ``clipped.<name>``.
        step : int
            Update they belong to; final results (``test/…``) are always stored at step 0, because
            MLflow draws bars only for metrics without later steps. On a resumed run a step that is
            stored already is left as it is; a final result is written again only if it changed.
        """
        now_ms = time.time_ns() // 1_000_000
        for key, raw in metrics.items():
            value = float(raw)
            if math.isinf(value):
                self._clipped.add(key)
                value = math.copysign(INFINITY_CLIP, value)
            at = 0 if key.startswith(FINAL_PREFIX) else int(step)
            stored = self._history.get(key, {})
            if at in stored and (at > 0 or stored[at] == value):
                continue
            self._buffer.append(Point(key, value, now_ms, at))

    def flush(self) -> None:
        """Write the kept metrics; if the store is away keep them for the next time and say so."""
        try:
            self._write_metrics()
        except TrackingError as error:
            LOGGER.warning("%d metric values wait for the store (%s)", len(self._buffer), error.got)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags, as text; a long one is cut to ``LONGEST_TAG`` characters."""
        from mlflow.entities import RunTag

        entries = [RunTag(key, str(value)[:LONGEST_TAG]) for key, value in tags.items()]
        with guard("write tags to"):
            for chunk in _chunks(entries, ENTRIES_PER_BATCH):
                client().log_batch(self.run_id, tags=chunk)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log the parameters that the run does not have yet, as text; the others stay as they are.

        A run is only continued by callers whose own key says that what decides its numbers is equal.
        """
        from mlflow.entities import Param

        with guard("read parameters from"):
            present = client().get_run(self.run_id).data.params
        entries = [Param(key, str(value)) for key, value in params.items() if key not in present]
        with guard("write parameters to"):
            for chunk in _chunks(entries, ENTRIES_PER_BATCH):
                client().log_batch(self.run_id, params=chunk)

    def log_folder(self, folder: Path, name: str | None = None) -> None:
        """Store every file below ``folder`` as an artifact, under ``name`` if given."""
        with guard("write files to"):
            client().log_artifacts(self.run_id, str(folder), name)

    def log_file(self, path: Path, name: str | None = None) -> None:
        """Store one file as an artifact, in the artifact folder ``name`` if given."""
        with guard("write a file to"):
            client().log_artifact(self.run_id, str(path), name)

    def log_json(self, name: str, content: Any) -> None:
        """Store a JSON or YAML document (by the suffix of ``name``) as an artifact."""
        with guard("write a file to"):
            client().log_dict(self.run_id, content, name)

    def log_dataset(self, name: str, md5: str, source: str, context: str) -> None:
        """Record which set the run read.

        Parameters
        ----------
        name : str
            Set, e.g. the folder below ``data/``.
        md5 : str
            Digest of the set, shown in the Dataset column.
        source : str
            Where it was read.
        context : str
            ``"train"``, ``"test"`` …
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(name=name, digest=md5[:36], source_type="local", source=source)
        used = DatasetInput(dataset, tags=[InputTag("mlflow.data.context", context)])
        with guard("write the dataset to"):
            client().log_inputs(self.run_id, datasets=[used])

    def _write_metrics(self) -> None:
        """Write the buffer batch by batch; what is written leaves it."""
        from mlflow.entities import Metric

        while self._buffer:
            chunk = self._buffer[:METRICS_PER_BATCH]
            with guard("write metrics to"):
                client().log_batch(self.run_id, metrics=[Metric(*point) for point in chunk])
            del self._buffer[: len(chunk)]
        if self._clipped:
            self.set_tags({f"clipped.{key}": "infinite" for key in self._clipped})
            self._clipped.clear()

    def _close(self, error: BaseException | None) -> None:
        """Write what is left and end the run with the status that ``error`` means."""
        status = _status_of(error)
        try:
            if error is not None:
                text = str(error) or type(error).__name__
                self.set_tags({ERROR_TAG: f"{type(error).__name__}: {text}"})
            self._write_metrics()
        finally:
            with guard("close the run in"):
                client().set_terminated(self.run_id, status)


def _status_of(error: BaseException | None) -> str:
    """Map how a run ended to MLflow's word for it."""
    if error is None:
        return "FINISHED"
    if isinstance(error, (Interrupted, KeyboardInterrupt, SystemExit)):
        return "KILLED"
    return "FAILED"


def _chunks(entries: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut a sequence into pieces of at most ``size`` entries."""
    return [entries[start : start + size] for start in range(0, len(entries), size)]
