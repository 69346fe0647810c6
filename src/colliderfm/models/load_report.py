"""What a partial load took over, what it left alone, and whose scales the network uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
_SCALES = {
    "pretrained": "kept from pretraining",
    "data": "measured on the new data",
}


@dataclass(frozen=True)
class LoadReport:
    """What ``load_pretrained`` did.

    Parameters
    ----------
    source : str
        Folder of the weights.
    loaded : dict of str to tuple of int
        Tensors taken over, with their shapes.
    kept : dict of str to tuple of int
        Tensors of the network left as they were: fresh heads, fresh inputs, scales of the new data.
    unused : dict of str to tuple of int
        Tensors of the file that were not needed.
    normalizer : str
        ``pretrained`` or ``data``.
    new_inputs, dropped_inputs : tuple of str
        Features that only the network reads, and that only the file's network reads.
    """

    source: str
    loaded: Shapes
    kept: Shapes
    unused: Shapes
    normalizer: str
    new_inputs: tuple[str, ...] = ()
    dropped_inputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            f"loaded from {self.source}: {_by_part(self.loaded)}",
            f"left with its own values: {_by_part(self.kept)}",
            f"of the file unused: {_by_part(self.unused)}",
            f"normalizer {_SCALES[self.normalizer]}",
        ]
        if self.new_inputs:
            parts.append(f"new inputs, of no effect at first: {', '.join(self.new_inputs)}")
        if self.dropped_inputs:
            parts.append(f"inputs no longer read: {', '.join(self.dropped_inputs)}")
        return "; ".join(parts)

    def details(self) -> str:
        """Return one line per tensor: what became of it, its name and its shape."""
        rows = [
            f"{what} {name} {shape_text(shape)}"
            for what in ("loaded", "kept", "unused")
            for name, shape in getattr(self, what).items()
        ]
        return "\n".join(rows)


def shapes_of(tensors: Mapping[str, Tensor]) -> Shapes:
    """Return the shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as text.

    Examples
    --------
    >>> shape_text((64, 8)), shape_text(())
    ('64x8', 'scalar')
    """
    return "x".join(str(length) for length in shape) or "scalar"


def part_of(name: str) -> str:
    """Return the part of a network that a tensor belongs to.

    Examples
    --------
    >>> part_of("encoder.norm.weight"), part_of("heads.assign.norm.weight")
    ('encoder', 'head assign')
    """
    words = name.split(".")
    if words[0] == "heads":
        return f"head {words[1]}"
    inner = words[1] if len(words) > 1 else ""
    return inner if inner in ("normalizer", "object_extras", "global_extras") else words[0]


def _by_part(shapes: Shapes) -> str:
    counts: dict[str, int] = {}
    for name in shapes:
        counts[part_of(name)] = counts.get(part_of(name), 0) + 1
    return ", ".join(f"{part} ({count} tensors)" for part, count in counts.items()) or "nothing"
