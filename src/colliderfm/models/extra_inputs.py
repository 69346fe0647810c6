"""How features beyond the schema enter an encoder: standardized, then through a zero projection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from colliderfm.data.extra_features import ExtraFeatures
from colliderfm.nn.zero_projection import ZeroProjection


def projection_of(names: Sequence[str], width: int) -> ZeroProjection | None:
    """Return the projection of some extra features to tokens of a width; None without any."""
    return ZeroProjection(len(names), width) if names else None


def with_extras(
    tokens: Tensor,
    projection: ZeroProjection | None,
    features: ExtraFeatures | None,
    columns: Mapping[str, Tensor],
) -> Tensor:
    """Return tokens plus the projected extra features, if there are any.

    Parameters
    ----------
    tokens : Tensor, shape (B, D) or (B, N, D)
        Of events or of objects.
    projection : ZeroProjection or None
        Belongs to the network.
    features : ExtraFeatures or None
        Belongs to its normalizer.
    columns : mapping of str to Tensor, shape (B,) or (B, N)
        Raw features of the batch.

    Returns
    -------
    Tensor
        Bit-equal to ``tokens`` while the projection is zero.

    Raises
    ------
    DataError
        If the events lack a column.
    """
    if projection is None or features is None:
        return tokens
    shift: Tensor = projection(features(columns))
    return tokens + shift
