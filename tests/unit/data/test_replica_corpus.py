"""Corpora of replicas: written twice the same, read back whole, refused when broken."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy_spectra import toy_table

from colliderfm.data.manifest import read_manifest, set_md5, verify_set, write_manifest
from colliderfm.data.replica_corpus import (
    TASKS,
    CorpusSettings,
    draw_universes,
    read_corpus,
    write_corpus,
)
from colliderfm.data.table_files import write_table
from colliderfm.errors import ConfigError, DataError
from colliderfm.physics.replicas import noise_model

SETTINGS = CorpusSettings(universes=4, unseen_universes=3, stored_replicas=5)
PART = "replicas/part-0000.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    table = toy_table()
    write_table(folder / "first.json", table)
    write_table(folder / "second.json", replace(table, sm_pb=1.1 * table.sm_pb))
    write_corpus(
        folder / "set",
        folder / "first.json",
        SETTINGS,
        other_table_path=folder / "second.json",
        command="colliderfm something",
    )
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy that a test may break."""
    shutil.copytree(made / "set", tmp_path / "set")
    return tmp_path / "set"


def rewrite(folder, change):
    """Change the rows of the first part and make the manifest agree with it."""
    rows = pq.read_table(folder / PART).to_pydict()
    change(rows)
    pq.write_table(pa.table(rows), folder / PART)
    write_manifest(folder, read_manifest(folder))


def test_a_corpus_survives_the_trip(made):
    corpus = read_corpus(made / "set")
    assert corpus.settings == SETTINGS
    assert (len(corpus.seen), len(corpus.unseen)) == (4, 3)
    assert corpus.values.shape == (2 * 7 * 5, 92)
    assert corpus.values.dtype == np.float32
    seen, unseen = draw_universes(corpus.table, SETTINGS)
    assert np.array_equal(corpus.seen.wilson, seen.wilson)
    assert np.array_equal(corpus.unseen.wilson, unseen.wilson)
    assert corpus.other_table.sm_pb == pytest.approx(1.1 * corpus.table.sm_pb, rel=1e-8)


def test_stored_replicas_are_those_of_their_stream(made):
    corpus = read_corpus(made / "set")
    for task in TASKS:
        for purpose, is_unseen in (("test", False), ("unseen", True)):
            universe, values = corpus.stored(task, unseen=is_unseen)
            model = corpus.noise(task, unseen=is_unseen)
            assert np.bincount(universe).tolist() == [5] * model.n_universes
            seed = SETTINGS.stream_seed(task, purpose)
            expected = list(model.stream(len(universe), seed, 50_000))
            assert np.array_equal(universe, expected[0][0])
            assert np.array_equal(values, expected[0][1])


def test_tasks_have_their_noise(made):
    corpus = read_corpus(made / "set")
    assert len(corpus.noise("study").sigma) == 4
    assert len(corpus.noise("hard").sigma) == 1
    hard = noise_model(corpus.table, corpus.seen.mean_pb_per_gev, SETTINGS.noise("hard"))
    universe, values = corpus.stored("hard")
    pull = (values - hard.mean[universe]) / hard.sigma
    assert pull.std() == pytest.approx(1.0, abs=0.1)
    with pytest.raises(ConfigError, match="task"):
        SETTINGS.noise("easy")


def test_streams_have_their_own_seeds():
    other = replace(SETTINGS, universe_seed=1)
    seeds = {
        settings.stream_seed(task, purpose, seed)
        for settings in (SETTINGS, other)
        for task in TASKS
        for purpose in ("train", "validation", "test", "unseen")
        for seed in range(3)
    }
    assert len(seeds) == 2 * 2 * 4 * 3
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_writing_it_twice_gives_equal_bytes(made, tmp_path):
    for name in ("first", "again"):
        write_corpus(
            tmp_path / name,
            made / "first.json",
            SETTINGS,
            other_table_path=made / "second.json",
            command="colliderfm something",
        )
    # Over the top of an existing one, too.
    write_corpus(
        tmp_path / "again",
        made / "first.json",
        SETTINGS,
        other_table_path=made / "second.json",
        command="colliderfm something",
    )
    names = sorted(path.relative_to(made / "set") for path in (made / "set").rglob("*.*"))
    assert len(names) == 4 + 4
    for name in names:
        content = (made / "set" / name).read_bytes()
        assert (tmp_path / "first" / name).read_bytes() == content
        assert (tmp_path / "again" / name).read_bytes() == content
    assert set_md5(tmp_path / "first") == set_md5(made / "set")


def test_the_manifest_tells_noise_and_alpha(made):
    manifest = read_manifest(made / "set")
    assert verify_set(made / "set") == 4
    assert manifest.command == "colliderfm something"
    assert manifest.processes["study"].kept == 35
    assert 0 < manifest.processes["study"].notes["alpha"]["mll"] < 1
    assert manifest.processes["hard"].notes["alpha"]["pt"] == pytest.approx(1.0)
    assert set(manifest.settings["sha256"]) == {"table.json", "other_table.json", "universes.json"}


def test_linear_order_counts_its_negative_bins(made, tmp_path):
    settings = replace(SETTINGS, order="linear", universes=100, stored_replicas=1)
    write_corpus(tmp_path / "set", made / "first.json", settings)
    corpus = read_corpus(tmp_path / "set")
    assert corpus.other_table is None
    assert corpus.seen.n_with_negative_bins > 0
    content = json.loads((tmp_path / "set" / "universes.json").read_text())
    assert sum(content["seen"]["n_negative_bins"]) == (corpus.seen.mean_pb_per_gev < 0).sum()


@pytest.mark.parametrize("name", ["table.json", "other_table.json", "universes.json"])
def test_changed_or_missing_parts_are_refused(folder, name):
    (folder / name).write_text((folder / name).read_text() + " ")
    with pytest.raises(DataError, match=f"{name} is missing or has changed"):
        read_corpus(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing or has changed"):
        read_corpus(folder)


def test_a_changed_part_is_refused(folder):
    content = bytearray((folder / PART).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / PART).write_bytes(content)
    with pytest.raises(DataError, match=r"part-0000\.parquet has changed"):
        read_corpus(folder)


def test_bad_rows_are_named(folder):
    rewrite(folder, lambda rows: rows["values"][3].__setitem__(7, float("nan")))
    with pytest.raises(DataError, match=r"part-0000\.parquet: column values, row 3"):
        read_corpus(folder)


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("task", lambda rows: rows["task"].__setitem__(2, "easy")),
        ("universe", lambda rows: rows["universe"].__setitem__(2, 7)),
        ("values", lambda rows: rows["values"][2].pop()),
    ],
)
def test_bad_columns_are_named(folder, column, change):
    rewrite(folder, change)
    with pytest.raises(DataError, match=f"column {column}, row 2"):
        read_corpus(folder)


def test_missing_columns_are_named(folder):
    rewrite(folder, lambda rows: rows.pop("replica"))
    with pytest.raises(DataError, match=r"part-0000\.parquet: columns"):
        read_corpus(folder)


def break_universes(folder, change):
    """Change universes.json and let the manifest vouch for it."""
    path = folder / "universes.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    manifest = read_manifest(folder)
    settings = {**manifest.settings, "sha256": {}}
    write_manifest(folder, replace(manifest, settings=settings))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("unseen"), r"universes\.json cannot be read"),
        (lambda content: content["coefficients"].reverse(), r"universes\.json: coefficients"),
        (lambda content: content["seen"]["wilson"][1].pop(), r"universes\.json cannot be read"),
        (lambda content: content["seen"].update(wilson=[[0.0]]), r"seen\.wilson"),
        (
            lambda content: content["seen"]["wilson"][1].__setitem__(0, float("nan")),
            r"seen\.wilson, universe 1",
        ),
        (
            lambda content: content["unseen"]["n_negative_bins"].__setitem__(0, 4),
            r"unseen\.n_negative_bins is not what the table gives",
        ),
    ],
)
def test_broken_universes_are_refused(folder, change, message):
    break_universes(folder, change)
    with pytest.raises(DataError, match=message):
        read_corpus(folder)


def test_tables_of_one_corpus_have_equal_bins(made, tmp_path):
    table = toy_table()
    moved = replace(table, high_gev=table.high_gev + 0.5)
    write_table(tmp_path / "moved.json", moved)
    with pytest.raises(DataError, match=r"moved\.json: bins or operators differ"):
        write_corpus(
            tmp_path / "set",
            made / "first.json",
            SETTINGS,
            other_table_path=tmp_path / "moved.json",
        )


def test_a_corpus_of_joint_noise_keeps_its_table_and_universes(made, folder, tmp_path):
    table = toy_table()
    joint = np.diag(table.sm_pb)
    joint[3, 64] = joint[64, 3] = 0.5 * min(table.sm_pb[3], table.sm_pb[64])
    write_table(tmp_path / "joint.json", replace(table, joint_pb=joint))
    plain = read_corpus(folder)
    assert "joint_covariance" not in (folder / "universes.json").read_text()
    assert '"joint"' not in (folder / "manifest.json").read_text()
    write_corpus(
        tmp_path / "new", tmp_path / "joint.json", replace(SETTINGS, joint_covariance=True)
    )
    corpus = read_corpus(tmp_path / "new")
    assert corpus.settings.joint_covariance
    assert corpus.noise("hard").covariance()[3, 64] > 0.0
    assert plain.noise("hard").covariance()[3, 64] == 0.0
    np.testing.assert_array_equal(corpus.seen.wilson, plain.seen.wilson)
    # Stored replicas of the same seed differ by their noise alone.
    assert not np.array_equal(corpus.values, plain.values)


def test_joint_noise_of_a_table_of_unknown_origin_is_refused(made, tmp_path):
    with pytest.raises(DataError, match="joint bins"):
        write_corpus(tmp_path, made / "first.json", replace(SETTINGS, joint_covariance=True))
