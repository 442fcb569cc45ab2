"""Numbers that sum an image up: what physics looks at, and what the score compares beside the cells."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

NAMES = ("mean_0", "mean_1", "variance_0", "variance_1", "covariance", "log_sum", "digits", "log_maximum")
LN10 = float(np.log(10.0))
SOFT_DIGIT = 0.2
"""A cell counts fully as a digit at 10^0.2 times the threshold; below, the count grows from 0 without a jump."""
CLIP = 8.0
"""Standard deviations at which a summary ends: a delta electron must not outweigh the batch."""


def decades(image: Float[Array, "*n a b"], threshold: float) -> Float[Array, "*n a b"]:
    """log10(amplitude / threshold), and 0 below it: continuous at the cut."""
    return jnp.log(jnp.maximum(image, threshold) / threshold) / LN10


def summaries(
    image: Float[Array, "*n a b"],
    position: Float[Array, "*n 2"],
    threshold: float,
) -> Float[Array, "*n 8"]:
    """The eight `NAMES` of an image that is cut at the threshold; means are relative to `position` (in cells)."""
    x = np.arange(image.shape[-2], dtype=np.float32) - position[..., 0:1]
    y = np.arange(image.shape[-1], dtype=np.float32) - position[..., 1:2]
    pads, times = image.sum(-1), image.sum(-2)
    # 1e-3 thresholds stand in for the charge of an empty image: its moments come out as zero.
    total = pads.sum(-1) + 1e-3 * threshold
    mean_x, mean_y = (pads * x).sum(-1) / total, (times * y).sum(-1) / total
    along_y = jnp.einsum("...ab,...b->...a", image, y)
    height = decades(image, threshold)
    return jnp.stack(
        [
            mean_x,
            mean_y,
            (pads * x**2).sum(-1) / total - mean_x**2,
            (times * y**2).sum(-1) / total - mean_y**2,
            (along_y * x).sum(-1) / total - mean_x * mean_y,
            jnp.log(total) / LN10,
            jnp.minimum(height / SOFT_DIGIT, 1.0).sum((-2, -1)),
            height.max((-2, -1)),
        ],
        axis=-1,
    )


class Embedding(eqx.Module):
    """What the energy score compares: cells, standardised summaries, charge on each pad and in each time bin."""

    cells: Float[Array, "*n cells"]
    summaries: Float[Array, "*n 8"]
    sums: Float[Array, "*n sums"]


class Embed(eqx.Module):
    """Standardises with the mean and the spread of the training rows."""

    centre: Float[Array, " 8"]
    spread: Float[Array, " 8"]
    first: tuple[int, int] = eqx.field(static=True)
    threshold: float = eqx.field(static=True)

    def __call__(self, image: Float[Array, "*n a b"], fractions: Float[Array, "*n 2"]) -> Embedding:
        position = fractions - np.array(self.first, np.float32)
        raw = summaries(image, position, self.threshold)
        sums = jnp.concatenate([image.sum(-1), image.sum(-2)], axis=-1)
        return Embedding(
            cells=decades(image, self.threshold).reshape(*image.shape[:-2], -1),
            summaries=jnp.clip((raw - self.centre) / self.spread, -CLIP, CLIP),
            sums=jnp.log(1 + sums / self.threshold),
        )


@eqx.filter_jit
def fit_embed(
    images: Float[Array, "n a b"],
    fractions: Float[Array, "n 2"],
    first: tuple[int, int],
    threshold: float,
) -> Embed:
    raw = summaries(images, fractions - np.array(first, np.float32), threshold)
    spread = raw.std(0)
    return Embed(raw.mean(0), jnp.where(spread > 1e-6, spread, 1.0), first, threshold)


def embed_rows(embed: Embed, images: np.ndarray, fractions: np.ndarray, rows: int = 4096) -> Embedding:
    """`embed` of many rows, a piece at a time to save memory."""
    pieces = [eqx.filter_jit(embed)(images[i : i + rows], fractions[i : i + rows]) for i in range(0, len(images), rows)]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *pieces)
