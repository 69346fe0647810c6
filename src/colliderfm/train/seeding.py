"""Seeds and states of the random generators.

Every update seeds the generators from (seed, rank, update): dropout after a resume is the same as
without one, whatever else drew numbers in between. Read next: :mod:`colliderfm.train.loop`.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def derived_seed(*parts: int | str) -> int:
    """Derive a seed that depends on every part.

    Parameters
    ----------
    *parts : int or str
        E.g. seed, rank and update.

    Returns
    -------
    int
        63 bits.

    Examples
    --------
    >>> derived_seed(0, 1) == derived_seed(0, 1), derived_seed(0, 1) == derived_seed(1, 0)
    (True, False)
    """
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def seed_everything(*parts: int | str) -> None:
    """Seed torch (all devices), numpy and Python from the given parts."""
    seed = derived_seed(*parts)
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  third-party code may use the global generator
    random.seed(seed)


def random_states() -> dict[str, torch.Tensor]:
    """Return the states of all generators as integer tensors."""
    _, numpy_keys, numpy_position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002
    _, python_keys, python_gauss = random.getstate()
    states = {
        "torch": torch.get_rng_state(),
        "numpy": torch.tensor([*numpy_keys.tolist(), numpy_position, has_gauss]),
        "numpy_gauss": torch.tensor([gauss], dtype=torch.float64),
        "python": torch.tensor(python_keys),
        "python_gauss": torch.tensor(
            [] if python_gauss is None else [python_gauss], dtype=torch.float64
        ),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: dict[str, torch.Tensor]) -> None:
    """Put the states of all generators back; the inverse of ``random_states``."""
    torch.set_rng_state(states["torch"])
    *keys, position, has_gauss = states["numpy"].tolist()
    gauss = float(states["numpy_gauss"].item())
    np.random.set_state(  # noqa: NPY002
        ("MT19937", np.array(keys, dtype=np.uint32), position, has_gauss, gauss)
    )
    python_gauss = states["python_gauss"].tolist()
    random.setstate(
        (3, tuple(states["python"].tolist()), python_gauss[0] if python_gauss else None)
    )
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
