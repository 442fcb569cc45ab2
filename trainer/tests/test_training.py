"""The loop: interruption changes nothing, guards, annealing; and what models export."""

import json
import math
import os
import time
from collections import Counter
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load_file
from toy_jobs import CRITIC, SMALL, StopAfter, make_job, toy_rows

from driftline_trainer import checkpoint, training
from driftline_trainer.checkpoint import Progress
from driftline_trainer.dataset import read_dataset
from driftline_trainer.encoding import make_encoding
from driftline_trainer.energy_score import EnergyScoreModel
from driftline_trainer.job import parse_job
from driftline_trainer.lifetime import StopRequest
from driftline_trainer.pace import pace_at
from driftline_trainer.protocol import Events, TrainerError
from driftline_trainer.session import MODELS, ended
from driftline_trainer.wgan_gp import pull_of_cut_cells

PLAIN = {
    *("Abs", "Add", "Cast", "Clip", "Concat", "Div", "Elu", "Exp", "Expand", "Floor", "Gather", "Gemm"),
    *("GreaterOrEqual", "MatMul", "Max", "Min", "Mul", "Pow", "ReduceSum", "Reshape", "Shape", "Sign", "Slice"),
    *("Softmax", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze", "Where"),
}
"""Operators that every runtime has had for years."""


@pytest.fixture(scope="module")
def events():
    descriptor = os.open(os.devnull, os.O_WRONLY)
    yield Events(descriptor)
    os.close(descriptor)


@pytest.fixture(scope="module")
def small(dataset, tmp_path_factory):
    job = parse_job(make_job(dataset), tmp_path_factory.mktemp("small"))
    return job, EnergyScoreModel(job, read_dataset(job))


def like(model):
    state = model.start(jax.random.key(0))
    return state, state.average


def leaves(tree) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


@pytest.mark.parametrize(("name", "threads"), [("energy-score", 1), ("energy-score", 2), ("wgan-gp", 2)])
def test_a_training_that_was_stopped_goes_on_to_the_same_result(dataset, events, tmp_path, name, threads):
    settings = SMALL if name == "energy-score" else CRITIC
    job = parse_job(make_job(dataset, model=name, hyperparameters=settings, threads=threads), tmp_path)
    model = MODELS[name](job, read_dataset(job))
    assert model.shares == threads
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    expected = training.train(job, model, whole, events, StopRequest())
    with pytest.raises(training.Stopped):
        training.train(job, model, parts, events, StopAfter(3))
    found = checkpoint.load_checkpoint(parts, job.digest, like(model))
    assert found is not None and 0 < found[0].step < settings["steps"]
    outcome = training.train(job, model, parts, events, StopRequest())
    assert outcome.progress.history == expected.progress.history
    assert outcome.progress.kept_step == expected.progress.kept_step
    for a, b in zip(leaves(outcome.generator), leaves(expected.generator), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_job_is_not_taken_up(small, tmp_path):
    tree = {"weights": jnp.arange(3.0)}
    progress = Progress(step=5, end=10, latest=10)
    checkpoint.save_checkpoint(tmp_path, "one", progress, tree)
    found = checkpoint.load_checkpoint(tmp_path, "one", tree)
    assert found is not None and found[0] == progress
    np.testing.assert_array_equal(found[1]["weights"], tree["weights"])
    assert checkpoint.load_checkpoint(tmp_path, "another", tree) is None
    assert checkpoint.load_checkpoint(tmp_path, "one", {"weights": jnp.arange(4.0)}) is None
    (tmp_path / checkpoint.NAME).write_bytes(b"torn")
    assert checkpoint.load_checkpoint(tmp_path, "one", tree) is None


def test_an_end_that_comes_forward_makes_the_rate_fall_faster_from_its_present_height():
    progress = Progress(end=1000, latest=1000, step=500)  # half way down
    training.keep_to(progress, 600)  # there is time
    assert (progress.anneal_from, progress.end, ended(progress, 1000)) == (0, 1000, "seconds")
    training.keep_to(progress, 250)
    assert (progress.anneal_from, progress.end) == (250, 750)
    rates = [float(pace_at(500, jnp.array(plan), 1.0, 0.9).rate) for plan in ([0, 1000], [250, 750])]
    assert rates == [0.5, 0.5]
    assert float(pace_at(750, jnp.array([250, 750]), 1.0, 0.9).rate) == 0
    for _ in range(2):
        training.keep_to(progress, -5)
        assert progress.end == 501  # one more step, which a look follows


def test_an_end_that_came_forward_for_lack_of_time_is_put_off_when_there_is_time_again():
    progress = Progress(end=1000, latest=1000, step=500)
    training.keep_to(progress, 250)
    training.keep_to(progress, 260)  # hardly more: left alone
    assert progress.end == 750
    training.keep_to(progress, 400)
    assert (progress.anneal_from, progress.end) == (100, 900)
    training.keep_to(progress, 10_000)
    assert (progress.anneal_from, progress.end) == (0, 1000)
    # Where patience has put the end, it stays at the latest, whatever time does in between.
    progress.latest = 750
    training.move_end(progress, 750)
    for steps, end in ((100, 600), (10_000, 750)):
        training.keep_to(progress, steps)
        assert progress.end == end
    progress.step = 750
    assert ended(progress, 1000) == "patience"
    late = Progress(end=1000, latest=1000, step=900, settling=True)
    training.keep_to(late, 50)
    training.keep_to(late, 100)
    assert late.end == 950, "weights are being chosen"


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([5.0, 1.0, 5.0, 4.0, 3.99, 4.01], 60),  # the lucky second look comes before the rate is small
        ([5.0, 4.5, 4.2, 4.0, 3.0, 4.0], 50),  # the score grows again by more than 1 %
        ([5.0, 4.5, 4.2, math.nan, 4.0, math.nan], 50),
    ],
)
def test_the_last_weights_are_exported_unless_earlier_ones_of_the_last_third_are_clearly_better(
    small, events, tmp_path, scores, kept
):
    job, model = small
    given = iter(scores)

    class Scripted:
        settings = replace(model.settings, steps=60, evaluations=6)
        rows, embed, shares = model.rows, model.embed, model.shares
        start = staticmethod(model.start)
        step = staticmethod(model.step)
        weights = staticmethod(model.weights)

        @staticmethod
        def selection(_generator):
            return {"score": next(given)}

    assert training.train(job, Scripted, tmp_path, events, StopRequest()).progress.kept_step == kept


def test_a_slow_look_is_not_taken_for_slow_steps():
    """The pace counts compiled pieces alone, and the first of them not at all: it was compiled."""
    watch = training.Stopwatch(0.0)
    for _ in range(3):
        watch.runs()
        watch.ran(1000)
        time.sleep(0.05)
    assert watch.steps_in(1.0) > 100_000
    assert not watch.knows_pace
    for _ in range(training.CALLS_FOR_PACE):
        watch.runs()
        watch.ran(1000)
    assert watch.knows_pace


def test_the_pace_is_that_of_the_last_calls():
    watch = training.Stopwatch(0.0)
    for calls, seconds in ((20, 0.02), (80, 0.002)):
        for _ in range(calls):
            watch.runs()
            time.sleep(seconds)
            watch.ran(10)
    # Over all calls it would be 6 ms a call or more; of the last ones 2 ms, and what the machine adds.
    assert watch.seconds_for(10) < 0.0045
    assert watch.total >= 0.15


def test_a_limit_in_seconds_ends_training_early_with_a_small_rate(small, events, tmp_path):
    """The model's steps are many; the limit is six seconds, of which compiling takes some."""
    job, model = small

    class Longer:
        settings = replace(model.settings, steps=10_000_000, evaluations=1_000_000, seconds=6.0, patience=1_000_000)
        rows, embed, selection, shares = model.rows, model.embed, model.selection, model.shares
        start, step, weights = staticmethod(model.start), staticmethod(model.step), staticmethod(model.weights)

    outcome = training.train(job, Longer, tmp_path, events, StopRequest())
    assert ended(outcome.progress, Longer.settings.steps) == "seconds"
    assert 0 < outcome.progress.step == outcome.progress.end < 10_000_000
    assert outcome.progress.seconds < 60


def test_steps_that_are_not_finite_are_skipped_and_counted(small, events, tmp_path):
    """Every step from the 40th on is spoilt: 20 are forgiven, then it is an error; weights stay finite."""
    job, model = small

    class Spoilt:
        settings = replace(model.settings, steps=400)
        rows, embed, selection, shares = model.rows, model.embed, model.selection, model.shares
        start = staticmethod(model.start)

        @staticmethod
        def step(state, rows, embed, pace, key):
            new, loss = model.step(state, rows, embed, pace, key)
            bad = pace.decay > 41 / 50  # (1 + step) / (10 + step) at step 40
            spoil = lambda leaf: jnp.where(bad, jnp.nan, leaf).astype(leaf.dtype)  # noqa: E731
            return jax.tree.map(spoil, new), spoil(loss)

    with pytest.raises(TrainerError, match="not finite") as caught:
        training.train(job, Spoilt, tmp_path, events, StopRequest())
    assert caught.value.code == "training_diverged"


@pytest.mark.parametrize("name", ["energy-score", "wgan-gp"])
def test_the_graph_has_plain_operators_and_a_free_batch(trained, name):
    directory, _ = trained[name]
    result = json.loads((directory / "result.json").read_text())
    model = onnx.load(directory / "model.onnx")
    assert set(result["operators"]) <= PLAIN
    assert result["operators"] == dict(sorted(Counter(node.op_type for node in model.graph.node).items()))
    assert result["operators"]["Elu"] == {"energy-score": 1, "wgan-gp": 3}[name]
    assert model.ir_version == 8
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert result["parity"]["passed"]
    assert result["latents"] == {"total": 4 + 128, "noise": 128}
    assert result["signature"]["inputs"][1]["shape"] == ["batch", 132]


def test_noise_threshold_and_saturation_are_in_the_graph(trained):
    directory, _ = trained["energy-score"]
    runtime = onnxruntime.InferenceSession(directory / "model.onnx")
    reference = load_file(directory / "reference.safetensors")
    features, latent = reference["features"], reference["latent"]
    [response] = runtime.run(None, {"features": features, "latent": latent})
    assert response.shape == (48, 8, 16)
    assert ((response == 0) | ((response >= 3) & (response <= 60))).all()
    assert (response == 60).any()
    quiet = latent.copy()
    quiet[:, 4:] = 0
    [without] = runtime.run(None, {"features": features, "latent": quiet})
    clear = (without > 6) & (without < 55) & (response > 0) & (response < 60)
    assert clear.sum() > 100
    noise = 0.7 * latent[:, 4:].reshape(-1, 8, 16)
    np.testing.assert_allclose((response - without)[clear], noise[clear], atol=1e-3)


def test_the_generator_learns_from_its_critic(trained):
    """Judged by the energy score, which is no part of its loss."""
    history = json.loads((trained["wgan-gp"][0] / "result.json").read_text())["history"]
    assert history[-1]["score"] < 0.9 * history[0]["score"]


def test_cells_that_are_cut_still_learn():
    """Their value is that of the cut, their gradient that of an ELU."""
    heights = jnp.array([[[-2.0, -0.5], [0.0, 1.5]]])
    np.testing.assert_array_equal(pull_of_cut_cells(heights), np.zeros((1, 4)))
    slopes = jax.grad(lambda x: pull_of_cut_cells(x).sum())(heights)
    np.testing.assert_allclose(slopes[0, 0], np.exp([-2.0, -0.5]), rtol=1e-6)
    assert slopes[0, 1, 1] == 0


def test_fractions_are_right_in_float32(small):
    """Whole numbers have fraction 0; the rest keep what float32 has of them (302.089 has 15 bits after the point)."""
    _, model = small
    values = np.array([302.089, 41.0, 35.0, 289.99997, 27.000002, 30.5], np.float32)
    features = np.zeros((len(values), 6), np.float32)
    features[:, 2] = features[:, 3] = values
    expected = values.astype(np.float64) - np.trunc(values.astype(np.float64))
    got = np.asarray(jax.jit(model.encoding.fractions)(features))
    np.testing.assert_array_equal(got, np.stack([expected, expected], axis=1).astype(np.float32))


def test_inputs_that_are_constant_or_far_outside_do_no_harm(dataset, tmp_path):
    job = parse_job(make_job(dataset), tmp_path)
    features, _ = toy_rows(20)
    features[10:] *= 1e6
    encoding = make_encoding(job, breaks={"pad_row": [27]}, periodic=[], logarithmic=[], with_fractions=True)
    encoded = np.asarray(encoding(features, encoding.fractions(features)))
    assert encoded.shape == (20, encoding.size)
    assert np.isfinite(encoded).all() and np.abs(encoded).max() <= 1.5**3


def test_break_points_are_steps(dataset, tmp_path):
    job = parse_job(make_job(dataset), tmp_path)
    encoding = make_encoding(
        job, breaks={"pad_row": [27]}, periodic=["pad_coordinate"], logarithmic=[], with_fractions=False
    )
    features = np.tile(toy_rows(1)[0], (3, 1))
    features[:, 4] = [26, 27, 52]
    features[:, 3] = [27.25, 35.25, 41.25]
    encoded = np.asarray(encoding(features, encoding.fractions(features)))
    np.testing.assert_array_equal(encoded[:, -1], [0, 1, 1])
    of_the_row = [3, 8, 13, 15]
    assert np.ptp(np.delete(encoded, of_the_row, 1), axis=0).max() < 1e-6, (
        "pad_coordinate is periodic and must not be read"
    )


def test_inputs_are_read_with_their_squares_and_cubes(dataset, tmp_path):
    job = parse_job(make_job(dataset), tmp_path)
    encoding = make_encoding(job, breaks={}, periodic=["pad_coordinate"], logarithmic=["pt"], with_fractions=False)
    features = toy_rows(20)[0]
    encoded = np.asarray(encoding(features, encoding.fractions(features)))
    inputs = len(job.inputs) - 1
    np.testing.assert_allclose(
        encoded[:, inputs:], np.hstack([encoded[:, :inputs] ** 2, encoded[:, :inputs] ** 3]), 1e-6
    )


def test_an_empty_response_is_no_trouble(small):
    _, model = small
    embedded = model.embed(jnp.zeros((2, 8, 16)), jnp.full((2, 2), 0.5))
    assert all(np.isfinite(leaf).all() for leaf in leaves(embedded))
    gradient = jax.grad(lambda x: model.embed(x, jnp.full((2, 2), 0.5)).summaries.sum())(jnp.zeros((2, 8, 16)))
    assert np.isfinite(gradient).all()
