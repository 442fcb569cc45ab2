"""The pulse of the electronics: where charge is counted in cells and then shaped, all of it has the same one."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

HEIGHT_SCALE = 5.0
"""Heights are learned as so many times a weight, so that a small learning rate moves them over orders of magnitude."""
FOLLOWED = 4.3
"""Standard deviations of a Gaussian to where it is 10^-4 of its top."""


class Pulse(eqx.Module):
    """Samples of a pulse, a cell apart: learned, and positive by construction. It begins with its top in the middle."""

    log_heights: Float[Array, " samples"]

    @property
    def reach(self) -> int:
        return self.log_heights.shape[0] // 2

    def __call__(self, counts: Float[Array, "n k counted"], cells: int) -> Float[Array, "n k cells"]:
        """Shapes counts in cells -reach ... cells - 1 + reach; the charge stays the same."""
        heights = jnp.exp(HEIGHT_SCALE * self.log_heights)
        heights = heights / heights.sum()
        away = np.arange(cells)[None, :] - np.arange(-self.reach, cells + self.reach)[:, None]
        near = np.abs(away) <= self.reach
        shaping = jnp.where(near, heights[np.where(near, away + self.reach, 0)], 0.0)
        n, k, counted = counts.shape
        return (counts.reshape(n * k, counted) @ shaping).reshape(n, k, cells)  # a plain product exports as one


def continued(own: Pulse, learned: Float[np.ndarray, " samples"]) -> Pulse:
    """A pulse that was learned elsewhere, made as long as `own`, which stands in where the other does not reach. Only
    heights over that of the middle matter."""
    reach = min(own.reach, learned.shape[0] // 2)
    middle = learned.shape[0] // 2
    near = learned[middle - reach : middle + reach + 1] - learned[middle]
    heights = np.asarray(own.log_heights - own.log_heights[own.reach]).copy()
    heights[own.reach - reach : own.reach + reach + 1] = near
    return Pulse(jnp.asarray(heights, jnp.float32))


def make_pulse(width: float, widest: float) -> Pulse:
    """A Gaussian of `width` cells to begin with; samples reach as far as those of a Gaussian of `widest`."""
    reach = int(np.ceil(FOLLOWED * max(width, widest)))
    away = np.arange(-reach, reach + 1, dtype=np.float32)
    return Pulse(jnp.asarray(-0.5 * (away / width) ** 2 / HEIGHT_SCALE, jnp.float32))
