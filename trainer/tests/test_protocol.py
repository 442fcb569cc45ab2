"""The whole trainer in a process of its own: events, files, interruption, resumption, refusals."""

import hashlib
import json
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file
from toy_jobs import SMALL, finish, make_job, start

from driftline_trainer.protocol import Events

ENDLESS = {**SMALL, "steps": 100_000_000, "evaluations": 100_000_000 // 50, "patience": 1_000_000}


@pytest.fixture(scope="module")
def finished(trained):
    return trained["energy-score"]


def test_events_begin_with_start_and_end_with_done(finished):
    _, events = finished
    names = [event["event"] for event in events]
    assert names[0] == "start" and names[-1] == "done"
    assert {"epoch", "checkpoint", "log"} <= set(names)
    for event in events:
        if event["event"] == "epoch":
            assert event["steps"] == SMALL["steps"] and 0 < event["step"] <= SMALL["steps"]
            assert event["secondsLeft"] >= 0 and event["epoch"] > 0
            assert {"loss", "score", "wasserstein"} <= set(event["metrics"])


def test_files_are_whole_and_match_their_digests(finished):
    directory, _ = finished
    result = json.loads((directory / "result.json").read_text())
    assert result["status"] == "done" and result["protocol"] == "driftline-trainer/1"
    for part in ("model", "reference", "weights"):
        content = (directory / result[part]["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == result[part]["sha256"]
    assert {path.name for path in directory.iterdir()} == {
        "job.json",
        "model.onnx",
        "reference.safetensors",
        "result.json",
        "weights.safetensors",
    }


def test_training_lowers_the_score(finished):
    directory, _ = finished
    history = json.loads((directory / "result.json").read_text())["history"]
    assert history[-1]["score"] < 0.9 * history[0]["score"]


def test_onnx_runtime_reproduces_the_reference(finished):
    directory, _ = finished
    result = json.loads((directory / "result.json").read_text())
    assert result["parity"]["passed"] and result["parity"]["rows"] >= 200
    reference = load_file(directory / "reference.safetensors")
    session = onnxruntime.InferenceSession(directory / "model.onnx")
    for entry, spec in zip(session.get_inputs(), result["signature"]["inputs"], strict=True):
        assert [entry.name, entry.shape] == [spec["name"], spec["shape"]]
    inputs = {name: reference[name] for name in ("features", "latent")}
    [response] = session.run(["response"], inputs)
    np.testing.assert_allclose(response, reference["response"], rtol=1e-5, atol=1e-5)
    [one] = session.run(["response"], {name: value[:1] for name, value in inputs.items()})
    np.testing.assert_allclose(one[0], reference["response"][0], rtol=1e-5, atol=1e-5)


def test_sigterm_saves_a_checkpoint(dataset, tmp_path):
    process = start(tmp_path, make_job(dataset, hyperparameters=ENDLESS))
    for line in process.stdout:
        if json.loads(line)["event"] == "epoch":
            process.send_signal(signal.SIGTERM)
            break
    status, events, errors = finish(process)
    assert status == 143, errors
    assert [event["event"] for event in events[-2:]] == ["checkpoint", "stopped"]
    assert {path.name for path in tmp_path.iterdir()} == {"job.json", "checkpoint.safetensors"}


def test_it_ends_when_its_input_closes(dataset, tmp_path):
    process = start(tmp_path, make_job(dataset, hyperparameters=ENDLESS))
    for line in process.stdout:
        if json.loads(line)["event"] == "epoch":
            break
    process.stdin.close()
    begun = time.monotonic()
    assert process.wait(10) == 143
    assert time.monotonic() - begun < 3
    process.stdout.close()
    process.stderr.close()


def test_a_bad_job_is_refused_with_the_field_and_status_two(dataset, tmp_path):
    job = make_job(dataset, hyperparameters={"learningrate": 1e-3})
    status, events, _ = finish(start(tmp_path, job))
    assert status == 2
    event = events[-1]
    assert event["event"] == "error" and event["code"] == "job_invalid"
    assert event["field"] == "hyperparameters.learningrate" and "'learning_rate'" in event["message"]
    assert event["remedy"]
    assert {path.name for path in tmp_path.iterdir()} == {"job.json"}


def test_a_job_can_be_checked_without_data_and_without_jax(tmp_path):
    program = (
        "import sys; from driftline_trainer.__main__ import main; status = main(['--check']); "
        "print('jax' in sys.modules, file=sys.stderr); sys.exit(status)"
    )

    def check(**hyperparameters) -> tuple[int, list[dict], str]:
        job = make_job(tmp_path / "nowhere", hyperparameters=hyperparameters)
        return finish(start(tmp_path, job, "-c", program))

    status, [event], imported = check(**SMALL)
    assert (status, event["event"], imported) == (0, "check", "False\n")
    assert re.fullmatch("[0-9a-f]{64}", event["architecture"])
    status, [event], imported = check(shaped=["tim"])
    assert (status, imported) == (2, "False\n")
    assert event["field"] == "hyperparameters.shaped" and "'time'" in event["message"]
    assert {path.name for path in tmp_path.iterdir()} == {"job.json"}


def test_what_the_machine_did_can_be_tried_again():
    with pytest.raises(OSError) as full:
        Path("/dev/full").write_bytes(b"x")
    reading, writing = os.pipe()
    assert Events(writing).failed(full.value) == 75
    os.close(writing)
    event = json.loads(os.read(reading, 4096))
    os.close(reading)
    assert event["code"] == "trainer_temporary" and "No space left" in event["message"]
