from __future__ import annotations

import numpy as np
import pytest

from colliderfm.errors import PhysicsError
from colliderfm.studies.smeft.inference import Library, infer_parameters, null_operator_test


def linear_problem(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Latent = 2 theta + unit noise in two of three axes; theta ~ N(0, 3^2)."""
    rng = np.random.default_rng(seed)
    theta = 3.0 * rng.standard_normal((n, 2))
    latent = rng.standard_normal((n, 3))
    latent[:, :2] += 2.0 * theta
    return latent, theta


def test_intervals_of_a_gaussian_problem_have_the_exact_width_and_cover() -> None:
    library = Library(*linear_problem(6000, 0))
    latent, truth = linear_problem(800, 1)
    found = infer_parameters(library, latent)
    # Posterior: precision 1/9 + 4 in each direction.
    exact = 1.0 / np.sqrt(1.0 / 9.0 + 4.0)
    assert np.median(found.high - found.low) / 2.0 == pytest.approx(exact, rel=0.08)
    error = np.sqrt(0.6827 * 0.3173 / truth.size)
    assert found.covers(truth).mean() == pytest.approx(0.6827, abs=3.0 * error)
    assert found.median == pytest.approx(truth, abs=6.0 * exact)


def test_a_parameter_that_the_latent_does_not_know_keeps_its_prior() -> None:
    rng = np.random.default_rng(4)
    latent, _ = linear_problem(4000, 2)
    library = Library(latent, rng.uniform(-1.0, 1.0, (4000, 1)))
    found = infer_parameters(library, latent[:50])
    assert np.mean(found.high - found.low) == pytest.approx(2.0 * 0.6827, rel=0.08)


def test_a_library_that_is_too_small_is_refused() -> None:
    latent, theta = linear_problem(30, 0)
    with pytest.raises(PhysicsError, match="neighbors"):
        infer_parameters(Library(latent, theta), latent[:1], neighbors=40)
    with pytest.raises(PhysicsError, match="neighbors"):
        infer_parameters(Library(latent, theta), latent[:1], neighbors=5)


def test_null_test_finds_what_acts_and_only_that() -> None:
    rng = np.random.default_rng(5)
    wilson = rng.standard_normal((600, 12))
    wilson[:, 3] *= rng.random(600) < 0.5
    latent = np.column_stack([wilson[:, 0] + 0.1 * wilson[:, 1], np.abs(wilson[:, 2])])
    latent += 0.1 * rng.standard_normal(latent.shape)
    found = null_operator_test(latent, wilson, rng, 200)
    is_inert = np.arange(12) > 2
    assert (found.p_value[[0, 2]] < 0.01).all()
    assert found.flagged(is_inert).sum() <= 2
    assert found.explained[is_inert] == pytest.approx(found.explained_by_chance[is_inert], abs=0.03)


def test_p_values_of_inert_operators_are_uniform() -> None:
    """Whatever the latent is: 3% to 8% of 600 inert coefficients below 5%."""
    rng = np.random.default_rng(6)
    latent = np.exp(3.0 * rng.standard_normal((300, 4)))
    wilson = rng.standard_normal((300, 600)) * (rng.random((300, 600)) < 0.8)
    p_value = null_operator_test(latent, wilson, rng, 200).p_value
    assert 0.03 < (p_value < 0.05).mean() < 0.08
    assert p_value.mean() == pytest.approx(0.5, abs=0.05)


def test_a_method_that_invents_constraints_is_flagged() -> None:
    """Coefficients leak into the latent: every one of them is found."""
    rng = np.random.default_rng(7)
    wilson = rng.standard_normal((500, 8))
    latent = wilson[:, :4] + wilson[:, 4:]
    found = null_operator_test(latent, wilson, rng, 100)
    assert found.flagged(np.ones(8, dtype=bool)).all()
