"""A Wasserstein GAN with gradient penalty after TPC-FastSim (Maevskiy et al., Eur. Phys. J. C 81, 599, 2021): a dense
generator of the image in logarithmic amplitudes against a convolutional critic. Kept as a reference point."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from .dataset import Dataset
from .encoding import Encoding, make_encoding
from .hyperparameters import WganGp, read_hyperparameters
from .job import Job, invalid
from .networks import Dense, Perceptron, dense, perceptron
from .pace import Pace
from .parallel import mean_over_shares, shares_of, some_of
from .readout import Readout, make_readout
from .selection import Selection
from .summaries import LN10, Embed, decades, fit_embed
from .symmetry import as_tracks, augment, group

GENERATOR_WIDTHS = (32, 64, 64, 64)
CRITIC_CHANNELS = (16, 16, 32, 32, 64)
CRITIC_HEAD = (64, 128)
HIGHEST_DECADE = 6.0
"""Generated amplitudes end at a million thresholds: no infinities from an untrained network."""


class DenseGenerator(eqx.Module):
    """Encoded inputs and latent numbers to the decimal logarithm of every cell's amplitude."""

    network: Perceptron
    encoding: Encoding
    readout: Readout
    inner_latents: int = eqx.field(static=True)

    @property
    def latents(self) -> int:
        return self.inner_latents + self.readout.latents

    def __call__(
        self,
        features: Float[Array, "n inputs"],
        fractions: Float[Array, "n 2"],
        latent: Float[Array, "n latents"],
    ) -> Float[Array, "n a b"]:
        encoded = self.encoding(features, fractions)
        raw = self.network(jnp.concatenate([encoded, latent[:, : self.inner_latents]], axis=1))
        height = jnp.minimum(raw, HIGHEST_DECADE).reshape(-1, *self.readout.shape)
        # Units of the threshold, so that cells at a height below 0 are cut.
        amplitudes = self.readout.threshold * jnp.exp(height * LN10)
        return self.readout(amplitudes, latent[:, self.inner_latents :])


class Critic(eqx.Module):
    """Convolutions over the image with the inputs as further channels, then dense layers over both."""

    convolutions: tuple[Dense, ...]
    tail: Dense
    head: Perceptron

    def __call__(self, height: Float[Array, "n a b"], encoded: Float[Array, "n size"]) -> Float[Array, " n"]:
        n, a, b = height.shape
        tiled = jnp.broadcast_to(encoded[:, None, None, :], (n, a, b, encoded.shape[1]))
        x = jnp.concatenate([height[..., None], tiled], axis=-1)
        first, second, third, fourth, last = self.convolutions
        x = jax.nn.elu(second(neighbourhoods(jax.nn.elu(first(neighbourhoods(x))))))
        x = largest_of_blocks(x, 1, 2)
        x = jax.nn.elu(fourth(neighbourhoods(jax.nn.elu(third(neighbourhoods(x))))))
        x = largest_of_blocks(x, 2, 2)
        x = jax.nn.elu(last(neighbourhoods(x)[:, 1:-1, 1:-1]))
        x = jax.nn.elu(self.tail(x.reshape(n, -1)))
        return self.head(jnp.concatenate([x, encoded], axis=1))[:, 0]


def neighbourhoods(x: Float[Array, "n a b c"]) -> Float[Array, "n a b 9c"]:
    """Each cell with its eight neighbours: a dense layer on it is a 3 x 3 convolution, as one matrix product,
    which XLA computes eight times faster on a CPU than a convolution inside a loop."""
    a, b = x.shape[1:3]
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([padded[:, i : i + a, j : j + b] for i in range(3) for j in range(3)], axis=-1)


def largest_of_blocks(x: Float[Array, "n a b c"], rows: int, columns: int) -> Float[Array, "n p q c"]:
    n, a, b, c = x.shape
    return x.reshape(n, a // rows, rows, b // columns, columns, c).max((2, 4))


def make_critic(key: PRNGKeyArray, encoding: Encoding, shape: tuple[int, int]) -> Critic:
    keys = jax.random.split(key, len(CRITIC_CHANNELS) + 2)
    inputs = (1 + encoding.size, *CRITIC_CHANNELS)
    convolutions = tuple(dense(k, 9 * i, o) for k, i, o in zip(keys, inputs, CRITIC_CHANNELS, strict=False))
    cells = (shape[0] // 2 - 2) * (shape[1] // 4 - 2)
    tail, hidden = CRITIC_HEAD
    return Critic(
        convolutions,
        dense(keys[-2], cells * CRITIC_CHANNELS[-1], tail),
        perceptron(keys[-1], [tail + encoding.size, hidden, 1]),
    )


class Rows(eqx.Module):
    features: Float[Array, "n inputs"]
    fractions: Float[Array, "n 2"]
    height: Float[Array, "n a b"]
    """log10(amplitude / threshold), 0 below."""


class State(eqx.Module):
    generator: DenseGenerator
    average: DenseGenerator
    critic: Critic
    generator_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class WganGpModel:
    """The parts that the training loop needs of a model; energy_score.py has the same."""

    def __init__(self, job: Job, data: Dataset) -> None:
        self.settings = settings = read_hyperparameters(WganGp, job.hyperparameters)
        a, b = job.output.shape
        if a % 2 or b % 4 or a < 6 or b < 12:
            raise invalid("output.axes", f"the critic of wgan-gp pools images by 2 x 4; {a} x {b} is too small or odd")
        self.encoding = make_encoding(
            job,
            breaks=settings.breaks,
            periodic=settings.periodic,
            logarithmic=settings.logarithmic,
            with_fractions=True,
        )
        self.readout = make_readout(job.output)
        first = (job.output.axes[0].first, job.output.axes[1].first)
        tracks = augment(group(job, settings.symmetries), as_tracks(self.encoding, data.train))
        self.embed = fit_embed(tracks.images, tracks.fractions, first, job.output.threshold)
        self.rows = Rows(
            jnp.asarray(tracks.features),
            jnp.asarray(tracks.fractions),
            decades(jnp.asarray(tracks.images), job.output.threshold),
        )
        self.selection = Selection(job, self.encoding, self.embed, data.validation)
        self.shares = shares_of(settings.batch, job.threads)
        self.optimiser = optax.scale_by_rms(decay=0.9)

    def start(self, key: PRNGKeyArray) -> State:
        key_generator, key_critic = jax.random.split(key)
        sizes = [
            self.encoding.size + self.settings.latents,
            *GENERATOR_WIDTHS,
            int(np.prod(self.readout.shape)),
        ]
        network = perceptron(key_generator, sizes)
        generator = DenseGenerator(network, self.encoding, self.readout, self.settings.latents)
        critic = make_critic(key_critic, self.encoding, self.readout.shape)
        return State(generator, generator, critic, self.optimiser.init(generator), self.optimiser.init(critic))

    def step(
        self, state: State, rows: Rows, _embed: Embed, pace: Pace, key: PRNGKeyArray
    ) -> tuple[State, Float[Array, ""]]:
        """Several updates of the critic, one of the generator; returns the critic's loss."""
        s = self.settings
        keys = jax.random.split(key, s.critic_updates + 1)

        def critic_update(carry, key):
            critic, optimiser = carry
            value, gradients = mean_over_shares(
                jax.value_and_grad(self._critic_loss)(critic, state.generator, rows, key)
            )
            updates, optimiser = self.optimiser.update(gradients, optimiser)
            return (jax.tree.map(lambda w, u: w - pace.rate * u, critic, updates), optimiser), value

        (critic, critic_optimiser), values = jax.lax.scan(
            critic_update, (state.critic, state.critic_optimiser), keys[:-1]
        )
        gradients = mean_over_shares(jax.grad(self._generator_loss)(state.generator, critic, rows, keys[-1]))
        updates, generator_optimiser = self.optimiser.update(gradients, state.generator_optimiser)
        generator = jax.tree.map(lambda w, u: w - pace.rate * u, state.generator, updates)
        average = pace.averaged(state.average, generator)
        fine = jnp.isfinite(optax.tree.norm(gradients)) & jnp.isfinite(optax.tree.norm(critic))
        new = State(generator, average, critic, generator_optimiser, critic_optimiser)
        return new, jnp.where(fine, values.mean(), jnp.nan)

    def _critic_loss(self, critic: Critic, generator: DenseGenerator, rows: Rows, key: PRNGKeyArray):
        """Gulrajani et al., arXiv:1704.00028, eq. 3: the penalty holds the gradient's norm near one."""
        key_draw, key_mix = jax.random.split(key)
        batch, encoded, fake = self._draw(generator, rows, key_draw)
        real = batch.height
        share = jax.random.uniform(key_mix, (real.shape[0], 1, 1))
        mixed = share * real + (1 - share) * fake
        slope = jax.grad(lambda x: critic(x, encoded).sum())(mixed)
        norm = jnp.sqrt((slope**2).sum((1, 2)) + 1e-12)
        penalty = self.settings.gradient_penalty * ((norm - 1) ** 2).mean()
        return critic(fake, encoded).mean() - critic(real, encoded).mean() + penalty

    def _generator_loss(self, generator: DenseGenerator, critic: Critic, rows: Rows, key: PRNGKeyArray):
        _, encoded, fake = self._draw(generator, rows, key)
        return -critic(fake, encoded).mean()

    def _draw(self, generator: DenseGenerator, rows: Rows, key: PRNGKeyArray):
        key_rows, key_latent = jax.random.split(key)
        count = self.settings.batch // self.shares
        batch = some_of(rows, count, key_rows)
        latent = jax.random.normal(key_latent, (count, generator.latents))
        image = generator(batch.features, batch.fractions, latent)
        return batch, self.encoding(batch.features, batch.fractions), decades(image, self.readout.threshold)
