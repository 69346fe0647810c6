"""Objects as diffusion sees them: five continuous features and one category; noise and back.

Continuous are log(1 + mass), log(1 + pT), eta (the last two standardized by the encoder's normalizer)
and the azimuth relative to the missing momentum as a vector on a circle. The mass stands for the
energy, which is never below pT cosh(eta) then, for a noised object neither: next to the spread of
energies a jet mass is a small difference, and half of the generated jets would have none. The flags
btag, is_lepton and charge are one categorical variable, never a number with noise on it: it is hidden
or it is known.

Shape letters: B events, N object slots, F = 5 continuous features.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from colliderfm.nn import diffusion
from colliderfm.nn.pairs import ENERGY, ETA, IS_LEPTON, PT
from colliderfm.physics.event_variables import event_variables

# Positions among the inputs of the normalizer, and in ``batch.globals``; tests hold them to data/.
CONTINUOUS, FLAGS = (1, 2, 6, 7), (3, 4, 5)
N_FEATURES, N_INPUTS, N_GLOBAL_INPUTS = 1 + len(CONTINUOUS), 8, 10
MET, MET_PHI = 0, 1
_OBJECT_NAMES = ("energy_gev", "pt_gev", "eta", "phi", "btag", "is_lepton", "charge")
# Combinations of btag, is_lepton, charge: light jet, b jet, negative and positive lepton.
CATEGORIES = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, -1.0), (0.0, 1.0, 1.0))
_CIRCLE = math.sqrt(2.0)
_MAX_PT_COSH_ETA_GEV, _MAX_MASS_GEV, _MAX_ETA = 9.0e4, 1.0e4, 10.0
# Typical center and spread of log(1 + mass/GeV), leptons included.
_MASS_CENTER, _MASS_SPREAD = 2.0, 0.8


class NoisedObjects(NamedTuple):
    """Objects somewhere between data and noise.

    Parameters
    ----------
    x_t : Tensor, shape (B, N, 5)
        Continuous features; meaningful in the noised slots only.
    category : Tensor, shape (B, N), int64
        Position in ``CATEGORIES``.
    is_hidden : Tensor, shape (B, N), bool
        True = the category of this noised object is not known yet.
    is_noised : Tensor, shape (B, N), bool
        True = generated; the other objects are given.
    t : Tensor, shape (B,)
        Diffusion time of the noised objects of each event.
    """

    x_t: Tensor
    category: Tensor
    is_hidden: Tensor
    is_noised: Tensor
    t: Tensor


class Perturbed(NamedTuple):
    """Events with noised objects, and what a head is to find out about them.

    Parameters
    ----------
    batch : EventBatch
        For the encoder: noised objects, globals but for the missing momentum withheld.
    token_shift : Tensor, shape (B, N, D)
        For the encoder; zero for objects without noise.
    noised : NoisedObjects
        What was put in place of the objects.
    velocity : Tensor, shape (B, N, 5)
        True velocity of the noised objects.
    category : Tensor, shape (B, N), int64
        True category where it is hidden, else -1.
    """

    batch: Any
    token_shift: Tensor
    noised: NoisedObjects
    velocity: Tensor
    category: Tensor

    @property
    def t(self) -> Tensor:
        """Diffusion time of each event, shape (B,)."""
        return self.noised.t

    @property
    def is_noised(self) -> Tensor:
        """Which objects are noised, shape (B, N), bool."""
        return self.noised.is_noised

    @property
    def clarity(self) -> Tensor:
        """Share of the signal that is left, (B,): alpha² for noised objects, 1 for the others."""
        share = self.is_noised.sum(dim=1) / self.batch.mask.sum(dim=1).clamp(min=1)
        return 1.0 - share * diffusion.sigma(self.t).square()


def split_objects(batch: Any, normalizer: Any) -> tuple[Tensor, Tensor]:
    """Return continuous features and category of objects.

    Parameters
    ----------
    batch : EventBatch
        Events in raw units.
    normalizer : Normalizer
        Of the encoder.

    Returns
    -------
    tuple of Tensor
        Continuous features (B, N, 5) and position in ``CATEGORIES`` (B, N), int64.
    """
    inputs = normalizer(batch)[0]
    energy, momentum = batch.objects[..., ENERGY], _momentum(batch.objects)
    mass = ((energy - momentum) * (energy + momentum)).clamp(min=0.0).sqrt()
    scaled = (mass.log1p() - _MASS_CENTER) / _MASS_SPREAD * batch.mask
    pt, eta, cos, sin = inputs[..., CONTINUOUS].unbind(-1)
    btag, is_lepton, charge = inputs[..., FLAGS].unbind(-1)
    category = torch.where(is_lepton > 0.5, 2 + (charge > 0).long(), (btag > 0.5).long())
    return torch.stack([scaled, pt, eta, _CIRCLE * cos, _CIRCLE * sin], dim=-1), category


def raw_objects(noised: NoisedObjects, met_phi: Tensor, normalizer: Any) -> Tensor:
    """Return objects (B, N, 7) in GeV and radians; the inverse of ``split_objects``.

    Everything is inside the ranges of the file format, whatever the features say; flags are zero
    where hidden. ``met_phi``, (B,), is the direction that azimuth is relative to.
    """
    x = noised.x_t
    inputs = x.new_zeros(*x.shape[:-1], N_INPUTS)
    inputs[..., CONTINUOUS] = x[..., 1:]
    flags = torch.tensor(CATEGORIES, dtype=x.dtype, device=x.device)[noised.category]
    inputs[..., FLAGS] = flags.masked_fill(noised.is_hidden[..., None], 0.0)
    raw: Tensor = normalizer.inverse_objects(inputs, met_phi)
    eta = raw[..., ETA].clamp(-_MAX_ETA, _MAX_ETA)
    raw[..., PT] = torch.minimum(raw[..., PT].clamp(min=0.0), _MAX_PT_COSH_ETA_GEV / eta.cosh())
    raw[..., ETA] = eta
    logged = (x[..., 0] * _MASS_SPREAD + _MASS_CENTER).clamp(0.0, math.log1p(_MAX_MASS_GEV))
    raw[..., ENERGY] = torch.hypot(_momentum(raw), logged.expm1())
    return raw


def _momentum(objects: Tensor) -> Tensor:
    """Return pT cosh(eta), (B, N)."""
    return objects[..., PT] * objects[..., ETA].cosh()


def condition(batch: Any, noised: NoisedObjects, normalizer: Any) -> Any:
    """Return the events that the encoder sees, in training and in sampling.

    Parameters
    ----------
    batch : EventBatch
        Clean events, or a template: the objects in the noised slots are not looked at.
    noised : NoisedObjects
        What stands in the noised slots.
    normalizer : Normalizer
        Of the encoder.

    Returns
    -------
    EventBatch
        Noised objects in raw units, flags zero where hidden. Of the globals the missing momentum
        is given; all others would give the objects away and stand at their means, as do extras.
    """
    met_phi = batch.globals[:, MET_PHI]
    raw = raw_objects(noised, met_phi, normalizer)
    withheld = normalizer.inverse_globals(raw.new_zeros(len(raw), N_GLOBAL_INPUTS), met_phi)
    withheld[:, MET] = batch.globals[:, MET]
    unknown = float("nan")
    event_extras = getattr(normalizer, "global_extras", None)
    names = () if event_extras is None else event_extras.names
    return replace(
        batch,
        objects=torch.where(noised.is_noised[..., None], raw, batch.objects),
        globals=withheld,
        extras={
            name: torch.full_like(values, unknown) if name in names else values
            for name, values in batch.extras.items()
        },
        object_extras={
            name: values.masked_fill(noised.is_noised, unknown)
            for name, values in batch.object_extras.items()
        },
    )


def generated_batch(batch: Any, generated: NoisedObjects, normalizer: Any) -> Any:
    """Return events with generated objects.

    Parameters
    ----------
    batch : EventBatch
        Template.
    generated : NoisedObjects
        At the end of the sampling path, all categories known.
    normalizer : Normalizer
        Of the encoder.

    Returns
    -------
    EventBatch
        In raw units; leptons have no mass. Globals but for the missing momentum follow from the
        objects.
    """
    raw = raw_objects(generated, batch.globals[:, MET_PHI], normalizer)
    raw[..., ENERGY] = torch.where(raw[..., IS_LEPTON] > 0, _momentum(raw), raw[..., ENERGY])
    objects = torch.where(generated.is_noised[..., None], raw, batch.objects)
    return replace(batch, objects=objects, globals=_globals_of(objects, batch))


def _globals_of(objects: Tensor, batch: Any) -> Tensor:
    """Return the globals (B, 11) of objects and the missing momentum of the batch."""
    mask = batch.mask.cpu().numpy()
    values = objects.double().cpu().numpy()[mask]
    met, met_phi = batch.globals[:, [MET, MET_PHI]].double().cpu().numpy().T
    columns = dict(zip(_OBJECT_NAMES, values.T, strict=True))
    met_x, met_y = met * np.cos(met_phi), met * np.sin(met_phi)
    computed = event_variables(np.nonzero(mask)[0], columns, met_x, met_y)
    result = torch.from_numpy(np.stack(list(computed.values()), axis=1)).to(batch.globals)
    result[:, [MET, MET_PHI]] = batch.globals[:, [MET, MET_PHI]]
    return result
