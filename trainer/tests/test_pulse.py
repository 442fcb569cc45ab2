"""Counting charge in cells and shaping it with one pulse."""

import jax.numpy as jnp
import numpy as np
import pytest
from toy_jobs import SMALL, make_job

from driftline_trainer.clouds import counts
from driftline_trainer.dataset import read_dataset
from driftline_trainer.energy_score import EnergyScoreModel, narrowest
from driftline_trainer.job import parse_job
from driftline_trainer.protocol import TrainerError
from driftline_trainer.pulse import make_pulse


def test_shaping_is_a_convolution_that_keeps_the_charge():
    pulse = make_pulse(0.807, 0.9)
    heights = np.exp(-0.5 * (np.arange(-4, 5) / 0.807) ** 2)
    counted = np.random.default_rng(1).random((3, 2, 16 + 8)).astype(np.float32)
    shaped = np.asarray(pulse(jnp.asarray(counted), 16))
    for row, got in zip(counted.reshape(6, -1), shaped.reshape(6, -1), strict=True):
        np.testing.assert_allclose(got, np.convolve(row, heights / heights.sum(), "valid"), rtol=1e-4)
    inside = np.zeros((1, 1, 24), np.float32)
    inside[0, 0, 12] = 3
    assert np.asarray(pulse(jnp.asarray(inside), 16)).sum() == pytest.approx(3, rel=1e-5)


def test_a_narrow_cloud_is_in_one_cell_or_in_two_and_none_is_lost():
    centre, width = jnp.array([[2.1, 2.5, 40.0]]), jnp.full((1, 3), 0.1)
    [one, two, outside] = np.asarray(counts(6, 2, centre, width))[0]
    np.testing.assert_allclose(one, np.eye(10)[2 + 2], atol=1e-3)
    np.testing.assert_allclose(two[[4, 5]], 0.5, atol=1e-3)
    assert outside.sum() == pytest.approx(1), "a cloud beyond the margin is at its end, not infinite"


def test_a_pulse_begins_at_the_width_of_the_narrowest_responses():
    widths = np.repeat([0.8, 1.5], [30, 70])
    profile = np.exp(-0.5 * ((np.arange(16) - 7.3) / widths[:, None]) ** 2)
    responses = np.concatenate([np.zeros((2, 8, 16)), np.tile(profile[:, None], (1, 8, 1))])
    assert narrowest(responses, 1) == pytest.approx(0.8, rel=0.01)


def test_empty_responses_are_refused():
    with pytest.raises(TrainerError, match="above the threshold") as caught:
        narrowest(np.zeros((5, 8, 16)), 1)
    assert caught.value.code == "dataset_invalid"


def test_an_axis_that_is_not_there_is_named(dataset, tmp_path):
    job = parse_job(make_job(dataset, hyperparameters={**SMALL, "shaped": ["tim"]}), tmp_path)
    with pytest.raises(TrainerError, match="no axis 'tim'") as caught:
        EnergyScoreModel(job, read_dataset(job))
    assert caught.value.field == "hyperparameters.shaped"
