"""From inputs in physical units to what networks read, and where the coordinates lie within the window."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .job import Job

CLIP = 1.5
"""Scaled inputs end here, so that a track far outside the domain cannot drive a network to infinity."""
POWERS = 3
"""Networks read a scaled input, its square and its cube: the energy loss falls and rises again with the momentum, and
from the input alone they are slow to learn such curves."""


class Encoding(eqx.Module):
    """Powers of scaled inputs, one step for each break point, and the fractional parts of the coordinates.

    Scales come from the family's domain and never from the data, so that a constant column is harmless.
    """

    coordinates: tuple[int, int] = eqx.field(static=True)
    """Columns of the two coordinates, in the order of the image's axes."""
    scaled: tuple[tuple[int, float, float], ...] = eqx.field(static=True)
    """Column, lower and upper end of the domain of every input that is read as a number."""
    logarithmic: tuple[int, ...] = eqx.field(static=True)
    """Columns whose logarithm is scaled."""
    breaks: tuple[tuple[int, float], ...] = eqx.field(static=True)
    """Column and the value from which on the step is 1."""
    with_fractions: bool = eqx.field(static=True)

    @property
    def size(self) -> int:
        return POWERS * len(self.scaled) + len(self.breaks) + 2 * self.with_fractions

    def fractions(self, features: Float[Array, "n inputs"]) -> Float[Array, "n 2"]:
        """coordinate - trunc(coordinate), exact in float32; the window begins at trunc(coordinate) + first."""
        coordinates = jnp.stack([features[:, column] for column in self.coordinates], axis=1)
        return coordinates - jnp.sign(coordinates) * jnp.floor(jnp.abs(coordinates))

    def __call__(self, features: Float[Array, "n inputs"], fractions: Float[Array, "n 2"]) -> Float[Array, "n size"]:
        parts = []
        for column, low, high in self.scaled:
            value = features[:, column : column + 1]
            if column in self.logarithmic:
                value, low, high = jnp.log(jnp.maximum(value, low / 4)), math.log(low), math.log(high)
            parts.append(jnp.clip((value - (high + low) / 2) / ((high - low) / 2), -CLIP, CLIP))
        values = jnp.concatenate(parts, axis=1)
        parts = [values, values * values, values * values * values]
        parts += [(features[:, column : column + 1] >= value).astype(jnp.float32) for column, value in self.breaks]
        if self.with_fractions:
            parts.append(2 * fractions - 1)
        return jnp.concatenate(parts, axis=1)


def make_encoding(
    job: Job,
    *,
    breaks: dict[str, list[float]],
    periodic: list[str],
    logarithmic: list[str],
    with_fractions: bool,
) -> Encoding:
    """`periodic` inputs matter through their fractional part alone; `breaks` are where an input's effect jumps; what
    depends on a `logarithmic` input changes most at its lower end. check.py has seen that all of them can be."""
    names = [entry.name for entry in job.inputs]
    scaled = tuple(
        (column, entry.low, entry.high) for column, entry in enumerate(job.inputs) if entry.name not in periodic
    )
    return Encoding(
        coordinates=(job.column(job.output.axes[0].coordinate), job.column(job.output.axes[1].coordinate)),
        scaled=scaled,
        logarithmic=tuple(names.index(name) for name in logarithmic),
        breaks=tuple((names.index(name), float(value)) for name in breaks for value in breaks[name]),
        with_fractions=with_fractions,
    )
