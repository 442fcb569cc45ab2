"""The energy score: a strictly proper rule for samples of a vector, so its minimum is the true conditional law.

Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359 (2007), eq. 22:
    ES(P, y) = E|X - y| - 1/2 E|X - X'|,  X, X' independent draws of P;
in one dimension it is the continuous ranked probability score. With m draws the unbiased estimate is
    1/m sum_i |x_i - y| - 1/(2 m (m-1)) sum_{i != j} |x_i - x_j|.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from .summaries import Embedding

CELL_SCALE = 0.35
SUMMARY_WEIGHT = 2.0
MARGINAL_WEIGHT = 0.5
SUM_SCALE = 2.0


def energy_score(draws: Float[Array, "m n d"], truth: Float[Array, "n d"]) -> Float[Array, " n"]:
    """Of `m` >= 2 draws for each of `n` conditions, by Euclidean distance in `d` dimensions."""
    m = draws.shape[0]
    to_truth = distance(draws, truth).mean(0)
    between = sum(distance(draws[i], draws[j]) for i in range(m) for j in range(i))
    return to_truth - between / (m * (m - 1))


def ranked_score(draws: Float[Array, "m n d"], truth: Float[Array, "n d"]) -> Float[Array, " n"]:
    """The sum over dimensions of the one-dimensional scores."""
    m = draws.shape[0]
    to_truth = jnp.abs(draws - truth).mean(0)
    between = sum(jnp.abs(draws[i] - draws[j]) for i in range(m) for j in range(i))
    return (to_truth - between / (m * (m - 1))).sum(-1)


def distance(a: Float[Array, "*n d"], b: Float[Array, "*n d"]) -> Float[Array, "*n"]:
    # The small number keeps the gradient finite where two draws agree.
    return jnp.sqrt(((a - b) ** 2).sum(-1) + 1e-12)


def response_score(draws: Embedding, truth: Embedding) -> Float[Array, " n"]:
    """A sum of energy scores of several views of a response is itself proper (weights: docs/training.md)."""
    return (
        energy_score(draws.cells, truth.cells) / CELL_SCALE
        + SUMMARY_WEIGHT * energy_score(draws.summaries, truth.summaries)
        + MARGINAL_WEIGHT * ranked_score(draws.summaries, truth.summaries)
        + energy_score(draws.sums, truth.sums) / SUM_SCALE
    )
