"""A generator that draws charge clouds: a network gives their charge, place and size, and a sum of Gaussian
profiles makes the image. True images have rank three or less, so a few clouds suffice."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from .encoding import Encoding
from .networks import Dense, Perceptron, dense, perceptron
from .pulse import Pulse
from .readout import Readout

LOG_CHARGE_RANGE = (-12.0, 11.0)
"""Natural logarithm of a cloud's charge in thresholds. Without limits long training ended in infinities."""
REACH = (4.0, 6.0)
"""Cells from the coordinate that the centre of a cloud can be, along the two axes."""
SQUARED = 6
"""Latent numbers whose squares the network reads as well."""
WIDTH_FACTOR = 3.0
"""A cloud's width lies between the mean one of the data divided and multiplied by this."""
COUNTED_WIDTH, COUNTED_FACTOR = 0.5, 5.0
"""The same where charge is counted before it is shaped: about half the mean width of the data, five times as much or
as little. What the pulse adds is not in it."""


class CloudGenerator(eqx.Module):
    """Responses to tracks, given standard normal latent numbers."""

    network: Perceptron
    gain: Dense
    """Logarithm of the factor on each latent number at given inputs."""
    encoding: Encoding
    readout: Readout
    clouds: int = eqx.field(static=True)
    inner_latents: int = eqx.field(static=True)
    first: tuple[int, int] = eqx.field(static=True)
    log_charge: Float[Array, ""]
    """Natural logarithm of a typical cloud's charge, in thresholds. This and the widths come from the data and are not
    learned; as arrays, so that trainings on other data run the same compiled program."""
    widths: tuple[Float[Array, ""], Float[Array, ""]]
    """A typical cloud's root mean square widths, in cells."""
    pulses: tuple[Pulse | None, Pulse | None]
    """What shapes the charge that is counted in the cells along an axis; None where a response is what is sampled."""

    @property
    def latents(self) -> int:
        return self.inner_latents + self.readout.latents

    def with_fixed_scales(self) -> "CloudGenerator":
        """The same with no gradient in what is not learned."""
        return replace(self, **jax.lax.stop_gradient({"log_charge": self.log_charge, "widths": self.widths}))

    def __call__(
        self,
        features: Float[Array, "n inputs"],
        fractions: Float[Array, "n 2"],
        latent: Float[Array, "n latents"],
    ) -> Float[Array, "n a b"]:
        amplitudes = self.amplitudes(features, fractions, latent[:, : self.inner_latents])
        return self.readout(amplitudes, latent[:, self.inner_latents :])

    def amplitudes(
        self,
        features: Float[Array, "n inputs"],
        fractions: Float[Array, "n 2"],
        latent: Float[Array, "n inner"],
    ) -> Float[Array, "n a b"]:
        """Before the readout; in the output's unit."""
        k = self.clouds
        encoded = self.encoding(features, fractions)
        # How far responses scatter depends on the inputs (diffusion, the row's height): a product, which a sum of
        # inputs and latent numbers makes only after many steps.
        latent = latent * jnp.exp(self.gain(encoded))
        # Squares have exponential tails, and the charge goes with the exponential of what the network gives: the
        # power law of delta electrons is then within reach of small weights. Normal numbers alone fall short of it.
        squares = latent[:, :SQUARED] * latent[:, :SQUARED] - 1
        raw = self.network(jnp.concatenate([encoded, latent, squares], axis=1))
        low, high = LOG_CHARGE_RANGE
        log_charge = jnp.clip(raw[:, :k] + self.log_charge, low, high)
        profiles = []
        for axis in (0, 1):
            shift = REACH[axis] * jnp.tanh(raw[:, (1 + axis) * k : (2 + axis) * k] / REACH[axis])
            size = jnp.tanh(raw[:, (3 + axis) * k : (4 + axis) * k])
            centre = fractions[:, axis : axis + 1] - self.first[axis] + shift
            cells, width, pulse = self.readout.shape[axis], self.widths[axis], self.pulses[axis]
            if pulse is None:
                profiles.append(gaussian(cells, centre, width * jnp.exp(float(np.log(WIDTH_FACTOR)) * size)))
            else:
                width = width * jnp.exp(float(np.log(COUNTED_FACTOR)) * size)
                profiles.append(pulse(counts(cells, pulse.reach, centre, width), cells))
        pads, times = profiles
        charge = self.readout.threshold * jnp.exp(log_charge)
        return jnp.matmul(jnp.swapaxes(pads * charge[:, :, None], 1, 2), times)


def gaussian(cells: int, centre: Float[Array, "n k"], width: Float[Array, "n k"]) -> Float[Array, "n k cells"]:
    """Normal densities sampled at the middles of cells 0, 1, ...; one row for each cloud."""
    inverse = 1 / width
    place = np.arange(cells, dtype=np.float32)
    pull = (place - centre[:, :, None]) * inverse[:, :, None]
    return jnp.exp(-0.5 * pull * pull) * (inverse * float(1 / np.sqrt(2 * np.pi)))[:, :, None]


def counts(
    cells: int, margin: int, centre: Float[Array, "n k"], width: Float[Array, "n k"]
) -> Float[Array, "n k counted"]:
    """Parts of a cloud's charge in cells -margin ... cells - 1 + margin: normal weights that add up to one, so that a
    narrow cloud is in one cell or in two."""
    place = np.arange(-margin, cells + margin, dtype=np.float32)
    pull = (place - centre[:, :, None]) * (1 / width)[:, :, None]
    return jax.nn.softmax(-0.5 * pull * pull, axis=-1)


def make_cloud_generator(
    key: PRNGKeyArray,
    encoding: Encoding,
    readout: Readout,
    first: tuple[int, int],
    *,
    width: int,
    depth: int,
    clouds: int,
    latents: int,
    log_charge: float,
    widths: tuple[float, float],
    pulses: tuple[Pulse | None, Pulse | None],
) -> CloudGenerator:
    """`log_charge` and `widths` are those of the mean image."""
    sizes = [encoding.size + latents + min(latents, SQUARED)] + [width] * depth + [5 * clouds]
    network = perceptron(key, sizes, last_gain=0.5)
    gain = dense(key, encoding.size, latents, gain=0.0)
    a_clouds = jnp.float32(log_charge - float(np.log(clouds)))
    own = [
        jnp.float32(wide if pulse is None else COUNTED_WIDTH * wide) for wide, pulse in zip(widths, pulses, strict=True)
    ]
    return CloudGenerator(network, gain, encoding, readout, clouds, latents, first, a_clouds, (own[0], own[1]), pulses)
