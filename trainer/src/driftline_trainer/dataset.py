"""Reads the training and validation rows of a dataset (dataset.json beside safetensors shards). Never the test rows."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from .job import Job
from .protocol import TrainerError, is_temporary

SCHEME = "driftline-dataset/1"
TRAIN, VALIDATION = 0, 1


@dataclass(frozen=True)
class Rows:
    """Features [n, inputs] in physical units and responses [n, axis 0, axis 1], both float32."""

    features: np.ndarray
    responses: np.ndarray

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Dataset:
    train: Rows
    validation: Rows


def read_dataset(job: Job) -> Dataset:
    """Throws TrainerError `dataset_invalid`. Amplitudes below the job's threshold are read as zero."""
    parts: dict[int, list[Rows]] = {TRAIN: [], VALIDATION: []}
    for path in _shards(job.dataset):
        tensors = load(path)
        for name, shape in (("features", (len(job.inputs),)), ("response", job.output.shape), ("split", ())):
            if name not in tensors:
                raise _invalid(job.dataset, f"a shard has no tensor {name!r}")
            if tensors[name].shape[1:] != shape:
                raise _invalid(
                    job.dataset,
                    f"rows of {name!r} have shape {tensors[name].shape[1:]}, the job says {shape}",
                )
        for split, found in parts.items():
            chosen = tensors["split"] == split
            found.append(Rows(tensors["features"][chosen], tensors["response"][chosen]))
    train, validation = (_join(parts[split], job, name) for split, name in ((0, "train"), (1, "validation")))
    return Dataset(train, validation)


def _shards(directory: Path):
    path = directory / "dataset.json"
    try:
        manifest = json.loads(path.read_bytes())
        entries = [(entry["path"], entry["sha256"]) for entry in manifest["shards"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if is_temporary(error):
            raise
        raise _invalid(directory, f"{path} cannot be read: {error!r}") from None
    if manifest.get("scheme") != SCHEME:
        raise _invalid(directory, f"its scheme is {manifest.get('scheme')!r}, not {SCHEME!r}")
    for name, digest in entries:
        try:
            content = (directory / name).read_bytes()
        except OSError as error:
            if is_temporary(error):
                raise
            raise _invalid(directory, f"shard {name} cannot be read: {error}") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise _invalid(directory, f"shard {name} does not match its SHA-256")
        yield content


def _join(parts: list[Rows], job: Job, split: str) -> Rows:
    features = np.concatenate([part.features for part in parts]).astype(np.float32)
    responses = np.concatenate([part.responses for part in parts]).astype(np.float32)
    if len(features) < 16:
        raise _invalid(job.dataset, f"there are {len(features)} {split} rows; at least 16 are needed")
    if not (np.isfinite(features).all() and np.isfinite(responses).all()):
        raise _invalid(job.dataset, f"the {split} rows have values that are not finite")
    return Rows(features, np.where(responses >= job.output.threshold, responses, np.float32(0)))


def _invalid(directory: Path, detail: str) -> TrainerError:
    return TrainerError(
        "dataset_invalid",
        f"Reading the dataset {directory}: {detail}.",
        field="dataset",
        remedy="Make the dataset anew; its format is in docs/formats.md.",
        status=2,
    )
