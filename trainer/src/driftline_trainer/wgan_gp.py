"""A Wasserstein GAN with gradient penalty after TPC-FastSim (Maevskiy et al., Eur. Phys. J. C 81, 599, 2021): a dense
generator of the image in logarithmic amplitudes, and a critic that is given the inputs. Kept as a reference point.

Otherwise than there the critic is dense and reads the views of a response that the energy score compares, summaries
beside the cells: its update costs a fortieth of the convolutional one's, so a minute of training is enough.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from .check import settings_of
from .dataset import Dataset
from .encoding import Encoding, make_encoding
from .hyperparameters import WganGp
from .job import Job
from .networks import Perceptron, perceptron
from .pace import Pace
from .parallel import mean_over_shares, shares_of, some_of
from .readout import Readout, make_readout
from .rows import Rows, training_rows
from .score import CELL_SCALE, SUM_SCALE
from .selection import Selection
from .summaries import LN10, Embed, Embedding
from .weights import Weights, named, taken

GENERATOR_WIDTHS = (128, 128, 128)
CRITIC_WIDTHS = (128, 128)
HEADROOM = 0.3
"""Generated amplitudes end this many decades above the largest one trained on: few latent numbers far out would
otherwise give more charge than all the rest together."""


class DenseGenerator(eqx.Module):
    """Encoded inputs and latent numbers to the decimal logarithm of every cell's amplitude over the threshold."""

    network: Perceptron
    encoding: Encoding
    readout: Readout
    inner_latents: int = eqx.field(static=True)
    highest: float = eqx.field(static=True)

    @property
    def latents(self) -> int:
        return self.inner_latents + self.readout.latents

    def heights(
        self,
        features: Float[Array, "n inputs"],
        fractions: Float[Array, "n 2"],
        latent: Float[Array, "n latents"],
    ) -> Float[Array, "n a b"]:
        encoded = self.encoding(features, fractions)
        raw = self.network(jnp.concatenate([encoded, latent[:, : self.inner_latents]], axis=1))
        return jnp.minimum(raw, self.highest).reshape(-1, *self.readout.shape)

    def image(self, heights: Float[Array, "n a b"], latent: Float[Array, "n latents"]) -> Float[Array, "n a b"]:
        # Units of the threshold, so that cells at a height below 0 are cut.
        amplitudes = self.readout.threshold * jnp.exp(heights * LN10)
        return self.readout(amplitudes, latent[:, self.inner_latents :])

    def __call__(
        self,
        features: Float[Array, "n inputs"],
        fractions: Float[Array, "n 2"],
        latent: Float[Array, "n latents"],
    ) -> Float[Array, "n a b"]:
        return self.image(self.heights(features, fractions, latent), latent)


class State(eqx.Module):
    """Everything that a step changes."""

    generator: DenseGenerator
    average: DenseGenerator
    critic: Perceptron
    generator_optimiser: optax.OptState
    critic_optimiser: optax.OptState


class WganGpModel:
    """The parts that the training loop needs of a model; energy_score.py has the same."""

    def __init__(self, job: Job, data: Dataset) -> None:
        self.settings = settings = settings_of(job, WganGp)
        self.encoding = make_encoding(
            job,
            breaks=settings.breaks,
            periodic=settings.periodic,
            logarithmic=settings.logarithmic,
            with_fractions=True,
        )
        self.readout = make_readout(job.output)
        self.rows, self.embed = training_rows(job, settings.symmetries, self.encoding, data.train)
        self.selection = Selection(job, self.encoding, self.embed, data.validation)
        self.shares = shares_of(settings.batch, job.threads)
        self.optimiser = optax.scale_by_adam(b1=0.0, b2=0.9)

    def start(self, key: PRNGKeyArray) -> State:
        key_generator, key_critic = jax.random.split(key)
        cells = self.rows.truth.cells
        inputs = self.encoding.size + self.settings.latents
        network = perceptron(key_generator, [inputs, *GENERATOR_WIDTHS, cells.shape[1]])
        # Begins at the mean image.
        network = eqx.tree_at(lambda n: n.layers[-1].bias, network, cells.mean(0))
        highest = float(cells.max()) + HEADROOM
        generator = DenseGenerator(network, self.encoding, self.readout, self.settings.latents, highest)
        seen = sum(leaf.shape[1] for leaf in jax.tree.leaves(self.rows.truth)) + self.encoding.size
        critic = perceptron(key_critic, [seen, *CRITIC_WIDTHS, 1])
        return State(generator, generator, critic, self.optimiser.init(generator), self.optimiser.init(critic))

    def warm(self, state: State, parent: Weights) -> State:
        """With the parent's generator and critic. Heights count from the threshold, which may be another one here."""
        own = taken({"generator": state.generator, "critic": state.critic}, parent.arrays)
        shift = math.log10(parent.threshold / self.readout.threshold)
        generator = eqx.tree_at(lambda g: g.network.layers[-1].bias, own["generator"], replace_fn=lambda b: b + shift)
        critic = own["critic"]
        return State(generator, generator, critic, self.optimiser.init(generator), self.optimiser.init(critic))

    def weights(self, generator: DenseGenerator, state: State) -> dict[str, Float[np.ndarray, "..."]]:
        """What `warm` of another training needs."""
        return named({"generator": generator, "critic": state.critic})

    def step(
        self, state: State, rows: Rows, embed: Embed, pace: Pace, key: PRNGKeyArray
    ) -> tuple[State, Float[Array, ""]]:
        """Several updates of the critic, one of the generator; returns the critic's loss."""
        s = self.settings
        keys = jax.random.split(key, s.critic_updates + 1)

        def critic_update(carry, key):
            critic, optimiser = carry
            loss = jax.value_and_grad(self._critic_loss)
            value, gradients = mean_over_shares(loss(critic, state.generator, rows, embed, key))
            updates, optimiser = self.optimiser.update(gradients, optimiser)
            return (jax.tree.map(lambda w, u: w - pace.rate * u, critic, updates), optimiser), value

        (critic, critic_optimiser), values = jax.lax.scan(
            critic_update, (state.critic, state.critic_optimiser), keys[:-1]
        )
        gradients = mean_over_shares(jax.grad(self._generator_loss)(state.generator, critic, rows, embed, keys[-1]))
        updates, generator_optimiser = self.optimiser.update(gradients, state.generator_optimiser)
        generator = jax.tree.map(lambda w, u: w - pace.rate * u, state.generator, updates)
        average = pace.averaged(state.average, generator)
        fine = jnp.isfinite(optax.tree.norm(gradients)) & jnp.isfinite(optax.tree.norm(critic))
        new = State(generator, average, critic, generator_optimiser, critic_optimiser)
        return new, jnp.where(fine, values.mean(), jnp.nan)

    def _critic_loss(self, critic: Perceptron, generator: DenseGenerator, rows: Rows, embed: Embed, key: PRNGKeyArray):
        """Gulrajani et al., arXiv:1704.00028, eq. 3, one-sided as in TPC-FastSim: the penalty keeps the gradient's norm
        below one."""
        key_draw, key_mix = jax.random.split(key)
        real, fake, encoded = self._draw(generator, rows, embed, key_draw)
        share = jax.random.uniform(key_mix, (real.shape[0], 1))
        mixed = share * real + (1 - share) * fake
        slope = jax.grad(lambda x: judge(critic, x, encoded).sum())(mixed)
        norm = jnp.sqrt((slope**2).sum(1) + 1e-12)
        penalty = self.settings.gradient_penalty * (jnp.maximum(norm - 1, 0) ** 2).mean()
        return judge(critic, fake, encoded).mean() - judge(critic, real, encoded).mean() + penalty

    def _generator_loss(
        self, generator: DenseGenerator, critic: Perceptron, rows: Rows, embed: Embed, key: PRNGKeyArray
    ):
        _, fake, encoded = self._draw(generator, rows, embed, key)
        return -judge(critic, fake, encoded).mean()

    def _draw(self, generator: DenseGenerator, rows: Rows, embed: Embed, key: PRNGKeyArray):
        """Views of true responses and of one generated at the inputs of each, and these inputs, encoded."""
        key_rows, key_latent = jax.random.split(key)
        count = self.settings.batch // self.shares
        batch = some_of(rows, count, key_rows)
        latent = jax.random.normal(key_latent, (count, generator.latents))
        heights = generator.heights(batch.features, batch.fractions, latent)
        drawn = embed(generator.image(heights, latent), batch.fractions)
        drawn = eqx.tree_at(lambda d: d.cells, drawn, drawn.cells + pull_of_cut_cells(heights))
        return views(batch.truth), views(drawn), self.encoding(batch.features, batch.fractions)


def judge(critic: Perceptron, seen: Float[Array, "n views"], encoded: Float[Array, "n size"]) -> Float[Array, " n"]:
    return critic(jnp.concatenate([seen, encoded], axis=1))[:, 0]


def views(embedding: Embedding) -> Float[Array, "n views"]:
    """In the scales of the energy score, side by side: the critic's slope is bounded in this space."""
    return jnp.concatenate([embedding.cells / CELL_SCALE, embedding.summaries, embedding.sums / SUM_SCALE], axis=-1)


def pull_of_cut_cells(heights: Float[Array, "n a b"]) -> Float[Array, "n cells"]:
    """Zero with the gradient of an ELU below the threshold: a cell that is always cut would never learn otherwise."""
    below = jnp.expm1(jnp.minimum(heights, 0.0)).reshape(heights.shape[0], -1)
    return below - jax.lax.stop_gradient(below)
