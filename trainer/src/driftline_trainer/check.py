"""Whether a job can be done, as far as can be said without its data and, for the sake of time, without JAX."""

import math

from .hyperparameters import Budget, EnergyScore, T, WganGp, read_hyperparameters
from .job import Job, check_known, invalid
from .symmetry import group

KINDS: dict[str, type[Budget]] = {"energy-score": EnergyScore, "wgan-gp": WganGp}


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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
