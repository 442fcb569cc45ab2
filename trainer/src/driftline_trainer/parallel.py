"""Training on several cores: each has the weights and a share of the batch, and gradients are averaged at each step.

XLA's own threads gain nothing on products as small as these; shares of a batch do (docs/performance.md).
"""

from collections.abc import Callable
from typing import TypeVar

import jax
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec

AXIS = "share"

Tree = TypeVar("Tree")


def shares_of(batch: int, threads: int) -> int:
    """Into how many equal parts a batch is split: at most one for each thread."""
    available = min(threads, jax.local_device_count())
    return max(n for n in range(1, available + 1) if batch % n == 0)


def on_shares(run: Callable, shares: int) -> Callable:
    """Compiles `run` to be carried out by so many threads with equal arguments and equal results. Inside, `own_key`
    and `mean_over_shares` are what tells shares apart and brings them together."""
    mesh = Mesh(jax.local_devices()[:shares], (AXIS,))
    everywhere = PartitionSpec()
    return jax.jit(jax.shard_map(run, mesh=mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False))


def own_key(key: jax.Array) -> jax.Array:
    return jax.random.fold_in(key, jax.lax.axis_index(AXIS))


def mean_over_shares(tree: Tree) -> Tree:
    """Of every leaf, in one exchange."""
    flat, restore = ravel_pytree(tree)
    return restore(jax.lax.pmean(flat, AXIS))
