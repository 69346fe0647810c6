"""How well the four b jets of H -> aa -> 4b can be paired from their masses alone; no network.

    python -m benchmarks.pairing_limit

For signal events in which all four b quarks have their own jet, these four jets are given, so only one of
three pairings is to be chosen. Three ways learn it on the training split and are judged on the validation
split: a score of each pair's mass, added up (the assignment head adds scores of pairs, too, but these know
the event); one score of both pairs together; and boosted trees that see all three pairings. The masses count
equally. Nothing is tracked or tuned.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xgboost

from colliderfm.baselines.pairing_rules import PAIRINGS, mass_of_objects_gev, take_objects
from colliderfm.config.load import load_params
from colliderfm.config.schema import HaaStudy
from colliderfm.data.event_table import EventTable
from colliderfm.pipelines.folders import event_set_folder
from colliderfm.studies.haa.data import load_haa_data
from colliderfm.studies.haa.pairs import mass_name, true_pairs
from colliderfm.studies.haa.subsets import process_indices

PROJECT = Path(__file__).resolve().parents[1]
REPORT = PROJECT / "reports" / "benchmarks" / "pairing_limit.json"
LOG_MASS_CENTERS = np.linspace(np.log(8.0), np.log(150.0), 20)
LOG_RATIO_CENTERS = np.linspace(0.0, 1.0, 6)
LOG_SHARE_CENTERS = np.linspace(-2.5, 0.0, 12)
_STEPS, _RATE, _DECAY = 1500, 0.05, 1e-4
_TREES = {"max_depth": 3, "n_estimators": 200, "learning_rate": 0.05, "n_jobs": 1}


@dataclass(frozen=True)
class Pairings:
    """The three pairings of each event, the one with the lightest pairs first.

    Parameters
    ----------
    pair_mass_gev : ndarray, shape (n, 3, 2), GeV
        Masses of the two pairs, the lighter first.
    four_jet_mass_gev : ndarray, shape (n,), GeV
        Mass of all four jets.
    right : ndarray, shape (n,), int
        The true pairing.
    process : ndarray, shape (n,), int
        Signal of each event.
    """

    pair_mass_gev: np.ndarray
    four_jet_mass_gev: np.ndarray
    right: np.ndarray
    process: np.ndarray


def pairings_of(table: EventTable) -> Pairings:
    """Pair the four true b jets of all events that have them in the three possible ways."""
    slots = true_pairs(table)[0][:, :, :2]
    rows = np.flatnonzero((slots >= 0).all(axis=(1, 2)))
    jets = take_objects(table.batch(rows).objects.numpy(), slots[rows].reshape(-1, 4))
    mass_gev = np.sort(mass_of_objects_gev(jets[:, PAIRINGS]), axis=2)
    order = np.argsort(mass_gev.mean(axis=2), axis=1)
    # The jets come as (first a, second a), so that the first of PAIRINGS is the true one.
    return Pairings(
        np.take_along_axis(mass_gev, order[..., None], axis=1),
        mass_of_objects_gev(jets[:, None])[:, 0],
        np.argmin(order, axis=1),
        table.process[rows],
    )


def added_features(given: Pairings) -> np.ndarray:
    """Return bumps in the mass of a pair, summed over the two pairs, shape (n, 3, 20)."""
    return _bumps(np.log(given.pair_mass_gev), LOG_MASS_CENTERS, 0.15).sum(axis=2)


def joint_features(given: Pairings) -> np.ndarray:
    """Return bumps in mean mass, in mass ratio and in the share of the four-jet mass, (n, 3, 38)."""
    log_mass = np.log(given.pair_mass_gev)
    mean = log_mass.mean(axis=2)
    ratio = log_mass[..., 1] - log_mass[..., 0]
    share = mean - np.log(given.four_jet_mass_gev)[:, None]
    parts = [(mean, LOG_MASS_CENTERS, 0.15), (ratio, LOG_RATIO_CENTERS, 0.2)]
    parts.append((share, LOG_SHARE_CENTERS, 0.15))
    return np.concatenate([_bumps(*part) for part in parts], axis=-1)


def _bumps(values: np.ndarray, centers: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((values[..., None] - centers) / width) ** 2)


def fit_scores(features: np.ndarray, right: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the heights of the bumps that make the true pairings most probable.

    Parameters
    ----------
    features : ndarray, shape (n, 3, F)
        Of each pairing.
    right : ndarray, shape (n,), int
        The true pairing.
    weight : ndarray, shape (n,)
        Event weights of mean 1.

    Returns
    -------
    ndarray, shape (F,)
    """
    x, y, w = (torch.as_tensor(a) for a in (features, right, weight))
    heights = torch.zeros(features.shape[-1], dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.Adam([heights], lr=_RATE)
    for _ in range(_STEPS):
        loss = torch.nn.functional.cross_entropy(x @ heights, y, reduction="none")
        optimizer.zero_grad()
        ((loss * w).mean() + _DECAY * heights.square().sum()).backward()
        optimizer.step()
    return heights.detach().numpy()


def chosen_by_trees(train: Pairings, weight: np.ndarray, given: Pairings) -> np.ndarray:
    """Return the pairing that boosted trees choose from all masses of the three pairings."""
    model = xgboost.XGBClassifier(**_TREES)
    model.fit(_all_masses(train), train.right, sample_weight=weight)
    return np.asarray(model.predict(_all_masses(given)))


def _all_masses(given: Pairings) -> np.ndarray:
    masses = given.pair_mass_gev.reshape(-1, 6)
    four = given.four_jet_mass_gev[:, None]
    return np.hstack([masses, four, masses / four])


def right_pct(
    chosen: np.ndarray, given: Pairings, settings: HaaStudy
) -> dict[str, dict[str, float]]:
    """Return how often the pairing is right, in percent with its binomial error, by mass."""
    found = {}
    for name, index in zip(settings.signals, process_indices(settings.signals), strict=True):
        is_right = (chosen == given.right)[given.process == index]
        share = float(is_right.mean())
        error = float(np.sqrt(share * (1 - share) / len(is_right)))
        found[mass_name(name)] = {
            "right_pct": round(100 * share, 1),
            "error": round(100 * error, 1),
            "events": len(is_right),
        }
    return found


def measure(train: Pairings, given: Pairings, settings: HaaStudy) -> dict[str, object]:
    """Learn on one set of events and judge on another."""
    counts = np.bincount(train.process)
    weight = 1.0 / counts[train.process]
    weight *= len(weight) / weight.sum()
    chosen = {"boosted trees": chosen_by_trees(train, weight, given)}
    for name, features in (
        ("scores of pairs added", added_features),
        ("both pairs scored together", joint_features),
    ):
        heights = fit_scores(features(train), train.right, weight)
        chosen[name] = np.argmax(features(given) @ heights, axis=1)
    results = {name: right_pct(index, given, settings) for name, index in chosen.items()}
    return {"training_events": len(train.right), "results": results}


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    params = load_params(PROJECT)
    settings = params.studies.haa
    folder, _ = event_set_folder(params, settings.set)
    data = load_haa_data(folder, settings)
    torch.set_num_threads(1)
    content = measure(pairings_of(data.pool), pairings_of(data.validation), settings)
    text = json.dumps({"split": "validation", **content}, indent=1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
