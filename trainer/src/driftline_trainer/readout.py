"""What the electronics make of amplitudes: noise, cut at the threshold, saturation. Part of the exported graph."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .job import Output


class Readout(eqx.Module):
    threshold: float = eqx.field(static=True)
    noise: float = eqx.field(static=True)
    saturation: float | None = eqx.field(static=True)
    shape: tuple[int, int] = eqx.field(static=True)

    @property
    def latents(self) -> int:
        """Noise is known, so it is not learned: one latent number of its own for every cell."""
        return self.shape[0] * self.shape[1] if self.noise > 0 else 0

    def __call__(self, amplitudes: Float[Array, "n a b"], latent: Float[Array, "n latents"]) -> Float[Array, "n a b"]:
        if self.noise > 0:
            amplitudes = amplitudes + self.noise * latent.reshape(-1, *self.shape)
        if self.saturation is not None:
            amplitudes = jnp.minimum(amplitudes, self.saturation)
        return jnp.where(amplitudes >= self.threshold, amplitudes, 0.0)


def make_readout(output: Output) -> Readout:
    return Readout(output.threshold, output.noise, output.saturation, output.shape)
