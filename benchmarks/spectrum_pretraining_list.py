"""The list of spectrum pretrainings: what each one is, and where its record stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colliderfm.config.flatten import params_sha256
from colliderfm.config.load import load_params, read_yaml
from colliderfm.config.schema import Params
from colliderfm.errors import ConfigError
from colliderfm.pipelines.folders import event_set_folder

PROJECT = Path(__file__).resolve().parents[1]
LIST = PROJECT / "benchmarks" / "spectrum_pretrainings.yaml"
# Settings that change no number of a result.
_FREE = ("set", "checkpoint_every")


@dataclass(frozen=True)
class Entry:
    """One pretraining of the list.

    Parameters
    ----------
    name, section, label : str
        Name of its file, table it stands in, and its words there.
    set : tuple of str
        ``a.b=c`` as on the command line.
    config : str
        Overlay file, or empty.
    seed : int
        Of weights and replicas.
    """

    name: str
    section: str
    label: str
    set: tuple[str, ...]
    config: str = ""
    seed: int = 0

    def params(self, shared: Sequence[str]) -> Params:
        """Return the parameters of this pretraining."""
        overlays = [PROJECT / self.config] if self.config else []
        return load_params(PROJECT, overlays, (*shared, *self.set))

    def command(self) -> str:
        """Return the command line that does the same, tracked and registered."""
        words = ["colliderfm pretrain --model spectrum"]
        words += [f"--config {self.config}"] if self.config else []
        words += [f"--seed {self.seed}"] if self.seed else []
        return " ".join(words + [f"--set {text}" for text in self.set])


def read_list(path: Path) -> tuple[tuple[str, ...], str, list[Entry]]:
    """Return settings of all pretrainings, folder of the shipped encoder, and the pretrainings.

    Raises
    ------
    ConfigError
        If a key is unknown or missing.
    """
    tree = read_yaml(path)
    entries = []
    for name, content in tree["pretrainings"].items():
        try:
            entries.append(Entry(name, **{**content, "set": tuple(content["set"])}))
        except (TypeError, KeyError) as err:
            need = "section, label, set and perhaps config, seed"
            raise ConfigError(f"{path}: pretrainings.{name}", got=str(err), need=need) from None
    return tuple(tree["settings"]), str(tree["shipped"]), entries


def key_of(params: Params, seed: int, corpus_md5: str) -> str:
    """Return a digest of everything but the code that decides a result."""
    settings = params.pretrain.spectrum.model_dump(mode="json")
    content = {
        "settings": {name: value for name, value in settings.items() if name not in _FREE},
        "model": params.model.spectrum.model_dump(mode="json"),
        "seed": seed,
        "corpus": corpus_md5,
    }
    return params_sha256(content)[:16]


@dataclass(frozen=True)
class Place:
    """Parameters and corpus of a pretraining, the digest of both, and where its record is."""

    params: Params
    corpus: Path
    key: str
    path: Path

    @property
    def is_done(self) -> bool:
        """True if there is a record of these parameters and this corpus."""
        return self.path.is_file() and self.read().get("key") == self.key

    def read(self) -> dict[str, Any]:
        """Return the record."""
        return dict(json.loads(self.path.read_text(encoding="utf-8")))

    def write(self, record: dict[str, Any]) -> dict[str, Any]:
        """Write the record and return it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return record


def find_place(entry: Entry, shared: Sequence[str], report: Path) -> Place:
    """Return the place of a pretraining whose record is below a report."""
    params = entry.params(shared)
    corpus, md5 = event_set_folder(params, params.pretrain.spectrum.set)
    path = report / "tries" / f"{entry.name}.json"
    return Place(params, corpus, key_of(params, entry.seed, md5), path)
