"""The simulate command: repeatable, resumable, and clear about what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colliderfm.config.load import load_params
from colliderfm.data.event_table import EventTable
from colliderfm.data.manifest import read_manifest, verify_set
from colliderfm.errors import ConfigError, DataError, PhysicsError
from colliderfm.pipelines.simulate import simulate
from colliderfm.simulation.plan import SimulationRequest

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")
PROJECT = Path(__file__).parents[2]


@pytest.fixture
def params():
    settings = ["simulation.events_per_shard=40", "simulation.batch_events=20"]
    return load_params(PROJECT, [], settings)


def run(params, folder, *processes, events=80, **options):
    request = SimulationRequest(processes, events=events, workers=2, out=str(folder), **options)
    return simulate(params, request)


def event_files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_two_runs_give_the_same_bytes_and_a_manifest_that_verifies(params, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    summary = run(params, first, "ww", "qcd_4b")
    run(params, second, "ww", "qcd_4b")
    files = event_files(first)
    assert files == event_files(second)
    assert Path("ww/part-0000002.parquet") in files
    assert verify_set(first) == len(files)
    record = read_manifest(first).processes["ww"]
    assert (record.generated, record.seeds) == (80, [1, 2])
    table = EventTable.read(first)
    assert len(table) == sum(summary.kept.values())


def test_finished_shards_are_kept_and_missing_ones_made_again(params, tmp_path):
    run(params, tmp_path, "ww")
    before = event_files(tmp_path)
    kept, lost = tmp_path / "ww/part-0000001.parquet", tmp_path / "ww/part-0000002.parquet"
    changed = kept.stat().st_mtime_ns
    lost.unlink()
    summary = run(params, tmp_path, "ww")
    assert (summary.n_made, summary.n_skipped) == (1, 1)
    assert kept.stat().st_mtime_ns == changed
    assert event_files(tmp_path) == before


def test_a_shard_without_receipt_is_made_again(params, tmp_path):
    run(params, tmp_path, "ww")
    before = event_files(tmp_path)
    (tmp_path / ".shards/ww-0000001.json").unlink()
    assert run(params, tmp_path, "ww").n_made == 1
    assert event_files(tmp_path) == before


def test_a_second_process_joins_the_manifest(params, tmp_path):
    run(params, tmp_path, "ww", events=40)
    run(params, tmp_path, "zz", events=40)
    assert set(read_manifest(tmp_path).processes) == {"ww", "zz"}
    assert verify_set(tmp_path) == 2


def test_other_settings_do_not_mix_into_a_set(params, tmp_path):
    run(params, tmp_path, "ww", events=40)
    with pytest.raises(ConfigError, match="another mpi"):
        run(params, tmp_path, "ww", events=40, mpi="light")


@pytest.mark.parametrize("mpi", ["light", "full"])
def test_every_level_of_multiparton_interactions_runs(params, tmp_path, mpi):
    assert run(params, tmp_path, "tt", events=20, mpi=mpi).kept["tt"] > 10


def test_a_folder_that_is_a_file_is_one_line(params, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write to") as caught:
        run(params, tmp_path / "file", "ww")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.skipif(
    os.geteuid() == 0,
    reason="root may write into read-only folders",
)
def test_a_read_only_folder_is_one_line(params, tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(DataError, match="cannot write to"):
        run(params, tmp_path / "set", "ww")


def test_les_houches_events_are_showered(params, tmp_path):
    path = tmp_path / "pairs.lhe"
    path.write_text(les_houches_file(40))
    summary = run(params, tmp_path / "set", "tth", events=40, lhe=str(path))
    assert summary.kept["tth"] > 30
    table = EventTable.read(tmp_path / "set")
    assert set(table.weight.tolist()) == {1.0}


def test_a_failing_card_stops_the_run_with_its_own_error(params, tmp_path):
    # No leading-order Higgs is made at a collision energy below its mass.
    broken = params.simulation.model_copy(update={"collision_energy_gev": 50.0})
    with pytest.raises(PhysicsError, match="hww"):
        run(params.model_copy(update={"simulation": broken}), tmp_path, "hww", events=400)
    assert not event_files(tmp_path)


@pytest.mark.slow
def test_a_dask_cluster_makes_the_same_bytes(params, tmp_path):
    distributed = pytest.importorskip("distributed")
    run(params, tmp_path / "here", "ww")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        run(params, tmp_path / "there", "ww", scheduler=cluster.scheduler_address)
    assert event_files(tmp_path / "here") == event_files(tmp_path / "there")


def les_houches_file(n_events):
    """u ubar -> Z -> d dbar at rest, 300 GeV; momenta written by hand."""
    init = "2212 2212 6500 6500 0 0 0 0 3 1\n1.0 0.1 1.0 1\n"
    lines = [
        "2 -1 0 0 101 0 0 0 150 150 0 0 9",
        "-2 -1 0 0 0 101 0 0 -150 150 0 0 9",
        "23 2 1 2 0 0 0 0 0 300 300 0 9",
        "1 1 3 3 102 0 150 0 0 150 0 0 9",
        "-1 1 3 3 0 102 -150 0 0 150 0 0 9",
    ]
    event = "<event>\n5 1 1.0 300 0.0078 0.118\n" + "\n".join(lines) + "\n</event>\n"
    head = '<LesHouchesEvents version="1.0">\n<init>\n' + init + "</init>\n"
    return head + event * n_events + "</LesHouchesEvents>\n"


@pytest.mark.slow
def test_sigterm_leaves_nothing_partial_and_the_command_resumes(tmp_path):
    command = [sys.executable, "-m", "colliderfm", "simulate", "--process", "ww"]
    command += ["--events", "1200", "--set", "simulation.events_per_shard=60"]
    command += ["--workers", "2", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    receipts = tmp_path / ".shards"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(receipts.glob("*.json"))) < 2:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 75, errors
    assert "Traceback" not in errors
    finished = [json.loads(path.read_text()) for path in receipts.glob("*.json")]
    assert 2 <= len(finished) < 20
    again = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert f"{len(finished)} found finished" in again.stdout
    assert verify_set(tmp_path) == 20
    assert not list(tmp_path.rglob("*.tmp"))
