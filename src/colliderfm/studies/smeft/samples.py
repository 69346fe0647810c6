"""Study smeft: the spectra that every arm is tested on, the same for every cell.

Read next: ``testing.py``.
"""

from __future__ import annotations

import numpy as np

from colliderfm.config.schema import SmeftMetrics
from colliderfm.physics.universes import universes_at
from colliderfm.studies.smeft.anomalies import HELD_OUT_CASE, anomalies, held_out_wilson
from colliderfm.studies.smeft.data import LabeledReplicas, SmeftData

SEEN, UNSEEN = "seen", "unseen"
# Not an anomaly: a score that flags it answers another question.
CONTROL = "standard_model"
HELD_OUT_UNIVERSES = 50


def draw_samples(data: SmeftData, settings: SmeftMetrics) -> dict[str, LabeledReplicas]:
    """Draw all test spectra.

    Parameters
    ----------
    data : SmeftData
        The corpus with the noise of the task.
    settings : SmeftMetrics
        Numbers of replicas.

    Returns
    -------
    dict of str to LabeledReplicas
        ``seen``, ``unseen``, ``standard_model``, the four anomalies, the held-out operators.
    """
    universe = np.arange(settings.pseudo_experiments) % data.unseen.n_universes
    unseen = data.unseen.draw(data.generator("pseudo-experiments"), universe)
    samples = {SEEN: data.test, UNSEEN: LabeledReplicas(unseen, universe)}
    samples[CONTROL] = _unlabeled(data, data.sm[None], CONTROL, settings)
    for anomaly in anomalies(data.table, data.sigma):
        samples[anomaly.name] = _unlabeled(data, anomaly.mean[None], anomaly.name, settings)
    held_out = universes_at(
        data.table,
        held_out_wilson(HELD_OUT_UNIVERSES, data.corpus.settings.universe_seed),
        order=data.corpus.settings.order,
    )
    samples[HELD_OUT_CASE] = _unlabeled(data, held_out.mean_pb_per_gev, HELD_OUT_CASE, settings)
    return samples


def _unlabeled(
    data: SmeftData, mean: np.ndarray, purpose: str, settings: SmeftMetrics
) -> LabeledReplicas:
    n_replicas = settings.anomaly_replicas
    values = data.noise_about(mean).draw(data.generator(purpose), np.arange(n_replicas) % len(mean))
    return LabeledReplicas(values, np.full(n_replicas, -1))
