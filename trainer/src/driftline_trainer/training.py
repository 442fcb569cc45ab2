"""The training loop of all models: compiled pieces below a second, looks at validation rows, checkpoints, guards."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .checkpoint import Progress, load_checkpoint, save_checkpoint
from .job import Job
from .lifetime import StopRequest
from .pace import pace_at, random_key
from .parallel import first_copy, given_to_all, on_shares, own_key
from .protocol import Events, TrainerError
from .weights import Weights

CALL_SECONDS = 0.5
"""Aim for one compiled call: Python's signal handlers wait for it to end."""
CHECKPOINT_SECONDS = 8.0
MEMORY = 0.95
"""The pace is that of the last twenty calls or so: other programs come and go."""
CALLS_FOR_PACE = 5
"""So many calls of this process must have been timed before the end is moved."""
IN_TIME = 0.97
"""Training is done in this part of the time that it has, for the last call takes a while."""
LONGER = 1.05
"""An end is put off if there is time for so many times the steps that are left."""
MARGIN = 0.01
"""Weights of an earlier look are preferred only where their score is better by more than this fraction: later ones had
the smaller learning rate, and on a few hundred validation rows the score wavers by about so much."""
SETTLING = 1 / 3
"""Height of the learning rate from which on looks count for the export. Above, weights wander, and the best of many
looks at a few hundred rows is a matter of luck: on the v4 responses one at 40 % of the steps had too little spread."""
SKIPPED_LIMIT = 0.02
"""Fraction of the steps that may have gradients that are not finite (and 20 in any case)."""


class Stopped(Exception):
    """SIGTERM came; the checkpoint has been saved."""


@dataclass(frozen=True)
class Outcome:
    generator: eqx.Module
    """Averaged weights at the last look whose score is not worse than the best by MARGIN."""
    progress: Progress
    weights: dict[str, Float[np.ndarray, "..."]]
    """What another training can start from."""


def train(
    job: Job, model, directory: Path, events: Events, stop: StopRequest, parent: Weights | None = None
) -> Outcome:
    """Runs or goes on with the training of `model`. Throws Stopped, and TrainerError `training_diverged`."""
    budget = model.settings
    start_key, step_key = jax.random.split(random_key(job.seed))
    state = model.start(start_key)
    if parent is not None:
        state = model.warm(state, parent)
    best = state.average
    progress = Progress(end=budget.steps, latest=budget.steps)
    resumed = load_checkpoint(directory, job.digest, (state, best))
    if resumed is not None:
        progress, (state, best) = resumed
        events.emit("log", message=f"Going on from the checkpoint at step {progress.step}.")
    elif parent is not None:
        score = model.selection(state.average)["score"]
        events.emit("log", message=f"Starting from a model's weights, with a score of {score:.4f}.")
        progress.parent_score = score if math.isfinite(score) else None
    run = _compiled(model, budget)
    state, best, rows, embed = given_to_all((state, best, model.rows, model.embed), model.shares)

    def save() -> None:
        save_checkpoint(directory, job.digest, progress, (state, best))
        events.emit("checkpoint", step=progress.step)

    every = max(1, budget.steps // budget.evaluations)
    watch = Stopwatch(progress.seconds)
    saved = time.monotonic()
    while progress.step < progress.end:
        if stop:
            save()
            raise Stopped
        until_look = every - progress.step % every
        steps = min(watch.steps_a_call, until_look, progress.end - progress.step)
        annealing = jnp.array([progress.anneal_from, progress.end])
        watch.runs()
        sums = (progress.loss_sum, progress.skipped)
        state, sums = run(state, sums, rows, embed, step_key, annealing, progress.step, steps)
        progress.loss_sum, progress.skipped = float(sums[0]), int(sums[1])
        watch.ran(steps)
        progress.step += steps
        progress.seconds = watch.total
        _check_finite(progress)
        if progress.step % every == 0 or progress.step == progress.end:
            looked_before = progress.history[-1]["step"] if progress.history else 0
            loss, progress.loss_sum = progress.loss_sum / (progress.step - looked_before), 0.0
            metrics = {"loss": loss, **model.selection(first_copy(state.average))}
            if not progress.settling and _height(progress) <= SETTLING:
                # From here on looks choose what is exported; before, they tell whether training still gets anywhere.
                progress.settling, progress.best_score = True, None
            if _is_kept(progress, metrics["score"]):
                best = state.average
            metrics = {name: round(value, 6) for name, value in metrics.items() if math.isfinite(value)}
            progress.history.append({"step": progress.step, **metrics})
            events.emit(
                "epoch",
                epoch=round(progress.step * budget.batch / model.rows.features.shape[0], 2),
                step=progress.step,
                steps=progress.end,
                secondsLeft=round(watch.seconds_for(progress.end - progress.step), 1),
                metrics=metrics,
            )
            if progress.looks_since_kept >= budget.patience:
                progress.looks_since_kept = 0
                progress.latest = progress.step + (progress.end - progress.step) // 2
                move_end(progress, progress.latest)
        if watch.total > budget.seconds / 3 and watch.knows_pace:
            keep_to(progress, watch.steps_in(IN_TIME * budget.seconds - watch.total))
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save()
            saved = time.monotonic()
    if progress.best_score is None:
        raise _diverged("no look at the validation rows gave a finite figure")
    save()
    generator = first_copy(best)
    return Outcome(generator, progress, model.weights(generator, first_copy(state)))


def keep_to(progress: Progress, steps: int) -> None:
    """Fits the end to the `steps` that there is time for. An end that was brought forward while the machine was busy
    is put off again, but not in the last third, where weights are chosen."""
    left = progress.end - progress.step
    if left == 0:
        return
    # At least one: the last step is followed by a look, without which there would be nothing to export.
    possible = min(max(steps, 1), progress.latest - progress.step)
    if possible < left or (possible > LONGER * left and not progress.settling):
        move_end(progress, progress.step + possible)


def move_end(progress: Progress, end: int) -> None:
    """The learning rate goes from its present height to zero at `end` in a straight line, so that a training that is
    cut short still ends with a small one."""
    height = _height(progress)
    progress.end = end
    progress.anneal_from = end - round((end - progress.step) / height) if height > 0 else end


def _height(progress: Progress) -> float:
    """The learning rate over its highest value, by the straight line of pace.py."""
    return (progress.end - progress.step) / max(progress.end - progress.anneal_from, 1)


class Stopwatch:
    """How long a step takes, how many go into one call, and the whole time, that of earlier processes included."""

    def __init__(self, before: float) -> None:
        self._begun = time.monotonic() - before
        self._call_begun = time.monotonic()
        self._calls = 0
        self._seconds, self._steps = 0.0, 0
        self.steps_a_call = 1

    @property
    def total(self) -> float:
        return time.monotonic() - self._begun

    def runs(self) -> None:
        """Called before a piece of training; looks and checkpoints in between do not count as steps."""
        self._call_begun = time.monotonic()

    def ran(self, steps: int) -> None:
        seconds = time.monotonic() - self._call_begun
        self._calls += 1
        if self._calls == 1:  # That one was compiled.
            return
        self._seconds = MEMORY * self._seconds + seconds
        self._steps = MEMORY * self._steps + steps
        self.steps_a_call = max(1, min(500, int(CALL_SECONDS * steps / seconds), 4 * steps))

    @property
    def knows_pace(self) -> bool:
        return self._calls > CALLS_FOR_PACE

    def seconds_for(self, steps: int) -> float:
        return steps * self._seconds / max(self._steps, 1)

    def steps_in(self, seconds: float) -> int:
        return int(seconds * self._steps / self._seconds)


def _compiled(model, budget) -> Callable:
    """A piece of training as one compiled loop; its length is an argument, so it is compiled once.

    Every random number depends on the seed, the number of the step and the share of the batch alone: how steps are
    grouped into calls, or an interruption, changes nothing."""

    def run(state, sums, rows, embed, key, annealing, first, steps):
        def body(i, carry):
            state, (loss, skipped) = carry
            step = first + i
            pace = pace_at(step, annealing, budget.learning_rate, budget.average)
            new, new_loss = model.step(state, rows, embed, pace, own_key(jax.random.fold_in(key, step)))
            fine = jnp.isfinite(new_loss)
            state = jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, state)
            return state, (loss + jnp.where(fine, new_loss, 0.0), skipped + jnp.where(fine, 0, 1))

        return jax.lax.fori_loop(0, steps, body, (state, sums))

    return on_shares(run, model.shares)


def _is_kept(progress: Progress, score: float) -> bool:
    if not math.isfinite(score):
        progress.looks_since_kept += 1
        return False
    best = progress.best_score
    progress.best_score = score if best is None else min(best, score)
    if best is not None and score > best + MARGIN * abs(best):
        progress.looks_since_kept += 1
        return False
    progress.kept_step, progress.kept_score, progress.looks_since_kept = progress.step, score, 0
    return True


def _check_finite(progress: Progress) -> None:
    if progress.skipped > max(20, SKIPPED_LIMIT * progress.step):
        raise _diverged(f"{progress.skipped} of {progress.step} steps had gradients that are not finite")


def _diverged(detail: str) -> TrainerError:
    return TrainerError(
        "training_diverged",
        f"Training: {detail}.",
        field="hyperparameters.learning_rate",
        remedy="Lower the learning rate, or look for outliers among the responses.",
    )
