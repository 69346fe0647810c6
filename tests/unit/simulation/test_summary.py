import pytest

from colliderfm.simulation.summary import summarize


def receipt(recipe, seed, kept, weight, components, process):
    return {
        "request": {
            "recipe": recipe,
            "seed": seed,
            "n_events": 100,
            "mpi": "off",
            "collision_energy_gev": 13000.0,
            "detector": {},
            "batch_events": 500,
            "versions": {"pythia8mc": "8"},
            "card": {"selection": {"objects": 2}},
            "lhe": None,
        },
        "components": [
            {
                "generated": 100 // components,
                "lost": 0,
                "xsec_pb": 500.0 + seed,
                "xsec_error_pb": 3.0,
            }
            for _ in range(components)
        ],
        "processes": {
            process: {
                "kept": kept,
                "kept_by_component": [kept] + [0] * (components - 1),
                "sum_weights": kept * weight,
                "sum_squared_weights": kept * weight**2,
                "file": f"{process}/part-{seed}.parquet",
                "sha256": "",
            }
        },
    }


def test_shards_of_one_process_are_added_up():
    shards = [receipt("tt", 2, 90, 1.0, 1, "tt"), receipt("tt", 1, 80, 1.0, 1, "tt")]
    record = summarize(shards, "command").processes["tt"]
    assert (record.generated, record.kept, record.seeds) == (200, 170, [1, 2])
    assert record.xsec_pb == pytest.approx(501.5)
    assert record.xsec_error_pb == pytest.approx(3.0 / 2**0.5)
    assert record.notes["efficiency"] == pytest.approx(0.85)
    assert record.notes["n_effective"] == pytest.approx(170)


def test_unequal_weights_lower_the_effective_number_of_events():
    shards = [receipt("tt", 1, 90, 1.0, 1, "tt"), receipt("tt", 2, 90, 3.0, 1, "tt")]
    # (90 + 270)^2 / (90 + 810)
    assert summarize(shards, "").processes["tt"].notes["n_effective"] == pytest.approx(144)


def test_the_signal_has_its_own_cross_section():
    record = summarize([receipt("haa_ma30", 1, 9, 1.0, 1, "haa_ma30")], "").processes["haa_ma30"]
    assert record.xsec_pb == 48.6


def test_a_mix_of_components_has_no_single_cross_section():
    record = summarize([receipt("wjets", 1, 9, 1.0, 2, "wjets")], "").processes["wjets"]
    assert record.xsec_pb is None
    assert [part["xsec_pb"] for part in record.notes["components"]] == [501.0, 501.0]
