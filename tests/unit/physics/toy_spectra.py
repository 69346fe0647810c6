"""A table of spectra without parton densities: falling, with a peak, positive at quadratic order."""

from __future__ import annotations

import numpy as np

from colliderfm.physics.operators import CONTRIBUTING
from colliderfm.physics.spectrum_table import SpectrumTable

TOTAL_PB = 650.0


def toy_table() -> SpectrumTable:
    """60 bins of m_ll and 32 of pT; sum of three squared amplitudes that are linear in C.

    Each amplitude is 1 + a.C with shapes flat, rising or peaked in the mass, so the linear terms
    span at most 3 + 3 directions, and no coefficients give a negative cross section.
    """
    mll, pt = np.linspace(50.0, 650.0, 61), np.append(np.arange(10.0, 321.0, 10.0), 325.0)
    low, high = np.concatenate([mll[:-1], pt[:-1]]), np.concatenate([mll[1:], pt[1:]])
    is_mll = np.arange(92) < 60
    center, width = 0.5 * (low + high), high - low
    mass = np.where(is_mll, center, 2.0 * center)
    sm_pb = width * (
        mass**-3.0 * np.exp(-mass / 400) + 3e-5 * np.exp(-0.5 * ((mass - 91) / 6) ** 2)
    )
    for block in (is_mll, ~is_mll):
        sm_pb[block] *= TOTAL_PB / sm_pb[block].sum()
    scaled = (mass / 300) ** 2
    shapes = np.stack([np.ones(92), scaled / (1 + 0.1 * scaled), np.exp(-((mass - 91) ** 2) / 200)])
    strength = 0.1 * np.random.default_rng(1).normal(size=(17, 3))
    slope = strength[:, :, None] * shapes
    weight = sm_pb / 3
    pairs = [(i, j) for i in range(17) for j in range(i, 17)]
    quadratic = [(1 + (i != j)) * (slope[i] * slope[j]).sum(axis=0) * weight for i, j in pairs]
    return SpectrumTable(
        observable=("mll",) * 60 + ("pt",) * 32,
        low_gev=low,
        high_gev=high,
        operators=CONTRIBUTING,
        sm_pb=sm_pb,
        linear_pb=2 * slope.sum(axis=1) * weight,
        quadratic_pb=np.array(quadratic),
        error_pb=np.zeros(92),
        provenance={"toy": True},
    )
