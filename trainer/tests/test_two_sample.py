"""The two-sample test against scikit-learn's own figures and against a case with a known answer."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.metrics import roc_auc_score

from driftline_trainer.two_sample import PROTOCOL, RankedScores, bootstrap_interval

SOURCES = Path(__file__).parents[1] / "src"


def test_area_is_that_of_scikit_learn_with_ties_and_weights() -> None:
    generator = np.random.default_rng(1)
    a, b = (
        generator.integers(0, 30, 400).astype(float),
        generator.integers(5, 35, 700).astype(float),
    )
    weights_a, weights_b = (
        generator.integers(0, 4, 400).astype(float),
        generator.integers(0, 4, 700).astype(float),
    )
    labels, scores = np.r_[np.zeros(400), np.ones(700)], np.r_[a, b]
    ranked = RankedScores(a, b)
    assert ranked.area() == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    weighted = roc_auc_score(labels, scores, sample_weight=np.r_[weights_a, weights_b])
    assert ranked.area(weights_a, weights_b) == pytest.approx(weighted, abs=1e-12)


def test_interval_has_the_width_of_hanley_and_mcneil() -> None:
    # Radiology 143, 29 (1982): standard error of an AUC of independent samples.
    generator = np.random.default_rng(2)
    n = 1000
    a, b = generator.normal(0, 1, n), generator.normal(1, 1, n)
    ranked = RankedScores(a, b)
    area = ranked.area()
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    error = math.sqrt((area * (1 - area) + (n - 1) * (q1 - area**2 + q2 - area**2)) / n**2)
    low, high = bootstrap_interval(
        ranked,
        (n, n),
        (n, n),
        paired=False,
        resamplings=400,
        generator=np.random.default_rng(3),
    )
    # 400 resamplings know a 95 % width to about 6 %; the formula is approximate besides.
    assert (high - low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.2)
    assert low < area < high


def test_draws_of_an_event_are_resampled_together() -> None:
    # Five copies of every event carry no more than one: an interval that took them apart would be √5 narrower.
    generator = np.random.default_rng(4)
    a, b = generator.normal(0, 1, 300), generator.normal(0.5, 1, 300)

    def width(copies: int, events: int) -> float:
        low, high = bootstrap_interval(
            RankedScores(a, np.tile(b, copies)),
            (300, 300 * copies),
            (300, events),
            paired=False,
            resamplings=400,
            generator=np.random.default_rng(5),
        )
        return high - low

    assert width(5, 300) == pytest.approx(width(1, 300), rel=1e-9)
    assert width(5, 1500) < 0.9 * width(5, 300)


def write_job(directory: Path, samples: dict[str, np.ndarray], protocol: str = PROTOCOL) -> None:
    save_file(
        {name: value.astype(np.float32) for name, value in samples.items()},
        directory / "samples.safetensors",
    )
    events = [len(samples["test_a"]), len(samples["test_b"])]
    tests = [
        {
            "name": name,
            "columns": name,
            "train": ["train_a", "train_b"],
            "test": ["test_a", "test_b"],
            "events": events,
            "paired": False,
        }
        for name in ("shifted", "equal")
    ]
    columns = {"shifted": [0], "equal": [1]}
    job = {
        "protocol": protocol,
        "columns": columns,
        "tests": tests,
        "rounds": 150,
        "resamplings": 100,
        "seed": 1,
    }
    (directory / "job.json").write_text(json.dumps(job))


def normal_samples(shift: float) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(6)
    sizes = {"train_a": 3000, "train_b": 3000, "test_a": 2000, "test_b": 2000}
    samples = {name: generator.normal(size=(rows, 2)) for name, rows in sizes.items()}
    for name in ("train_b", "test_b"):
        samples[name][:, 0] += shift
    return samples


def run_open(directory: Path) -> tuple[int, str]:
    # Standard input stays open while it runs: closing it ends the program.
    process = subprocess.Popen(
        [sys.executable, "-m", "driftline_trainer.two_sample", str(directory)],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "2"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    return process.wait(timeout=120), output


def test_shifted_normals_give_the_known_area(tmp_path: Path) -> None:
    write_job(tmp_path, normal_samples(1.0))
    status, output = run_open(tmp_path)
    assert status == 0
    events = [json.loads(line) for line in output.splitlines()]
    assert [event["event"] for event in events] == ["progress", "progress", "done"]
    shifted, equal = json.loads((tmp_path / "result.json").read_text())["tests"]
    # Best possible area Φ(1/√2) = 0.7602; its error for 2 × 2,000 events is 0.0075, and 150 trees lose a little.
    best = 0.5 * (1 + math.erf(0.5))
    assert best - 0.03 < shifted["auc"] < best + 0.022
    assert shifted["interval"][0] < shifted["auc"] < shifted["interval"][1]
    # Error 0.0091: 4 of them, a false alarm in 16,000 seeds.
    assert abs(equal["auc"] - 0.5) < 0.037


def test_another_protocol_is_refused_with_its_name(tmp_path: Path) -> None:
    write_job(tmp_path, normal_samples(0), protocol="driftline-two-sample/9")
    status, output = run_open(tmp_path)
    assert status == 1
    error = json.loads(output.splitlines()[-1])
    assert (error["event"], error["field"]) == ("error", "protocol")
    assert "driftline-two-sample/9" in error["message"]


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    samples = normal_samples(0)
    samples["test_b"][3, 0] = np.nan
    write_job(tmp_path, samples)
    status, output = run_open(tmp_path)
    assert status == 1
    assert json.loads(output.splitlines()[-1])["field"] == "test_b"
