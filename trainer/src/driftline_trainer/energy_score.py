"""Trains a cloud generator by the energy score of its draws: no discriminator, one loss that goes down."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from .check import settings_of
from .clouds import CloudGenerator, make_cloud_generator
from .dataset import Dataset
from .encoding import make_encoding
from .hyperparameters import EnergyScore
from .job import Job
from .pace import Pace
from .parallel import mean_over_shares, shares_of, some_of
from .protocol import TrainerError
from .pulse import continued, make_pulse
from .readout import make_readout
from .rows import Rows, training_rows
from .score import response_score
from .selection import Selection
from .summaries import LN10, NAMES, Embed, Embedding
from .weights import Weights, named, taken

NARROW = 0.05
"""The quantile of the widths at which a pulse begins."""
SCALES = frozenset({"generator.log_charge", "generator.widths.0", "generator.widths.1"})
"""Arrays of a generator that come from the data and are not learned."""


class State(eqx.Module):
    """Everything that a step changes."""

    generator: CloudGenerator
    average: CloudGenerator
    optimiser: optax.OptState


class EnergyScoreModel:
    """The parts that the training loop needs of a model; wgan_gp.py has the same."""

    def __init__(self, job: Job, data: Dataset) -> None:
        self.settings = settings = settings_of(job, EnergyScore)
        self.encoding = make_encoding(
            job,
            breaks=settings.breaks,
            periodic=settings.periodic,
            logarithmic=settings.logarithmic,
            with_fractions=settings.fractions,
        )
        self.readout = make_readout(job.output)
        self.first = (job.output.axes[0].first, job.output.axes[1].first)
        self.rows, self.embed = training_rows(job, settings.symmetries, self.encoding, data.train)
        self.pulse_widths = [
            narrowest(data.train.responses, axis) if entry.name in settings.shaped else None
            for axis, entry in enumerate(job.output.axes)
        ]
        self.selection = Selection(job, self.encoding, self.embed, data.validation)
        self.shares = shares_of(settings.batch, job.threads)
        self.optimiser = optax.chain(optax.clip_by_global_norm(5.0), optax.scale_by_adam(b1=0.9, b2=0.99))

    def start(self, key: PRNGKeyArray) -> State:
        mean = dict(zip(NAMES, np.asarray(self.embed.centre).tolist(), strict=True))
        s = self.settings
        widths = (max(mean["variance_0"], 0.05) ** 0.5, max(mean["variance_1"], 0.05) ** 0.5)
        generator = make_cloud_generator(
            key,
            self.encoding,
            self.readout,
            self.first,
            width=s.width,
            depth=s.depth,
            clouds=s.clouds,
            latents=s.latents,
            log_charge=mean["log_sum"] * LN10 - float(np.log(self.readout.threshold)),
            widths=widths,
            pulses=tuple(
                None if narrow is None else make_pulse(narrow, wide)
                for narrow, wide in zip(self.pulse_widths, widths, strict=True)
            ),
        )
        return State(generator, generator, self.optimiser.init(generator))

    def warm(self, state: State, parent: Weights) -> State:
        """With the parent's network and pulses. What the data give stays this job's: the typical charge and widths, in
        units of which the network's answers are read, so that a change of gain or diffusion is half done already."""
        own = state.generator
        arrays = dict(parent.arrays)
        for axis, pulse in enumerate(own.pulses):
            name = f"generator.pulses.{axis}.log_heights"
            if pulse is not None and name in arrays and arrays[name].ndim == 1 and len(arrays[name]) % 2 == 1:
                arrays[name] = np.asarray(continued(pulse, arrays[name]).log_heights)
        arrays |= {name: array for name, array in named({"generator": own}).items() if name in SCALES}
        generator = taken({"generator": own}, arrays)["generator"]
        return State(generator, generator, self.optimiser.init(generator))

    def weights(self, generator: CloudGenerator, state: State) -> dict[str, Float[np.ndarray, "..."]]:
        """What `warm` of another training needs."""
        return {name: array for name, array in named({"generator": generator}).items() if name not in SCALES}

    def step(
        self, state: State, rows: Rows, embed: Embed, pace: Pace, key: PRNGKeyArray
    ) -> tuple[State, Float[Array, ""]]:
        """One update; returns the loss as well. A step whose gradients are not finite gives a loss that is not."""
        count = self.settings.batch // self.shares
        key_rows, key_latent = jax.random.split(key)
        batch = some_of(rows, count, key_rows)
        latent = jax.random.normal(key_latent, (self.settings.draws, count, state.generator.latents))

        def loss(generator: CloudGenerator) -> Float[Array, ""]:
            draws = draw(generator.with_fixed_scales(), embed, batch.features, batch.fractions, latent)
            return response_score(draws, batch.truth).mean()

        value, gradients = mean_over_shares(jax.value_and_grad(loss)(state.generator))
        size = optax.tree.norm(gradients)
        updates, optimiser = self.optimiser.update(gradients, state.optimiser)
        generator = jax.tree.map(lambda w, u: w - pace.rate * u, state.generator, updates)
        average = pace.averaged(state.average, generator)
        return State(generator, average, optimiser), jnp.where(jnp.isfinite(size), value, jnp.nan)


def narrowest(responses: Float[np.ndarray, "n a b"], axis: int) -> float:
    """Root mean square width along an axis, in cells, of narrow responses: not far from the pulse's own, unless a high
    threshold cuts its sides. Throws `dataset_invalid` where all responses are empty."""
    profile = responses.sum(2 - axis)
    profile = profile[profile.sum(1) > 0]
    if len(profile) == 0:
        raise TrainerError(
            "dataset_invalid",
            "Reading the dataset: no training response has an amplitude above the threshold.",
            field="dataset",
            remedy="Look at the unit of the amplitudes and at the threshold.",
            status=2,
        )
    place, total = np.arange(profile.shape[1]), profile.sum(1)
    variance = profile @ place**2 / total - (profile @ place / total) ** 2
    return float(max(np.quantile(variance, NARROW), 0.05) ** 0.5)


def draw(
    generator: CloudGenerator,
    embed: Embed,
    features: Float[Array, "n inputs"],
    fractions: Float[Array, "n 2"],
    latent: Float[Array, "m n latents"],
) -> Embedding:
    """`m` responses for each row, embedded: one pass through the network for all."""
    m, n = latent.shape[:2]
    images = generator(jnp.tile(features, (m, 1)), jnp.tile(fractions, (m, 1)), latent.reshape(m * n, -1))
    embedded = embed(images, jnp.tile(fractions, (m, 1)))
    return jax.tree.map(lambda leaf: leaf.reshape(m, n, -1), embedded)
