"""The energy score against a calculation by hand and against its own defining property."""

import jax
import jax.numpy as jnp
import numpy as np

from driftline_trainer.score import energy_score, ranked_score


def test_energy_score_by_hand():
    truth = jnp.array([[0.0, 0.0]])
    draws = jnp.array([[[3.0, 4.0]], [[0.0, 1.0]], [[0.0, -2.0]]])
    # To the truth: 5, 1, 2. Between draws: |(3,3)| = 4.2426, |(3,6)| = 6.7082, |(0,3)| = 3.
    expected = (5 + 1 + 2) / 3 - (18**0.5 + 45**0.5 + 3) / (3 * 2)
    np.testing.assert_allclose(energy_score(draws, truth), [expected], rtol=1e-6)


def test_two_draws_give_the_formula_of_the_docs():
    a, b, y = (jax.random.normal(key, (5, 7)) for key in jax.random.split(jax.random.key(1), 3))
    size = lambda v: np.linalg.norm(v, axis=-1)  # noqa: E731
    expected = 0.5 * size(a - y) + 0.5 * size(b - y) - 0.5 * size(a - b)
    np.testing.assert_allclose(energy_score(jnp.stack([a, b]), y), expected, rtol=1e-5)


def test_ranked_score_by_hand():
    # First dimension: (1 + 3)/2 - |1 - 3|/2 = 1; second: (2 + 2)/2 - 0 = 2.
    draws = jnp.array([[[1.0, 2.0]], [[3.0, 2.0]]])
    np.testing.assert_allclose(ranked_score(draws, jnp.zeros((1, 2))), [3.0], rtol=1e-6)


def test_the_score_is_least_for_the_true_law():
    """40,000 triples: the standard error of each mean is below 0.005, the differences are 0.03 and more, so that a
    false alarm is a matter of six standard errors."""
    keys = jax.random.split(jax.random.key(3), 2)
    truth = jax.random.normal(keys[0], (40_000, 3))
    noise = jax.random.normal(keys[1], (2, 40_000, 3))
    score = {scale: float(energy_score(scale * noise, truth).mean()) for scale in (0.6, 1.0, 1.5)}
    shifted = float(energy_score(noise + 0.4, truth).mean())
    assert score[1.0] + 0.02 < min(score[0.6], score[1.5], shifted)


def test_gradients_stay_finite_where_draws_agree():
    gradient = jax.grad(lambda x: energy_score(jnp.stack([x, x]), x).sum())(jnp.ones((2, 3)))
    assert np.isfinite(gradient).all()
