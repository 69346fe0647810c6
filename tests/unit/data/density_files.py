"""Small grid files of parton densities for tests: x f = |id| x (1 - x) (1 + 0.1 log Q)."""

import numpy as np

IDS = (-5, -4, -3, -2, -1, 21, 1, 2, 3, 4, 5)
X = np.geomspace(1e-4, 1.0, 25)


def shape(pdg_id, x, q):
    """The function that the grid holds."""
    return abs(pdg_id) * x * (1.0 - x) * (1.0 + 0.1 * np.log(q))


def block(q_gev, ids=IDS, x=X, digits=9):
    """One block of the format."""
    rows = [" ".join(f"{shape(each, a, b):.{digits}e}" for each in ids) for a in x for b in q_gev]
    head = (" ".join(f"{a:.9e}" for a in x), " ".join(f"{b:.6e}" for b in q_gev))
    return "\n".join([*head, " ".join(map(str, ids)), *rows]) + "\n"


def grid_text(*blocks):
    """A whole file."""
    return "PdfType: central\nFormat: lhagrid1\n---\n" + "".join(f"{each}---\n" for each in blocks)


LOW_Q, HIGH_Q = (2.0, 3.0, 4.0, 5.0), (5.0, 10.0, 30.0, 100.0, 400.0, 1000.0)


def two_blocks():
    """A file with a flavor threshold at 5 GeV."""
    return grid_text(block(LOW_Q), block(HIGH_Q))
