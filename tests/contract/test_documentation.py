"""What the pages say can be typed, clicked and run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command_line import commands, parse
from source_tree import PROJECT

from colliderfm.config.schema import Params
from colliderfm.data.event_schema import EVENT_SCHEMA, PROCESSES
from colliderfm.data.event_table import EventTable
from colliderfm.simulation.cards import RECIPE_OF_PROCESS

PAGES = sorted(
    path
    for path in (*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md"))
    if path.read_text(encoding="utf-8").strip()
)
NAMES = [path.relative_to(PROJECT).as_posix() for path in PAGES]


def text_of(name: str) -> str:
    """A page below the project."""
    return (PROJECT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """Code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(name), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text_of(name))
    local = [target for target in targets if "://" not in target]
    assert not [target for target in local if not ((PROJECT / name).parent / target).exists()]


@pytest.mark.parametrize("name", NAMES)
def test_commands_can_be_typed(name: str) -> None:
    joined = "\n".join(blocks(name, "(?:bash|sh|console)")).replace("\\\n", " ")
    lines = [line.strip().removeprefix("$ ") for line in joined.splitlines()]
    for line in lines:
        if line.startswith("colliderfm "):
            words = shlex.split(line, comments=True)[1:]
            assert parse(words) is not None, line


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_a_sentence_exist(name: str) -> None:
    for text in re.findall(r"`colliderfm ([a-z]+(?: [a-z]+)?)", text_of(name)):
        assert any(text.startswith(words) or words.startswith(text) for words in commands()), text


@pytest.mark.parametrize("name", NAMES)
def test_named_files_exist(name: str) -> None:
    """Paths below the source tree; ``<…>`` stands for something to fill in."""
    for path in re.findall(r"`((?:src|tests)/[\w./-]+\.\w+)`", text_of(name)):
        assert (PROJECT / path).exists(), path


def test_the_map_leads_to_every_page() -> None:
    pages = {path.name for path in (PROJECT / "docs").glob("*.md")} - {"index.md"}
    assert pages <= set(re.findall(r"\(([\w-]+\.md)\)", text_of("docs/index.md")))


def test_every_column_is_described() -> None:
    described = set(re.findall(r"`([\w]+)`", text_of("docs/data-format.md")))
    assert {column.name for column in EVENT_SCHEMA.columns} <= described


def test_every_simulated_process_is_described() -> None:
    described = set(re.findall(r"`([\w]+)`", text_of("docs/simulation.md")))
    assert {name for name in PROCESSES if name in RECIPE_OF_PROCESS} <= described


def test_every_section_is_described() -> None:
    text = text_of("docs/configuration.md")
    for name in Params.model_fields:
        assert f"`{name}`" in text or f"`{name}." in text, name


def test_the_event_file_of_the_example_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = blocks("docs/bring-your-own-data.md", "python")[0]
    exec(compile(source, "bring-your-own-data.md", "exec"), {})
    table = EventTable.read(tmp_path / "corpora" / "mine")
    assert len(table) == 2
    assert table.batch(range(2)).n_objects.tolist() == [2, 3]


def test_the_pages_of_contributors_are_short() -> None:
    lines = text_of("CONTRIBUTING.md").splitlines()
    assert len(lines) <= 70
