"""The state of a training on disk: one safetensors file, whole or absent, that says which job it belongs to."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from .files import write_atomically

NAME = "checkpoint.safetensors"

Tree = TypeVar("Tree")


@dataclass
class Progress:
    """How far a training is; everything that the weights do not say."""

    step: int = 0
    skipped: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_score: float | None = None
    looks_since_best: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(directory: Path, digest: str, progress: Progress, tree: object) -> None:
    leaves = {f"{i:04d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
    metadata = {"job": digest, "progress": json.dumps(asdict(progress))}
    write_atomically(directory / NAME, save(leaves, metadata))


def load_checkpoint(directory: Path, digest: str, like: Tree) -> tuple[Progress, Tree] | None:
    """None where there is none, or one of another job or another version of the trainer."""
    path = directory / NAME
    if not path.exists():
        return None
    expected, structure = jax.tree.flatten(like)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("job") != digest or len(file.keys()) != len(expected):
                return None
            leaves = [file.get_tensor(name) for name in sorted(file.keys())]
    except (SafetensorError, OSError):
        return None
    if any(a.shape != b.shape or a.dtype != b.dtype for a, b in zip(leaves, expected, strict=True)):
        return None
    progress = Progress(**json.loads(metadata["progress"]))
    return progress, jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in leaves])
