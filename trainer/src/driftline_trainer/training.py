"""The training loop of all models: compiled pieces below a second, looks at the validation rows, checkpoints, guards."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp

from .checkpoint import Progress, load_checkpoint, save_checkpoint
from .job import Job
from .lifetime import StopRequest
from .pace import pace_at
from .protocol import Events, TrainerError

CALL_SECONDS = 0.5
"""Aim for one compiled call: Python's signal handlers wait for it to end."""
CHECKPOINT_SECONDS = 8.0
SKIPPED_LIMIT = 0.02
"""Fraction of the steps that may have gradients that are not finite (and 20 in any case)."""


class Stopped(Exception):
    """SIGTERM came; the checkpoint has been saved."""


@dataclass(frozen=True)
class Outcome:
    generator: eqx.Module
    """Averaged weights at the best look."""
    progress: Progress
    ended: str
    """Why training ended: steps, patience or seconds."""


def train(job: Job, model, directory: Path, events: Events, stop: StopRequest) -> Outcome:
    """Runs or goes on with the training of `model`. Throws Stopped, and TrainerError `training_diverged`."""
    budget = model.settings
    every = max(1, budget.steps // budget.evaluations)
    start_key, step_key = jax.random.split(jax.random.key(job.seed))
    state = model.start(start_key)
    progress, best = Progress(), state.average
    resumed = load_checkpoint(directory, job.digest, (state, best))
    if resumed is not None:
        progress, (state, best) = resumed
        events.emit("log", message=f"Going on from the checkpoint at step {progress.step}.")
    run = _compiled(model, budget)

    def save() -> None:
        save_checkpoint(directory, job.digest, progress, (state, best))
        events.emit("checkpoint", step=progress.step)

    begun, before = time.monotonic(), progress.seconds
    saved, steps_a_call, ended = begun, 1, "steps"
    watch = Stopwatch()
    while progress.step < budget.steps:
        if stop:
            save()
            raise Stopped
        if before + time.monotonic() - begun > budget.seconds:
            ended = "seconds"
            break
        called = time.monotonic()
        until_look = every - progress.step % every
        steps = min(steps_a_call, until_look, budget.steps - progress.step)
        state, loss, skipped = run(state, model.rows, model.embed, step_key, progress.step, steps)
        loss, skipped = float(loss), int(skipped)
        steps_a_call = watch.after(steps, time.monotonic() - called)
        progress.step += steps
        progress.skipped += skipped
        progress.seconds = before + time.monotonic() - begun
        _check_finite(progress)
        if progress.step % every == 0 or progress.step == budget.steps:
            metrics = {"loss": loss, **model.selection(state.average)}
            if _is_best(progress, metrics["score"]):
                best = state.average
            progress.history.append({"step": progress.step, **_finite(metrics)})
            events.emit(
                "epoch",
                epoch=round(progress.step * budget.batch / model.rows.features.shape[0], 2),
                step=progress.step,
                steps=budget.steps,
                secondsLeft=round(min(watch.seconds(budget.steps - progress.step), budget.seconds), 1),
                metrics=_finite(metrics),
            )
            if progress.looks_since_best >= budget.patience:
                ended = "patience"
                break
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save()
            saved = time.monotonic()
    if progress.best_score is None:
        metrics = model.selection(state.average)
        _is_best(progress, metrics["score"])
        best = state.average
    save()
    return Outcome(best, progress, ended)


class Stopwatch:
    """How long a step takes, and so how many go into one call."""

    def __init__(self) -> None:
        self._seconds_a_step = 0.0
        self._calls = 0

    def after(self, steps: int, seconds: float) -> int:
        self._calls += 1
        if self._calls == 1:  # That one was compiled.
            return 1
        self._seconds_a_step = seconds / steps
        return max(1, min(500, int(CALL_SECONDS / self._seconds_a_step), 4 * steps))

    def seconds(self, steps: int) -> float:
        return steps * self._seconds_a_step


def _compiled(model, budget) -> Callable:
    """A piece of training as one compiled loop; its length is an argument, so it is compiled once.

    Every random number depends on the seed and the number of the step alone: how steps are grouped into calls,
    or an interruption, changes nothing."""

    def run(state, rows, embed, key, first, steps):
        def body(i, carry):
            state, loss, skipped = carry
            step = first + i
            pace = pace_at(step, budget.steps, budget.learning_rate, budget.average)
            new, new_loss = model.step(state, rows, embed, pace, jax.random.fold_in(key, step))
            fine = jnp.isfinite(new_loss)
            state = jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, state)
            return state, loss + jnp.where(fine, new_loss, 0.0), skipped + jnp.where(fine, 0, 1)

        state, loss, skipped = jax.lax.fori_loop(0, steps, body, (state, 0.0, 0))
        return state, loss / jnp.maximum(steps - skipped, 1), skipped

    return jax.jit(run)


def _is_best(progress: Progress, score: float) -> bool:
    if math.isfinite(score) and (progress.best_score is None or score < progress.best_score):
        progress.best_score, progress.best_step, progress.looks_since_best = score, progress.step, 0
        return True
    progress.looks_since_best += 1
    return False


def _check_finite(progress: Progress) -> None:
    if progress.skipped > max(20, SKIPPED_LIMIT * progress.step):
        raise TrainerError(
            "training_diverged",
            f"Training: {progress.skipped} of {progress.step} steps had gradients that are not finite.",
            field="hyperparameters.learning_rate",
            remedy="Lower the learning rate, or look for outliers among the responses.",
        )


def _finite(metrics: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in metrics.items() if math.isfinite(value)}
