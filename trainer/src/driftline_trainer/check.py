"""Whether a job can be done, as far as can be said without its data and, for the sake of time, without JAX."""

import hashlib
import json
import math

from .hyperparameters import Budget, EnergyScore, T, WganGp, read_hyperparameters
from .job import Job, check_known, invalid
from .symmetry import group

KINDS: dict[str, type[Budget]] = {"energy-score": EnergyScore, "wgan-gp": WganGp}
ARCHITECTURE = 1
"""Another one when the code of a network changes, so that its weights mean something else."""
SHAPING = {
    "energy-score": ("width", "depth", "clouds", "latents", "fractions", "breaks", "periodic", "logarithmic", "shaped"),
    "wgan-gp": ("latents", "breaks", "periodic", "logarithmic"),
}
"""Hyperparameters that say what a network is; the others say how it is trained."""


def check(job: Job) -> None:
    """Throws TrainerError `job_invalid` naming the hyperparameter."""
    settings_of(job, KINDS[job.model])


def settings_of(job: Job, kind: type[T]) -> T:
    """The hyperparameters of a job, checked against its inputs and axes. Throws TrainerError `job_invalid`."""
    settings = read_hyperparameters(kind, job.hyperparameters)
    names = [entry.name for entry in job.inputs]
    for field in ("breaks", "periodic", "logarithmic"):
        check_known(f"hyperparameters.{field}", "input", getattr(settings, field), names)
    check_known("hyperparameters.shaped", "axis", settings.shaped, [axis.name for axis in job.output.axes])
    for name, values in settings.breaks.items():
        if not isinstance(values, list) or not all(_is_number(value) for value in values):
            raise invalid("hyperparameters.breaks", f"the break points of {name!r} must be a list of numbers")
    for name in settings.logarithmic:
        if job.inputs[names.index(name)].low <= 0:
            raise invalid("hyperparameters.logarithmic", f"the domain of {name!r} is not above zero")
    if set(names) <= set(settings.periodic):
        raise invalid("hyperparameters.periodic", "no input is left that is not periodic")
    group(job, settings.symmetries)
    if settings.average >= 1:
        raise invalid("hyperparameters.average", "it must be below 1")
    if isinstance(settings, EnergyScore) and settings.draws < 2:
        raise invalid("hyperparameters.draws", "it must be 2 or more: draws are compared with each other")
    return settings


def architecture(job: Job) -> str:
    """SHA-256 of all that weights must have in common to stand for each other: kind and size of the network, its
    inputs with the domain that scales them, the cells it fills. Conditions, such as the threshold, are no part of it.
    Throws TrainerError `job_invalid`."""
    settings = settings_of(job, KINDS[job.model])
    described = {
        "version": ARCHITECTURE,
        "model": job.model,
        "settings": {name: getattr(settings, name) for name in SHAPING[job.model]},
        "inputs": [[entry.name, entry.unit, entry.low, entry.high] for entry in job.inputs],
        "unit": job.output.unit,
        "axes": [[axis.size, axis.coordinate, axis.first] for axis in job.output.axes],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
