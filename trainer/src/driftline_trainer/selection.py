"""Judges averaged weights on the validation rows: energy score and Wasserstein distances."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .dataset import Rows
from .encoding import Encoding
from .job import Job
from .pace import random_key
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
        """`score`: mean response_score. `wasserstein`: the worst of the eight summaries."""
        score, drawn = _judge(generator, self.embed, self.features, self.fractions, self.truth)
        distances = wasserstein(np.asarray(drawn), np.asarray(self.truth.summaries))
        score, worst = float(score), float(distances.max())
        return {"score": score, "wasserstein": worst}


@eqx.filter_jit
def _judge(generator, embed, features, fractions, truth):
    def one(key):
        latent = jax.random.normal(key, (features.shape[0], generator.latents))
        return embed(generator(features, fractions, latent), fractions)

    draws = jax.lax.map(one, jax.random.split(random_key(SEED), DRAWS))
    return response_score(draws, truth).mean(), draws.summaries


def wasserstein(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """W1 [d] of each marginal of draws [m, n, d] and truth [n, d] over all rows: the mean absolute difference of the
    sorted values, in the units of the summaries (standard deviations)."""
    m, n, d = draws.shape
    drawn = np.sort(draws.reshape(m * n, d), axis=0)
    return np.abs(drawn - np.repeat(np.sort(truth, axis=0), m, axis=0)).mean(0)
