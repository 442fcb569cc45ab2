"""How fast weights move at a step: the learning rate, and the average that follows them."""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

WARM_UP = 100
"""Steps during which the learning rate grows to its value."""

Tree = TypeVar("Tree")


class Pace(eqx.Module):
    rate: Float[Array, ""]
    decay: Float[Array, ""]

    def averaged(self, average: Tree, weights: Tree) -> Tree:
        # In this form the average of what does not change is what it is, to the bit.
        return jax.tree.map(lambda a, w: a + (1 - self.decay) * (w - a), average, weights)


def pace_at(step: Int[Array, ""], annealing: Int[Array, " 2"], highest_rate: float, decay: float) -> Pace:
    """A linear warm-up, and a straight line from the full rate at step `annealing[0]` to zero at `annealing[1]`: the
    end can be brought forward during training. A rate held constant was worse: the averaged weights then give too
    little spread. The average forgets faster in the first steps, so that it does not drag the first weights along."""
    warm = jnp.minimum(1.0, (step + 1) / WARM_UP)
    first, end = annealing[0], annealing[1]
    fall = jnp.clip((end - step) / jnp.maximum(end - first, 1), 0.0, 1.0)
    return Pace(highest_rate * warm * fall, jnp.minimum(decay, (1 + step) / (10 + step)))


def random_key(seed: int) -> PRNGKeyArray:
    """XLA's own generator (Philox on a CPU): it compiles and runs faster than JAX's default."""
    return jax.random.key(seed, impl="rbg")
