"""Starting from another model's weights: what is taken, what is refused, and that it begins where the other ended."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save
from toy_jobs import CRITIC, SMALL, StopAfter, finish, make_job, start

from driftline_trainer import training
from driftline_trainer.check import architecture
from driftline_trainer.dataset import read_dataset
from driftline_trainer.job import Job, parse_job
from driftline_trainer.lifetime import StopRequest
from driftline_trainer.pace import random_key
from driftline_trainer.protocol import TrainerError
from driftline_trainer.pulse import Pulse, continued, make_pulse
from driftline_trainer.session import MODELS
from driftline_trainer.weights import Weights, load_weights, named, taken

SETTINGS = {"energy-score": SMALL, "wgan-gp": CRITIC}


def child(dataset: Path, directory: Path, model: str = "energy-score", **output) -> Job:
    """A job like those of the fixture `trained`, with another seed, that starts from the weights in `directory`."""
    job = make_job(dataset, model=model, hyperparameters=SETTINGS[model], seed=2)
    job["output"].update({"noise": 0.7, "threshold": 3.0, "saturation": 60, **output})
    weights = directory / "weights.safetensors"
    job["parent"] = {"weights": str(weights), "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    return parse_job(job, directory)


@dataclass(frozen=True)
class Begun:
    """A job's model, its own random start, and its start from the parent's weights."""

    job: Job
    parent: Weights
    directory: Path
    model: Any
    cold: Any
    warm: Any


def begin(job: Job, directory: Path) -> Begun:
    model = MODELS[job.model](job, read_dataset(job))
    cold, parent = model.start(random_key(3)), load_weights(job, job.parent)
    return Begun(job, parent, directory, model, cold, model.warm(cold, parent))


@pytest.fixture(scope="module", params=["energy-score", "wgan-gp"])
def begun(request, dataset, trained) -> Begun:
    directory, _ = trained[request.param]
    return begin(child(dataset, directory, request.param), directory)


def ended(directory: Path) -> float:
    """The score of a finished job's weights."""
    return json.loads((directory / "result.json").read_text())["exportedScore"]


def test_a_training_begins_with_the_score_that_its_parent_ended_with(begun):
    score = ended(begun.directory)
    assert begun.model.selection(begun.warm.average)["score"] == pytest.approx(score, rel=1e-5)
    assert begun.model.selection(begun.cold.average)["score"] > 1.02 * score, "a random start is told from it"


def test_a_warm_training_that_was_stopped_goes_on_to_the_same_result(dataset, trained, tmp_path):
    directory, _ = trained["energy-score"]
    first = begin(child(dataset, directory), directory)
    job, model, parent = first.job, first.model, first.parent
    said = []
    events = SimpleNamespace(emit=lambda event, **fields: said.append((event, fields)))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    expected = training.train(job, model, whole, events, StopRequest(), parent)
    score = expected.progress.parent_score
    assert score == pytest.approx(ended(directory), rel=1e-5)
    assert ("log", {"message": f"Starting from a model's weights, with a score of {score:.4f}."}) in said
    with pytest.raises(training.Stopped):
        training.train(job, model, parts, events, StopAfter(3), parent)
    again = training.train(job, model, parts, events, StopRequest(), parent)
    assert again.progress.history == expected.progress.history and again.progress.parent_score == score
    for name, array in again.weights.items():
        np.testing.assert_array_equal(array, expected.weights[name])
    moved = np.abs(
        again.weights["generator.network.layers.0.weight"] - parent.arrays["generator.network.layers.0.weight"]
    )
    assert moved.max() > 1e-4, "it was trained"


def test_what_is_stored_is_what_would_be_taken(begun):
    again = begun.model.weights(begun.warm.average, begun.warm)
    assert again.keys() == begun.parent.arrays.keys()
    for path, array in again.items():
        stored = begun.parent.arrays[path]
        # The middle of a pulse is taken as its unit of height.
        shift = stored[len(array) // 2] if path.endswith("log_heights") else 0
        np.testing.assert_allclose(array, stored - shift, atol=1e-6)


def test_another_threshold_leaves_amplitudes_as_they_were(dataset, trained):
    directory, _ = trained["wgan-gp"]
    begun = begin(child(dataset, directory, "wgan-gp", threshold=6.0), directory)
    stored = begun.parent.arrays["generator.network.layers.3.bias"]
    bias = np.asarray(begun.warm.generator.network.layers[3].bias)
    np.testing.assert_allclose(6 * 10**bias, 3 * 10**stored, rtol=1e-5)
    assert begun.model.readout.threshold == 6


@pytest.mark.parametrize(("own", "learned"), [(5, 9), (9, 5), (7, 7)])
def test_a_pulse_is_cut_or_filled_about_its_middle(own, learned):
    start_ = Pulse(jnp.asarray(-0.1 * np.arange(-(own // 2), own // 2 + 1) ** 2.0, jnp.float32))
    other = (2 - 0.3 * np.abs(np.arange(-(learned // 2), learned // 2 + 1))).astype(np.float32)
    heights = np.asarray(continued(start_, other).log_heights)
    away = np.abs(np.arange(own) - own // 2)
    expected = np.where(away <= learned // 2, -0.3 * away, -0.1 * away**2)
    np.testing.assert_allclose(heights, expected, rtol=1e-6)


def test_a_pulse_that_was_not_changed_shapes_as_before():
    pulse = make_pulse(0.8, 1.3)
    counts = jnp.asarray(np.random.default_rng(1).random((3, 2, 16 + 2 * pulse.reach)), jnp.float32)
    again = continued(make_pulse(1.1, 1.3), np.asarray(pulse.log_heights))
    np.testing.assert_allclose(again(counts, 16), pulse(counts, 16), rtol=1e-6)


def test_what_shapes_the_network_is_in_the_architecture_and_nothing_else(dataset, tmp_path):
    def of(change=lambda job: None, **hyperparameters) -> str:
        job = make_job(dataset, hyperparameters={**SMALL, **hyperparameters})
        change(job)
        return architecture(parse_job(job, tmp_path))

    same = [
        of(steps=7, seconds=3, learning_rate=0.1, draws=3, batch=8),
        of(lambda job: job["output"].update(threshold=2, noise=1, saturation=None)),
        of(lambda job: job.update(seed=9, threads=2)),
        of(fractions=False),
    ]
    assert set(same) == {of()}
    others = [
        of(width=17),
        of(shaped=[]),
        of(logarithmic=["pt"]),
        of(breaks={"pad_row": [27]}),
        of(lambda job: job["inputs"][0].update(high=25)),
        of(lambda job: job["output"]["axes"][0].update(first=-2)),
        of(lambda job: job.update(model="wgan-gp", hyperparameters=CRITIC)),
    ]
    assert len({of(), *others}) == 1 + len(others)


def refusal(job: Job) -> str:
    with pytest.raises(TrainerError) as caught:
        load_weights(job, job.parent)
    assert (caught.value.code, caught.value.field, caught.value.status) == ("job_invalid", "parent.weights", 2)
    return caught.value.message


def test_weights_that_do_not_fit_are_refused(dataset, trained, tmp_path):
    source, _ = trained["energy-score"]
    good = (source / "weights.safetensors").read_bytes()
    copy = tmp_path / "weights.safetensors"
    copy.write_bytes(good)
    assert "another architecture" in refusal(child(dataset, tmp_path, "wgan-gp"))
    job = child(dataset, tmp_path)
    copy.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert "does not match its SHA-256" in refusal(job)
    copy.unlink()
    assert "cannot be read" in refusal(job)
    for content, says in (
        (b"junk", "holds no weights"),
        (save({"a": np.zeros(2, np.float32)}), "holds no weights"),
        (save({"a": np.zeros(2, np.float32)}, {"scheme": "x", "threshold": "1"}), "its scheme is 'x'"),
    ):
        copy.write_bytes(content)
        assert says in refusal(child(dataset, tmp_path))


def test_an_array_that_is_missing_or_of_another_shape_is_named():
    tree = {"a": jnp.zeros(3), "b": {"c": jnp.zeros((2, 2))}}
    assert list(named(tree)) == ["a", "b.c"]
    for arrays, says in (
        ({"a": np.zeros(3)}, "b.c is missing"),
        ({"a": np.zeros(4)}, r"a is of shape \[4\], not \[3\]"),
    ):
        with pytest.raises(TrainerError, match=says):
            taken(tree, arrays)


def test_the_check_says_the_architecture_and_a_parent_is_part_of_the_job(dataset, trained, tmp_path):
    directory, _ = trained["energy-score"]
    result = json.loads((directory / "result.json").read_text())
    job = make_job(dataset)
    status, events, errors = finish(start(tmp_path, job, "-m", "driftline_trainer", "--check"))
    assert status == 0, errors
    assert events == [{"event": "check", "architecture": result["weights"]["architecture"]}]
    cold, warm = parse_job(job, tmp_path), child(dataset, directory)
    assert result["parent"] is None
    moved = parse_job({**job, "parent": {"weights": "elsewhere", "sha256": warm.parent.sha256}}, tmp_path)
    other = parse_job({**job, "parent": {"weights": "elsewhere", "sha256": "0"}}, tmp_path)
    assert len({cold.digest, moved.digest, other.digest}) == 3
    assert parse_job({**job, "parent": {"weights": "here", "sha256": "0"}}, tmp_path).digest == other.digest
