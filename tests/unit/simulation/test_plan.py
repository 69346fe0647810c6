from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.errors import ConfigError, DataError
from colliderfm.simulation.plan import SimulationRequest, plan_jobs
from colliderfm.simulation.sets import SEEDS_PER_BLOCK

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def params():
    return load_params(PROJECT, [], ["simulation.events_per_shard=100"])


def test_events_are_cut_into_shards_with_consecutive_seeds(params, tmp_path):
    request = SimulationRequest(("tt",), events=250, seed=7, out="made")
    (folder, jobs), *others = plan_jobs(params, request, tmp_path).items()
    assert not others
    assert folder == tmp_path / "made"
    assert [(job.seed, job.n_events) for job in jobs] == [(7, 100), (8, 100), (9, 50)]


def test_processes_of_one_recipe_are_made_once(params, tmp_path):
    request = SimulationRequest(("qcd_4b", "qcd_bbjj"), events=100)
    (jobs,) = plan_jobs(params, request, tmp_path).values()
    assert [job.recipe for job in jobs] == ["qcd_multijet"]


def test_starter_has_two_parts_and_default_seeds_from_zero(params, tmp_path):
    plan = plan_jobs(params, SimulationRequest(set="starter"), tmp_path)
    assert [folder.name for folder in plan] == ["pretrain", "haa"]
    for jobs in plan.values():
        assert min(job.seed for job in jobs) == 0


def test_workstation_shares_no_seed_with_starter(params, tmp_path):
    def seeds(name):
        plan = plan_jobs(params, SimulationRequest(set=name), tmp_path)
        return {(job.recipe, job.seed) for jobs in plan.values() for job in jobs}

    assert not seeds("starter") & seeds("workstation")


def test_a_replica_of_a_set_has_seeds_of_its_own(params, tmp_path):
    plan = plan_jobs(params, SimulationRequest(set="starter", seed=2), tmp_path)
    for jobs in plan.values():
        assert min(job.seed for job in jobs) == SEEDS_PER_BLOCK


def test_scale_multiplies_the_events(params, tmp_path):
    def total(scale):
        plan = plan_jobs(params, SimulationRequest(set="starter/haa", scale=scale), tmp_path)
        return sum(job.n_events for jobs in plan.values() for job in jobs)

    assert total(10.0) == 10 * total(1.0)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (SimulationRequest(("ttt",)), "closest: tt"),
        (SimulationRequest(set="startr"), "closest: starter"),
        (SimulationRequest(("tt",), mpi="ligth"), "closest: light"),
        (SimulationRequest(), "neither"),
        (SimulationRequest(("tt",), set="starter"), "both"),
        (SimulationRequest(("tt",), events=0), "--events 0"),
        (SimulationRequest(("tt",), seed=-1), "--seed -1"),
        (SimulationRequest(("tt",), seed=3_000_000), "below 3000000"),
        (SimulationRequest(("tt",), out="data/mine"), "dvc repro"),
        (SimulationRequest(set="starter", lhe="x.lhe"), "--lhe"),
        (SimulationRequest(("wjets",), lhe="x.lhe"), "single component"),
    ],
)
def test_what_cannot_work_is_refused(params, tmp_path, request_, text):
    with pytest.raises(ConfigError) as caught:
        plan_jobs(params, request_, tmp_path)
    assert text in str(caught.value)


def test_a_short_les_houches_file_is_refused_with_its_length(params, tmp_path):
    (tmp_path / "few.lhe").write_text("<LesHouchesEvents>\n<event>\n</event>\n")
    request = SimulationRequest(("tth",), events=5, lhe="few.lhe")
    with pytest.raises(DataError) as caught:
        plan_jobs(params, request, tmp_path)
    assert caught.value.got == "1 events"


def test_a_missing_les_houches_file_is_refused(params, tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        plan_jobs(params, SimulationRequest(("tth",), lhe="nowhere.lhe"), tmp_path)


def test_later_shards_of_a_les_houches_file_skip_what_earlier_ones_read(params, tmp_path):
    (tmp_path / "many.lhe").write_text("<event>\n" * 250)
    request = SimulationRequest(("tth",), events=250, lhe="many.lhe")
    (jobs,) = plan_jobs(params, request, tmp_path).values()
    assert [job.lhe_skip for job in jobs] == [0, 100, 200]


def test_the_command_names_everything_that_matters():
    request = SimulationRequest(("tt", "ww"), events=10, seed=3, mpi="light")
    expected = "colliderfm simulate --process tt --process ww --events 10 --seed 3 --mpi light"
    assert request.command == expected
