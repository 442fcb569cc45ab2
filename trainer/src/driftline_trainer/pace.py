"""How fast weights move at a step: the learning rate, and the average that follows them."""

from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

WARM_UP = 100
"""Steps during which the learning rate grows to its value."""

Tree = TypeVar("Tree")


class Pace(eqx.Module):
    rate: Float[Array, ""]
    decay: Float[Array, ""]

    def averaged(self, average: Tree, weights: Tree) -> Tree:
        return jax.tree.map(lambda a, w: self.decay * a + (1 - self.decay) * w, average, weights)


def pace_at(step: Int[Array, ""], steps: int, highest_rate: float, decay: float) -> Pace:
    """A linear warm-up, then half a cosine to zero (Loshchilov and Hutter, arXiv:1608.03983, eq. 5). The average
    forgets faster in the beginning, so that it does not drag the first weights along."""
    warm = jnp.minimum(1.0, (step + 1) / min(WARM_UP, steps))
    rate = highest_rate * warm * 0.5 * (1 + jnp.cos(jnp.pi * step / steps))
    return Pace(rate, jnp.minimum(decay, (1 + step) / (10 + step)))
