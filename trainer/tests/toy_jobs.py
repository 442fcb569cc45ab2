"""A small dataset whose law is known, jobs for it, and a way to run the trainer as the platform does."""

import atexit
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from driftline_trainer.lifetime import StopRequest

# Many tests compile the same small programs: XLA keeps them for the length of the session.
CACHE = tempfile.mkdtemp(prefix="driftline-trainer-tests-")
os.environ["JAX_COMPILATION_CACHE_DIR"] = CACHE
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "0"
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)

# Devices for the shares of a batch, as __main__.py has them.
os.environ["JAX_NUM_CPU_DEVICES"] = "2"

SOURCES = Path(__file__).parents[1] / "src"
SMALL = {
    "steps": 60,
    "evaluations": 3,
    "batch": 32,
    "width": 16,
    "depth": 1,
    "clouds": 2,
    "latents": 4,
    "learning_rate": 0.01,
    "average": 0.9,
    "shaped": ["time"],
}
CRITIC = {
    "steps": 400,
    "evaluations": 4,
    "batch": 16,
    "critic_updates": 2,
    "latents": 4,
    "learning_rate": 2e-3,
    "seconds": 1000,  # no limit: compiling takes long on a busy machine
}


class StopAfter(StopRequest):
    """A request that comes after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls

    def __bool__(self) -> bool:
        self.calls -= 1
        return self.calls < 0


def toy_rows(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """One Gaussian cloud a track, slanted with the two angles, of log-normal charge; cut at 1 ADC."""
    rng = np.random.default_rng(seed)
    features = np.stack(
        [
            rng.uniform(-20, 20, rows),
            rng.uniform(-60, 60, rows),
            rng.uniform(35, 290, rows),
            rng.uniform(27, 42, rows),
            np.full(rows, 23.0),
            np.full(rows, 0.478),
        ],
        axis=1,
    ).astype(np.float32)
    fractions = features[:, [3, 2]] - np.trunc(features[:, [3, 2]])
    slant = np.sin(np.radians(features[:, 0])) * np.sin(np.radians(features[:, 1]))
    x = np.arange(8) - 3 - fractions[:, :1] - 0.1 * rng.standard_normal((rows, 1))
    y = np.arange(16) - 7 - fractions[:, 1:] - 0.2 * rng.standard_normal((rows, 1))
    shape = np.exp(
        -(x[:, :, None] ** 2) / 0.6 - y[:, None, :] ** 2 / 2.7 + slant[:, None, None] * x[:, :, None] * y[:, None, :]
    )
    response = np.exp(4.5 + 0.5 * rng.standard_normal((rows, 1, 1))) * shape
    return features, np.where(response >= 1, response, 0).astype(np.float32)


def write_dataset(directory: Path, features: np.ndarray, response: np.ndarray, split: np.ndarray) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    shards = []
    for index, rows in enumerate(np.array_split(np.arange(len(features)), 2)):
        content = save(
            {
                "features": features[rows],
                "response": response[rows],
                "id": rows.astype(np.int64),
                "split": split[rows].astype(np.uint8),
            }
        )
        path = directory / f"shard-{index:05d}.safetensors"
        path.write_bytes(content)
        shards.append(
            {
                "path": path.name,
                "rows": len(rows),
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    manifest = {"scheme": "driftline-dataset/1", "rows": len(features), "shards": shards}
    (directory / "dataset.json").write_text(json.dumps(manifest))


def make_job(dataset: Path, **changes) -> dict:
    domain = {
        "crossing_angle": ("deg", -20, 20),
        "dip_angle": ("deg", -60, 60),
        "drift_length": ("bin", 35, 290),
        "pad_coordinate": ("pad", 27, 42),
        "pad_row": ("1", 0, 52),
        "pt": ("GeV/c", 0.2, 2.5),
    }
    job = {
        "protocol": "driftline-trainer/1",
        "dataset": str(dataset),
        "model": "energy-score",
        "hyperparameters": SMALL,
        "seed": 1,
        "threads": 1,
        "inputs": [
            {"name": name, "unit": unit, "low": low, "high": high, "integer": name == "pad_row"}
            for name, (unit, low, high) in domain.items()
        ],
        "output": {
            "name": "response",
            "unit": "ADC",
            "axes": [
                {"name": "pad", "size": 8, "coordinate": "pad_coordinate", "first": -3},
                {"name": "time", "size": 16, "coordinate": "drift_length", "first": -7},
            ],
            "threshold": 1.0,
            "noise": 0.0,
            "saturation": 1023,
        },
        "opset": 18,
    }
    return {**job, **changes}


def start(directory: Path, job: dict, *program: str) -> subprocess.Popen:
    """The trainer, or another Python program, in a process of its own; its standard input stays open until somebody
    closes it."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "job.json").write_text(json.dumps(job))
    return subprocess.Popen(
        [sys.executable, *(program or ("-m", "driftline_trainer"))],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen, timeout: float = 120) -> tuple[int, list[dict], str]:
    """Exit status, events, and what was written to standard error."""
    assert process.stdout is not None and process.stderr is not None
    try:
        events = [json.loads(line) for line in process.stdout]
        errors = process.stderr.read()
        return process.wait(timeout), events, errors
    finally:
        process.kill()
