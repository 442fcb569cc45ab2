"""Training on several cores: each has the weights and a share of the batch, and gradients are averaged at each step.

XLA's own threads gain nothing on products as small as these; shares of a batch do (docs/decisions/training.md).
"""

from collections.abc import Callable
from typing import TypeVar

import jax
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "share"

Tree = TypeVar("Tree")


def shares_of(batch: int, threads: int) -> int:
    """Into how many equal parts a batch is split: at most one for each thread."""
    return max(n for n in range(1, threads + 1) if batch % n == 0)


def on_shares(run: Callable, shares: int) -> Callable:
    """Compiles `run` to be carried out by so many threads with equal arguments and equal results. Inside, `own_key`
    and `mean_over_shares` are what tells shares apart and brings them together."""
    everywhere = PartitionSpec()
    mapped = jax.shard_map(run, mesh=_mesh(shares), in_specs=everywhere, out_specs=everywhere, check_vma=False)
    return jax.jit(mapped)


def given_to_all(tree: Tree, shares: int) -> Tree:
    """Copies for every share, made once: otherwise each call would copy the training rows."""
    return jax.device_put(tree, NamedSharding(_mesh(shares), PartitionSpec()))


def first_copy(tree: Tree) -> Tree:
    """What all shares have equally, on one device."""
    return jax.tree.map(lambda leaf: leaf.addressable_data(0), tree)


def own_key(key: jax.Array) -> jax.Array:
    return jax.random.fold_in(key, jax.lax.axis_index(AXIS))


def some_of(rows: Tree, count: int, key: jax.Array) -> Tree:
    """Rows drawn at random, with repetition: a share's part of a batch."""
    chosen = jax.random.randint(key, (count,), 0, jax.tree.leaves(rows)[0].shape[0])
    return jax.tree.map(lambda leaf: leaf[chosen], rows)


def mean_over_shares(tree: Tree) -> Tree:
    """Of every leaf, in one exchange."""
    flat, restore = ravel_pytree(tree)
    return restore(jax.lax.pmean(flat, AXIS))


def _mesh(shares: int) -> Mesh:
    devices = jax.local_devices()
    if len(devices) < shares:
        raise RuntimeError(f"{shares} shares need as many devices, JAX has {len(devices)}: see JAX_NUM_CPU_DEVICES")
    return Mesh(devices[:shares], (AXIS,))
