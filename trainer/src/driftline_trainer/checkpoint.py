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

    end: int
    """Training ends at this step, with a learning rate of zero."""
    latest: int
    """Where it would end with time enough: at all steps, or before if patience ran out."""
    anneal_from: int = 0
    """The step from which the straight line to there starts at the full learning rate."""
    step: int = 0
    loss_sum: float = 0.0
    """Of the steps since the last look."""
    skipped: int = 0
    """Steps whose gradients were not finite."""
    seconds: float = 0.0
    settling: bool = False
    """Whether the learning rate is so small that looks count for the export."""
    best_score: float | None = None
    """The lowest validation score so far; afresh from where `settling` begins."""
    kept_step: int = 0
    """The step whose weights would be exported now, their score, and the looks since."""
    kept_score: float | None = None
    looks_since_kept: int = 0
    parent_score: float | None = None
    """Of the weights that training started from, before the first step; None for random ones."""
    history: list[dict[str, float]] = field(default_factory=list)


def save_checkpoint(directory: Path, digest: str, progress: Progress, tree: object) -> None:
    leaves = {f"{i:04d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
    metadata = {"job": digest, "progress": json.dumps(asdict(progress))}
    write_atomically(directory / NAME, save(leaves, metadata))


def load_checkpoint(directory: Path, digest: str, like: Tree) -> tuple[Progress, Tree] | None:
    """None where there is none, or one of another job or another version of the trainer."""
    expected, structure = jax.tree.flatten(like)
    try:
        with safe_open(directory / NAME, framework="numpy") as file:
            metadata = file.metadata()
            leaves = [file.get_tensor(name) for name in sorted(file.keys())]
    except (SafetensorError, OSError):
        return None
    if metadata["job"] != digest or [(a.shape, a.dtype) for a in leaves] != [(b.shape, b.dtype) for b in expected]:
        return None
    progress = Progress(**json.loads(metadata["progress"]))
    return progress, jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in leaves])
