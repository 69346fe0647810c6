"""What a study offers to the pipelines: load, resolve a cell, train it, test it, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from colliderfm.config.schema import Params
    from colliderfm.config.sections import Section
    from colliderfm.train.protocols import Tracker


@dataclass(frozen=True)
class Cell:
    """One point of a comparison.

    Parameters
    ----------
    study : str
        Name of the study.
    init : str
        Arm: ``scratch``, ``pretrained`` or a baseline of the study.
    events : int
        Training events, resolved (never 0).
    fraction : float
        The same as a share of the training split.
    seed : int
        Draws the training subset and the initial weights.
    """

    study: str
    init: str
    events: int
    fraction: float
    seed: int

    @property
    def name(self) -> str:
        """Run name, e.g. ``pretrained n=100 s0``."""
        return f"{self.init} n={self.events} s{self.seed}"


@dataclass(frozen=True)
class CellResult:
    """What a cell gives.

    Parameters
    ----------
    metrics : mapping of str to float
        ``test/…`` and summary numbers.
    predictions : mapping of str to array, each (B,)
        One row per test event.
    training : mapping
        ``updates, updates_to_best, stopped, seconds`` and the loss history; ``report_details``, if
        there, is what a report shows of a cell beyond numbers and rows.
    """

    metrics: Mapping[str, float]
    predictions: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)


class Study(Protocol):
    """A physics question that the pipelines can run.

    ``family`` names the model family whose encoder the arm ``pretrained`` starts from; ``arms`` are
    all arms; ``view_columns`` are the columns of the comparison page, metrics in order of weight.
    """

    name: str
    family: str
    arms: tuple[str, ...]
    modules_of_a_cell: tuple[str, ...]
    view_columns: tuple[str, ...]

    def settings(self, params: Params) -> Section:
        """Return the study's own section of the parameters."""
        ...

    def load(self, params: Params, folder: Path) -> Any:
        """Read and check the study's event set."""
        ...

    def cell(
        self, params: Params, data: Any, init: str, events: int, fraction: float, seed: int
    ) -> Cell:
        """Return the cell with its number of training events resolved."""
        ...

    def check_encoder(self, params: Params, encoder: Path) -> None:
        """Refuse an encoder that does not fit the configured network, before any run is opened."""
        ...

    def run(
        self,
        params: Params,
        data: Any,
        cell: Cell,
        encoder: Path | None,
        folder: Path,
        tracker: Tracker,
    ) -> CellResult:
        """Train a cell, resumable in ``folder``, and test it once."""
        ...

    def validate(
        self,
        params: Params,
        data: Any,
        cell: Cell,
        encoder: Path | None,
        folder: Path,
        tracker: Tracker,
    ) -> float:
        """Train a cell and return its validation score; the test split is not touched."""
        ...

    def test(self, params: Params, data: Any, model: Path) -> CellResult:
        """Test a saved model on the test split of any compatible data."""
        ...

    def report(
        self, params: Params, cells: pd.DataFrame, folder: Path, extras: Mapping[str, Any]
    ) -> Sequence[Path]:
        """Write tables and figures; return the files made."""
        ...

    def headline(self, folder: Path) -> str:
        """Return the headline table of a written report, for a terminal."""
        ...
