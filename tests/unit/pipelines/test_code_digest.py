"""A digest that follows what code does and not what it says about itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from colliderfm.pipelines import code_digest as module
from colliderfm.pipelines.code_digest import code_digest

SOURCE = '''"""A module."""

RATE = 0.1


def double(x: float) -> float:
    """Return twice x."""
    # a reason
    return 2 * x
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of two modules that stands for ours."""
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "layers.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "nn" / "heads.py").write_text("A = 1\n", encoding="utf-8")
    (tmp_path / "loop.py").write_text("B = 1\n", encoding="utf-8")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    code_digest.cache_clear()
    yield tmp_path
    code_digest.cache_clear()


def digest_with(package: Path, old: str, new: str) -> str:
    """Digest of the package after a change."""
    assert old in SOURCE
    (package / "nn" / "layers.py").write_text(SOURCE.replace(old, new), encoding="utf-8")
    code_digest.cache_clear()
    return code_digest(("nn",))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A module.", "Another text."),
        ("Return twice x.", "Return the double of x.\n\n    More words.\n    "),
        ("# a reason", "# a better reason"),
        ("\n\n\ndef", "\n\n\n\n\ndef"),
        ("2 * x", "(2 * x)"),
    ],
)
def test_words_and_layout_keep_the_digest(package: Path, old: str, new: str) -> None:
    before = code_digest(("nn",))
    assert digest_with(package, old, new) == before


@pytest.mark.parametrize(
    ("old", "new"), [("0.1", "0.2"), ("2 * x", "x * 2"), ("double", "twice"), ("RATE", "SPEED")]
)
def test_a_change_of_the_code_changes_the_digest(package: Path, old: str, new: str) -> None:
    before = code_digest(("nn",))
    assert digest_with(package, old, new) != before


def test_a_new_and_a_renamed_file_change_the_digest(package: Path) -> None:
    before = code_digest(("nn",))
    (package / "nn" / "heads.py").rename(package / "nn" / "tails.py")
    code_digest.cache_clear()
    renamed = code_digest(("nn",))
    (package / "nn" / "extra.py").write_text("C = 1\n", encoding="utf-8")
    code_digest.cache_clear()
    assert len({before, renamed, code_digest(("nn",))}) == 3


def test_a_single_module_can_be_named(package: Path) -> None:
    before = code_digest(("nn.layers",))
    (package / "nn" / "heads.py").write_text("A = 2\n", encoding="utf-8")
    code_digest.cache_clear()
    assert code_digest(("nn.layers",)) == before
    assert digest_with(package, "0.1", "0.2") != before


def test_the_order_of_names_does_not_matter(package: Path) -> None:
    assert code_digest(("nn", "loop")) == code_digest(("loop", "nn"))


def test_it_is_a_sha256_of_the_real_package() -> None:
    code_digest.cache_clear()
    assert len(code_digest(("physics",))) == 64
    assert code_digest(("physics",)) != code_digest(("stats",))
