"""Shares of a batch: each draws for itself, and all end with the mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toy_jobs import SMALL, make_job

from driftline_trainer import parallel, training
from driftline_trainer.dataset import read_dataset
from driftline_trainer.energy_score import EnergyScoreModel
from driftline_trainer.job import parse_job
from driftline_trainer.pace import random_key


@pytest.mark.parametrize(("batch", "threads", "shares"), [(128, 1, 1), (128, 2, 2), (128, 3, 2), (7, 4, 1), (12, 5, 4)])
def test_a_batch_is_split_into_equal_parts_at_most_one_for_each_thread(batch, threads, shares):
    assert parallel.shares_of(batch, threads) == shares


def test_shares_draw_for_themselves_and_all_get_the_mean():
    def run(key):
        own = jax.random.normal(parallel.own_key(key), (4,))
        return parallel.mean_over_shares({"values": own})["values"]

    key = random_key(1)
    got = parallel.on_shares(run, 2)(key)
    draws = [np.asarray(jax.random.normal(jax.random.fold_in(key, share), (4,))) for share in (0, 1)]
    assert (draws[0] != draws[1]).all()
    for copy in got.addressable_shards:
        np.testing.assert_allclose(copy.data, np.mean(draws, axis=0), rtol=1e-6)


def test_weights_stay_equal_on_all_shares(dataset, tmp_path):
    job = parse_job(make_job(dataset, hyperparameters=SMALL, threads=2), tmp_path)
    model = EnergyScoreModel(job, read_dataset(job))
    run = training._compiled(model, model.settings)
    state = model.start(random_key(1))
    after, _ = run(state, (0.0, 0), model.rows, model.embed, random_key(2), jnp.array([0, 60]), 0, 5)
    for leaf in jax.tree.leaves(after.generator):
        one, two = (np.asarray(copy.data) for copy in leaf.addressable_shards)
        np.testing.assert_array_equal(one, two)
    for before, leaf in zip(
        jax.tree.leaves(state.generator.network), jax.tree.leaves(after.generator.network), strict=True
    ):
        assert (np.asarray(leaf) != np.asarray(before)).any()
    # Scales come from the data and stay as they are, to the bit.
    for moved in (after.generator, after.average):
        assert (moved.log_charge, *moved.widths) == (state.generator.log_charge, *state.generator.widths)


def test_too_few_devices_are_an_error():
    with pytest.raises(RuntimeError, match="JAX has 2"):
        parallel.on_shares(lambda x: x, 3)
