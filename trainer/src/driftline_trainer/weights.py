"""Weights that another training can start from: named arrays in one safetensors file, and how a network takes them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.numpy import load, save

from .check import architecture
from .files import write_atomically
from .job import Job, Parent, invalid
from .protocol import is_temporary

NAME = "weights.safetensors"
SCHEME = "driftline-weights/1"

Tree = TypeVar("Tree")
Arrays = Mapping[str, Float[np.ndarray, "..."]]


@dataclass(frozen=True)
class Weights:
    arrays: Arrays
    threshold: float
    """Of the amplitudes that they were trained on, in the output's unit."""


def named(tree: object) -> dict[str, Float[np.ndarray, "..."]]:
    """The arrays of a tree by their paths, such as `generator.network.layers.0.weight`."""
    found, _ = jax.tree.flatten_with_path(tree)
    return {_name(path): np.asarray(leaf) for path, leaf in found}


def taken(tree: Tree, arrays: Arrays) -> Tree:
    """The tree with the arrays of these names in the place of its own; what is no array stays. Throws TrainerError
    `job_invalid` where one is missing or has another shape."""

    def take(path: tuple, own: jax.Array) -> jax.Array:
        name = _name(path)
        found = arrays.get(name)
        if found is None or found.shape != own.shape:
            what = "missing" if found is None else f"of shape {list(found.shape)}, not {list(own.shape)}"
            raise _unfit(f"{name} is {what}")
        return jnp.asarray(found, own.dtype)

    return jax.tree.map_with_path(take, tree)


def save_weights(directory: Path, job: Job, arrays: Arrays) -> None:
    metadata = {
        "scheme": SCHEME,
        "architecture": architecture(job),
        "model": job.model,
        "threshold": repr(job.output.threshold),
    }
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(directory / NAME, save(contiguous, metadata))


def load_weights(job: Job, parent: Parent) -> Weights:
    """Throws TrainerError `job_invalid` where the file is not what the job says, or of another architecture."""
    try:
        content = parent.weights.read_bytes()
    except OSError as error:
        if is_temporary(error):
            raise
        raise _unfit(f"{parent.weights} cannot be read: {error}") from None
    if hashlib.sha256(content).hexdigest() != parent.sha256:
        raise _unfit(f"{parent.weights} does not match its SHA-256")
    try:
        arrays, metadata = load(content), _metadata(content)
        threshold = float(metadata["threshold"])
    except (SafetensorError, ValueError, KeyError) as error:
        raise _unfit(f"{parent.weights} holds no weights: {error!r}") from None
    if metadata.get("scheme") != SCHEME:
        raise _unfit(f"its scheme is {metadata.get('scheme')!r}, not {SCHEME!r}")
    if metadata.get("architecture") != architecture(job):
        raise _unfit("they belong to another architecture: other inputs, cells or sizes of the network")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise _unfit(f"{name} has values that are not finite")
    return Weights(arrays, threshold)


def _metadata(content: bytes) -> dict[str, str]:
    """The free entries of a safetensors header, which `load` passes over."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__", {})


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _unfit(detail: str):
    return invalid("parent.weights", detail, "Start from another model, or leave `parent` out.")
