"""Files, overlays and ``--set``: what wins, and what a fault is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from colliderfm.config.load import closest, load_params, read_yaml, unknown_choice
from colliderfm.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def fault(root: Path, *assignments: str) -> ConfigError:
    """The error that some assignments lead to."""
    with pytest.raises(ConfigError) as caught:
        load_params(root, assignments=assignments)
    return caught.value


def test_the_file_is_read(project: Path) -> None:
    params = load_params(project)
    assert params.studies.haa.signals == ("haa_ma30", "haa_ma40", "haa_ma60")
    assert params.compute.threads == 1


def test_an_overlay_changes_what_it_names_and_keeps_the_rest(project: Path, tmp_path: Path) -> None:
    overlay = write(tmp_path / "one.yaml", "studies:\n  haa:\n    comparison:\n      seeds: 8\n")
    params, plain = load_params(project, [overlay]), load_params(project)
    assert params.studies.haa.comparison.seeds == 8
    assert params.studies.haa.comparison.events == plain.studies.haa.comparison.events
    assert params.pretrain == plain.pretrain


def test_a_later_overlay_wins(project: Path, tmp_path: Path) -> None:
    first = write(tmp_path / "one.yaml", "seed: 1\n")
    second = write(tmp_path / "two.yaml", "seed: 2\n")
    assert load_params(project, [first, second]).seed == 2
    assert load_params(project, [second, first]).seed == 1


def test_an_assignment_wins_over_files(project: Path, tmp_path: Path) -> None:
    overlay = write(tmp_path / "one.yaml", "seed: 1\n")
    assert load_params(project, [overlay], ["seed=3"]).seed == 3


def test_a_list_in_an_overlay_replaces_the_whole_list(project: Path, tmp_path: Path) -> None:
    overlay = write(tmp_path / "one.yaml", "studies: {haa: {comparison: {events: [300]}}}\n")
    assert load_params(project, [overlay]).studies.haa.comparison.events == (300,)


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("0.25", 0.25), ("1", 1.0), ("1.0e-4", 1e-4)]
)
def test_an_assigned_number_is_a_number(project: Path, text: str, value: float) -> None:
    params = load_params(project, assignments=[f"pretrain.event.learning_rate={text}"])
    assert params.pretrain.event.learning_rate == pytest.approx(value)


def test_an_assigned_list_is_a_list(project: Path) -> None:
    params = load_params(project, assignments=["studies.haa.comparison.events=[100, 0]"])
    assert params.studies.haa.comparison.events == (100, 0)


@pytest.mark.parametrize("word", ["off", '"off"', "light", "full"])
def test_yaml_does_not_turn_off_into_false(project: Path, word: str) -> None:
    params = load_params(project, assignments=[f"simulation.mpi={word}"])
    assert params.simulation.mpi == word.strip('"')


def test_yaml_true_is_no_level_of_interactions(project: Path) -> None:
    error = fault(project, "simulation.mpi=on")
    assert "simulation.mpi" in error.what


def test_an_unknown_key_gets_the_closest_one(project: Path) -> None:
    error = fault(project, "pretrain.event.weight_dcay=0.01")
    assert error.what == "--set at pretrain.event.weight_dcay"
    assert error.got == "weight_dcay (unknown key)"
    assert "closest: weight_decay" in str(error.need)
    assert (
        error.fix
        == "rename the key to weight_decay, or run `colliderfm config show pretrain.event`"
    )


def test_a_misspelt_key_is_named_as_typed_and_not_as_missing(project_copy: Path) -> None:
    path = project_copy / "params.yaml"
    text = path.read_text(encoding="utf-8").replace("weight_decay:", "weight_dcay:", 1)
    path.write_text(text, encoding="utf-8")
    assert fault(project_copy).got == "weight_dcay (unknown key)"


def test_a_missing_key_is_named(project_copy: Path) -> None:
    path = project_copy / "params.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "jet_pt_min_gev:" not in line), "utf-8")
    error = fault(project_copy)
    assert "simulation.jet_pt_min_gev" in error.what
    assert "missing" in str(error.got)


def test_a_wrong_word_gets_the_allowed_ones(project: Path) -> None:
    error = fault(project, "model.event.size=smal1")
    assert error.got == "'smal1' (str)"
    assert str(error.need).startswith("one of tiny, small, base, large")
    assert "closest: small" in str(error.need)


@pytest.mark.parametrize(
    "assignment",
    [
        "compute.threads=0",
        "compute.threads=two",
        "model.event.dropout=1.0",
        "pretrain.event.learning_rate=-1",
        "studies.haa.signal_fraction=0",
        "simulation.eta_max=6",
        "pretrain.event.processes=[qcd]",
    ],
)
def test_a_value_outside_its_range_is_refused_with_its_key(project: Path, assignment: str) -> None:
    assert assignment.partition("=")[0] in fault(project, assignment).what


def test_a_number_must_be_finite(project: Path) -> None:
    for value in (".nan", ".inf"):
        assert "learning_rate" in fault(project, f"pretrain.event.learning_rate={value}").what


@pytest.mark.parametrize("text", ["seed", "=3", "", "seed:3"])
def test_an_assignment_needs_a_key_and_a_value(project: Path, text: str) -> None:
    assert fault(project, text).what == "--set needs key=value"


def test_a_section_cannot_be_assigned(project: Path) -> None:
    assert fault(project, "compute={threads: 1}").what == "--set sets one value"


def test_an_assignment_below_a_value_is_refused(project: Path) -> None:
    assert isinstance(fault(project, "seed.inner=1"), ConfigError)


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "broken.yaml", "a: 1\nb: [1, 2\n")
    with pytest.raises(ConfigError, match="broken.yaml is not valid YAML") as caught:
        read_yaml(path)
    assert "line 3" in str(caught.value.got)


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "word\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="must hold keys and values"):
        read_yaml(write(tmp_path / "list.yaml", text))


def test_a_missing_overlay_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none.yaml"):
        load_params(project, [tmp_path / "none.yaml"])


def test_closest_finds_a_near_word_and_no_far_one() -> None:
    assert closest("scrtch", ["pretrained", "scratch"]) == "scratch"
    assert closest("qwertz", ["pretrained", "scratch"]) is None


def test_an_unknown_choice_lists_what_there_is() -> None:
    error = unknown_choice("init", "scrtch", ("pretrained", "scratch"))
    assert str(error).splitlines() == [
        "configuration error: unknown init",
        "  got:  scrtch",
        "  need: one of pretrained, scratch      closest: scratch",
        "  fix:  write scratch",
    ]
    assert unknown_choice("init", "qwertz", ("pretrained",)).fix is None
