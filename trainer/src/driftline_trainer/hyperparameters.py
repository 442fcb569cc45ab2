"""What can be set about a training, with defaults; unknown names and wrong types are refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from .job import invalid, nearest


@dataclass(frozen=True)
class Budget:
    """Common to all models."""

    steps: int = 10_000
    seconds: float = 100.0
    """Training ends about here: on a slow or busy machine the learning rate falls faster, over fewer steps."""
    batch: int = 128
    learning_rate: float = 1e-3
    average: float = 0.998
    """Weights are averaged exponentially with this factor a step; the average is what is exported."""
    evaluations: int = 40
    """Number of looks at the validation rows during the whole budget."""
    patience: int = 16
    """Looks in a row with a score worse than the best by 1 % after which the steps that are left are halved."""
    breaks: dict[str, list[float]] = field(default_factory=dict)
    """Values from which on the effect of an input jumps, such as the first row of another pad size."""
    periodic: list[str] = field(default_factory=list)
    """Inputs that matter through their fractional part alone."""
    logarithmic: list[str] = field(default_factory=list)
    """Inputs that are read through their logarithm."""
    shaped: list[str] = field(default_factory=list)
    """Axes along which charge is counted in cells before one pulse, the same for all, shapes it."""
    symmetries: list[dict] = field(default_factory=list)
    """Each {"mirror": [axes], "negate": [inputs]}: the training rows are multiplied by their products."""


@dataclass(frozen=True)
class EnergyScore(Budget):
    steps: int = 20_000
    width: int = 128
    depth: int = 3
    clouds: int = 6
    latents: int = 24
    draws: int = 4
    """Responses drawn for each row of a batch."""
    fractions: bool = False
    """Whether the network reads the fractional parts of the coordinates; without, a response moves with its track."""


@dataclass(frozen=True)
class WganGp(Budget):
    steps: int = 12_000
    batch: int = 64
    latents: int = 32
    critic_updates: int = 5
    gradient_penalty: float = 10.0


T = TypeVar("T", bound=Budget)


def read_hyperparameters(kind: type[T], given: Mapping[str, Any]) -> T:
    """Throws TrainerError `job_invalid`."""
    known = {entry.name: entry for entry in fields(kind)}
    defaults = kind()
    values = {}
    for name, value in given.items():
        where = f"hyperparameters.{name}"
        if name not in known:
            raise invalid(where, f"this model has no hyperparameter {name!r}{nearest(name, known)}")
        values[name] = _checked(where, value, getattr(defaults, name))
    return kind(**values)


def _checked(where: str, value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise invalid(where, "it must be true or false")
    elif isinstance(default, int):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise invalid(where, "it must be a whole number above zero")
    elif isinstance(default, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value <= 0:
            raise invalid(where, "it must be a number above zero")
        return float(value)
    elif not isinstance(value, type(default)):
        raise invalid(where, f"it must be {'an object' if isinstance(default, dict) else 'a list'}")
    return value
