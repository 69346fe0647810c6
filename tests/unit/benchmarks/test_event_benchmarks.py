"""Hand-computed parts of the benchmarks of the event network."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.edge_layers import page, widen_messages
from benchmarks.neutrino_steps import LARGEST_PULL, error_of, verdict

from colliderfm.models.build import build_event_model
from colliderfm.models.sizes import encoder_settings


def test_errors_of_events_and_of_seeds_add_in_quadrature():
    replicas = np.array([[1.0], [3.0]])  # standard deviation sqrt(2)
    values = np.array([[0.0], [2.0]])  # error of the mean 1
    assert error_of(values, replicas)[0] == pytest.approx(np.sqrt(3.0))
    assert error_of(values[:1], replicas)[0] == pytest.approx(np.sqrt(2.0))


@pytest.mark.parametrize(("shift", "as_good"), [(1.0, True), (-1.0, True), (4.0, False)])
def test_few_steps_are_as_good_unless_a_distance_grows_or_a_correlation_falls(shift, as_good):
    names = ["pt_gev_distance", "pt_gev_correlation"]
    noise = np.array([[1.0, 1.0], [-1.0, -1.0]]) / np.sqrt(2.0)  # standard deviation 1
    many = (np.zeros((1, 2)), np.zeros((2, 2)))
    farther = verdict(names, (np.array([[shift, 0.0]]), noise), many)
    looser = verdict(names, (np.array([[0.0, -shift]]), noise), many)
    for found, name in ((farther, names[0]), (looser, names[1])):
        assert found["as_good"] is as_good
        assert found["differences"][name]["pull_worse"] == pytest.approx(shift)
    assert farther["worse"] == ([] if as_good else [names[0]])
    blurred = (np.zeros((1, 2)), 10.0 * noise)
    significant = (np.array([[50.0, 0.0]]), 11.0 * noise)
    assert not verdict(names, significant, blurred)["as_good"]
    assert verdict(names, (np.array([[9.0, 0.0]]), 11.0 * noise), blurred)["as_good"]
    assert farther["largest_pull"] == pytest.approx(max(shift, 0.0))
    assert LARGEST_PULL == 3.0


def test_the_page_of_edge_layers_has_mean_and_half_difference_of_the_seeds():
    records = {
        f"two_{seed}": {
            "variant": "two",
            "seed": seed,
            "encoder_parameters": 660_000,
            "events_per_cpu_s": 1000.0,
            "metrics": {"val/macro_auc": auc, "val/loss": 1.0},
        }
        for seed, auc in ((0, 0.9), (1, 0.92))
    }
    text = page(records, {"max_updates": 300, "batch_size": 512})
    assert "| 2 edge layers (`small`) | 0.66 M | 0.9100 ± 0.0100 | 1.0000 ± 0.0000 | 1000 |" in text


def test_wide_messages_are_twice_as_wide_in_every_edge_layer_and_change_nothing_else():
    model = build_event_model(encoder_settings("tiny", n_edge_layers=2), heads=())
    rest = {name for name in model.state_dict() if "edge_layers" not in name}
    widen_messages(model, 1)
    assert model.encoder.edge_layers[0].center.weight.shape == (24, 24)
    widen_messages(model, 2)
    assert [layer.center.weight.shape for layer in model.encoder.edge_layers] == [(48, 24)] * 2
    assert {name for name in model.state_dict() if "edge_layers" not in name} == rest
