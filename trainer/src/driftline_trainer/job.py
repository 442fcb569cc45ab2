"""Reads job.json and refuses what it cannot be, naming the field."""

import difflib
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import PROTOCOL
from .protocol import TrainerError


@dataclass(frozen=True)
class Input:
    """One column of `features`, in physical units; low and high are the family's domain."""

    name: str
    unit: str
    low: float
    high: float
    integer: bool


@dataclass(frozen=True)
class Axis:
    """Cell i of the image holds number trunc(coordinate) + first + i of pad, time bin, ..."""

    name: str
    size: int
    coordinate: str
    first: int


@dataclass(frozen=True)
class Output:
    """The image: amplitudes below `threshold` are zero, those above `saturation` are cut to it."""

    name: str
    unit: str
    axes: tuple[Axis, Axis]
    threshold: float
    noise: float
    saturation: float | None

    @property
    def shape(self) -> tuple[int, int]:
        return self.axes[0].size, self.axes[1].size


@dataclass(frozen=True)
class Parent:
    """The model whose weights training starts from."""

    weights: Path
    sha256: str


@dataclass(frozen=True)
class Job:
    dataset: Path
    model: str
    hyperparameters: Mapping[str, Any]
    seed: int
    threads: int
    inputs: tuple[Input, ...]
    output: Output
    opset: int
    parent: Parent | None
    digest: str
    """SHA-256 of what decides the result: a checkpoint of another job is not taken up."""

    def column(self, name: str) -> int:
        return [entry.name for entry in self.inputs].index(name)


MODELS = ("energy-score", "wgan-gp")


def read_job(path: Path) -> Job:
    """Throws TrainerError `job_invalid` naming the field."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise invalid(path.name, f"there is no {path}", "Give the job directory, or start the trainer in it.") from None
    except (OSError, ValueError) as error:
        raise invalid(path.name, f"{path} is not JSON: {error}") from None
    return parse_job(content, path.parent)


def parse_job(content: Any, directory: Path) -> Job:
    """`directory` is what relative paths start from."""
    if not isinstance(content, dict):
        raise invalid("job.json", "it is no JSON object")
    if content.get("protocol") != PROTOCOL:
        raise invalid("protocol", f"it is {content.get('protocol')!r}, this trainer speaks {PROTOCOL!r}")
    known = {
        "protocol",
        "dataset",
        "model",
        "hyperparameters",
        "seed",
        "threads",
        "inputs",
        "output",
        "opset",
        "parent",
    }
    for name in content:
        if name not in known:
            raise invalid(name, f"there is no such field{nearest(name, known)}")

    model = _text(content, "model")
    if model not in MODELS:
        raise invalid("model", f"there is no model {model!r}{nearest(model, MODELS)}; there are {', '.join(MODELS)}")
    hyperparameters = content.get("hyperparameters", {})
    if not isinstance(hyperparameters, dict):
        raise invalid("hyperparameters", "it must be an object")
    opset = _integer(content, "opset", 18, 23)
    inputs = tuple(_input(entry, f"inputs[{i}]") for i, entry in enumerate(_list(content, "inputs")))
    if len({entry.name for entry in inputs}) < len(inputs):
        raise invalid("inputs", "two inputs have the same name")
    parent = _parent(content.get("parent"), directory)
    decisive = {name: content.get(name) for name in known - {"dataset", "parent"}}
    if parent is not None:
        decisive["parent"] = parent.sha256
    return Job(
        dataset=(directory / _text(content, "dataset")).resolve(),
        model=model,
        hyperparameters=hyperparameters,
        seed=_integer(content, "seed", 0, 2**31 - 1),
        threads=_integer(content, "threads", 1, 1024),
        inputs=inputs,
        output=_output(content.get("output"), inputs),
        opset=opset,
        parent=parent,
        digest=hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest(),
    )


def invalid(field: str, detail: str, remedy: str | None = None) -> TrainerError:
    return TrainerError(
        "job_invalid",
        f"Reading job.json: {field}: {detail}.",
        field=field,
        remedy=remedy or f"Correct {field}; docs/training.md lists what a job says.",
        status=2,
    )


def check_known(field: str, kind: str, given: Iterable[Any], known: list[str]) -> None:
    """Refuses names that are not known, offering the nearest."""
    for name in given:
        if name not in known:
            raise invalid(field, f"there is no {kind} {name!r}{nearest(str(name), known)}")


def nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f" (the nearest is {close[0]!r})" if close else ""


def _parent(value: Any, directory: Path) -> Parent | None:
    if value is None:
        return None
    entry = _object(value, "parent")
    return Parent((directory / _text(entry, "weights", "parent")).resolve(), _text(entry, "sha256", "parent"))


def _input(value: Any, field: str) -> Input:
    entry = _object(value, field)
    low, high = _number(entry, "low", field), _number(entry, "high", field)
    if not low < high:
        raise invalid(f"{field}.high", f"{high:g} is not above low ({low:g})")
    integer = entry.get("integer", False)
    if not isinstance(integer, bool):
        raise invalid(f"{field}.integer", "it must be true or false")
    return Input(_text(entry, "name", field), _text(entry, "unit", field), low, high, integer)


def _output(value: Any, inputs: tuple[Input, ...]) -> Output:
    entry = _object(value, "output")
    axes = [_axis(axis, f"output.axes[{i}]", inputs) for i, axis in enumerate(_list(entry, "axes", "output"))]
    if len(axes) != 2:
        raise invalid("output.axes", f"there are {len(axes)} axes, an image has 2")
    threshold, noise = _number(entry, "threshold", "output"), _number(entry, "noise", "output")
    if threshold <= 0:
        raise invalid("output.threshold", f"{threshold:g} is not above zero")
    if noise < 0:
        raise invalid("output.noise", f"{noise:g} is negative")
    saturation = None if entry.get("saturation") is None else _number(entry, "saturation", "output")
    if saturation is not None and saturation <= threshold:
        raise invalid("output.saturation", f"{saturation:g} is not above the threshold ({threshold:g})")
    return Output(
        _text(entry, "name", "output"),
        _text(entry, "unit", "output"),
        (axes[0], axes[1]),
        threshold,
        noise,
        saturation,
    )


def _axis(value: Any, field: str, inputs: tuple[Input, ...]) -> Axis:
    entry = _object(value, field)
    coordinate = _text(entry, "coordinate", field)
    names = [known.name for known in inputs]
    check_known(f"{field}.coordinate", "input", [coordinate], names)
    size = _integer(entry, "size", 2, 256, field)
    return Axis(_text(entry, "name", field), size, coordinate, _integer(entry, "first", -256, 256, field))


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(field, "it is missing or no object")
    return value


def _list(value: dict[str, Any], name: str, parent: str = "") -> list[Any]:
    entry = value.get(name)
    if not isinstance(entry, list) or not entry:
        raise invalid(_path(parent, name), "it is missing, empty or no list")
    return entry


def _text(value: dict[str, Any], name: str, parent: str = "") -> str:
    entry = value.get(name)
    if not isinstance(entry, str) or not entry:
        raise invalid(_path(parent, name), "it is missing, empty or no text")
    return entry


def _number(value: dict[str, Any], name: str, parent: str = "") -> float:
    entry = value.get(name)
    if isinstance(entry, bool) or not isinstance(entry, int | float) or not math.isfinite(entry):
        raise invalid(_path(parent, name), "it is missing or no finite number")
    return float(entry)


def _integer(value: dict[str, Any], name: str, low: int, high: int, parent: str = "") -> int:
    entry = value.get(name)
    if isinstance(entry, bool) or not isinstance(entry, int) or not low <= entry <= high:
        raise invalid(_path(parent, name), f"it must be a whole number from {low} to {high}")
    return entry


def _path(parent: str, name: str) -> str:
    return f"{parent}.{name}" if parent else name
