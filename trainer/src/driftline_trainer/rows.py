"""Training rows as a step reads them: what the generator is given and what its draws are compared with."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from . import dataset
from .encoding import Encoding
from .job import Job
from .summaries import Embed, Embedding, embed_rows, fit_embed
from .symmetry import as_tracks, augment, group


class Rows(eqx.Module):
    features: Float[Array, "n inputs"]
    fractions: Float[Array, "n 2"]
    truth: Embedding


def training_rows(job: Job, symmetries: list[dict], encoding: Encoding, train: dataset.Rows) -> tuple[Rows, Embed]:
    """The rows multiplied by the symmetries, and what embeds a response as theirs are."""
    tracks = augment(group(job, symmetries), as_tracks(encoding, train))
    first = (job.output.axes[0].first, job.output.axes[1].first)
    embed = fit_embed(tracks.images, tracks.fractions, first, job.output.threshold)
    rows = Rows(
        jnp.asarray(tracks.features),
        jnp.asarray(tracks.fractions),
        embed_rows(embed, tracks.images, tracks.fractions),
    )
    return rows, embed
