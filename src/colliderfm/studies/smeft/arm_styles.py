"""Study smeft: names and looks of the arms, the same in every table and figure."""

from __future__ import annotations

from collections.abc import Sequence

from colliderfm.plots.method_curves import MethodStyle

ARMS = {
    "bayes": MethodStyle("Bayes optimum", "#000000", ":", "*"),
    "pretrained": MethodStyle("pretrained", "#bd1f01", "-", "o"),
    "scratch": MethodStyle("from scratch", "#3f90da", "--", "s"),
    "untrained": MethodStyle("untrained encoder", "#94a4a2", "-.", "v"),
    "lda": MethodStyle("LDA", "#ffa90e", "-", "^"),
    "pca": MethodStyle("PCA, noise-whitened", "#832db6", "-", "D"),
}
LINEAR_ARMS = ("lda", "pca")


def arm_label(init: str) -> str:
    """Readable name of an arm.

    Parameters
    ----------
    init : str
        Arm.

    Returns
    -------
    str
        From `ARMS`, else the name itself.
    """
    return ARMS[init].label if init in ARMS else init


def styles_of(inits: Sequence[str]) -> dict[str, MethodStyle]:
    """Look of each arm.

    Parameters
    ----------
    inits : sequence of str
        Arms.

    Returns
    -------
    dict of str to MethodStyle
        From `ARMS`; unknown arms are brown.
    """
    return {init: ARMS.get(init, MethodStyle(init, "#a96b59", "-.", "P")) for init in inits}
