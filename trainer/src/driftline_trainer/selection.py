"""Judges averaged weights on the validation rows: the energy score chooses, Wasserstein distances are for the eye."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .dataset import Rows
from .encoding import Encoding
from .job import Job
from .score import response_score
from .summaries import Embed, embed_rows

DRAWS = 8
SEED = 20_210_714
"""The latent numbers are the same at each look: differences between looks are the weights'."""


class Selection:
    def __init__(self, job: Job, encoding: Encoding, embed: Embed, rows: Rows) -> None:
        self.embed = embed
        self.features = jnp.asarray(rows.features)
        self.fractions = encoding.fractions(self.features)
        self.truth = embed_rows(embed, rows.responses, np.asarray(self.fractions))

    def __call__(self, generator: eqx.Module) -> dict[str, float]:
        """`score`: mean response_score (lower is better). `wasserstein`: the worst of the eight summaries."""
        score, distances = _judge(generator, self.embed, self.features, self.fractions, self.truth)
        return {"score": float(score), "wasserstein": float(distances.max())}


@eqx.filter_jit
def _judge(generator, embed, features, fractions, truth):
    def one(key):
        latent = jax.random.normal(key, (features.shape[0], generator.latents))
        return embed(generator(features, fractions, latent), fractions)

    draws = jax.lax.map(one, jax.random.split(jax.random.key(SEED), DRAWS))
    return response_score(draws, truth).mean(), wasserstein(draws.summaries, truth.summaries)


def wasserstein(
    draws: Float[Array, "m n d"], truth: Float[Array, "n d"]
) -> Float[Array, " d"]:
    """W1 of each marginal over all rows, in standard deviations: mean |difference| of the sorted values."""
    m, n, d = draws.shape
    drawn = jnp.sort(draws.reshape(m * n, d), axis=0)
    return jnp.abs(drawn - jnp.repeat(jnp.sort(truth, axis=0), m, axis=0)).mean(0)
