"""A dataset and trained models that several tests share, and a place for what JAX compiles."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from toy_jobs import CRITIC, SMALL, finish, make_job, start, toy_rows, write_dataset

# Before JAX is imported, and for the trainers that tests start: many of them compile the same programs.
_compiled = tempfile.TemporaryDirectory(prefix="driftline-compiled-")
os.environ |= {
    "JAX_COMPILATION_CACHE_DIR": _compiled.name,
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """400 training, 60 validation rows, and 40 test rows full of NaN: whoever reads those is found out."""
    directory = tmp_path_factory.mktemp("data") / "toy"
    features, response = toy_rows(500)
    split = np.repeat([0, 1, 2], [400, 60, 40])
    features[split == 2] = np.nan
    response[split == 2] = np.nan
    order = np.random.default_rng(2).permutation(500)
    write_dataset(directory, features[order], response[order], split[order])
    return directory


@pytest.fixture(scope="session")
def trained(dataset, tmp_path_factory) -> dict[str, tuple[Path, list[dict]]]:
    """A finished job of each model, run side by side in processes of their own, with noise and saturation."""
    running = {}
    for model, hyperparameters in (("energy-score", SMALL), ("wgan-gp", CRITIC)):
        job = make_job(dataset, model=model, hyperparameters=hyperparameters)
        job["output"].update(noise=0.7, threshold=3.0, saturation=60)
        directory = tmp_path_factory.mktemp("job") / model
        running[model] = (directory, start(directory, job))
    done = {}
    for model, (directory, process) in running.items():
        status, events, errors = finish(process)
        assert status == 0, errors
        done[model] = (directory, events)
    return done
