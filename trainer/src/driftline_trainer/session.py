"""One job from job.json to result.json. Imported only after the number of threads has been set."""

import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

from . import PROTOCOL
from .check import architecture
from .checkpoint import NAME as CHECKPOINT
from .checkpoint import Progress
from .dataset import read_dataset
from .energy_score import EnergyScoreModel
from .export import MODEL, REFERENCE, export, signature
from .files import sha256_of, write_atomically
from .job import Job
from .lifetime import StopRequest
from .protocol import Events
from .training import train
from .weights import NAME as WEIGHTS
from .weights import load_weights, save_weights
from .wgan_gp import WganGpModel

MODELS = {"energy-score": EnergyScoreModel, "wgan-gp": WganGpModel}
RECORDED = ("jax", "equinox", "optax", "jax2onnx", "onnx", "onnxruntime", "numpy")


def run(job: Job, directory: Path, events: Events, stop: StopRequest) -> None:
    """Trains, exports, and writes result.json last: where it is, all is. Throws TrainerError and Stopped."""
    begun = time.monotonic()
    (directory / "result.json").unlink(missing_ok=True)
    events.emit("start", protocol=PROTOCOL, model=job.model, seed=job.seed, threads=job.threads)
    data = read_dataset(job)
    model = MODELS[job.model](job, data)
    events.emit(
        "log",
        message=f"{len(data.train)} training rows ({model.rows.features.shape[0]} with symmetries), "
        f"{len(data.validation)} validation rows, {job.threads} threads.",
    )
    parent = None if job.parent is None else load_weights(job, job.parent)
    outcome = train(job, model, directory, events, stop, parent)
    save_weights(directory, job, outcome.weights)
    exported = export(job, outcome.generator, model.encoding, data.train.features, directory)
    progress = outcome.progress
    result = {
        "protocol": PROTOCOL,
        "status": "done",
        "model": {"file": MODEL, "sha256": sha256_of(directory / MODEL)},
        "reference": {"file": REFERENCE, "sha256": sha256_of(directory / REFERENCE)},
        "weights": {"file": WEIGHTS, "sha256": sha256_of(directory / WEIGHTS), "architecture": architecture(job)},
        "parent": None if job.parent is None else {"sha256": job.parent.sha256, "score": progress.parent_score},
        "signature": signature(job, outcome.generator.latents),
        "latents": {
            "total": outcome.generator.latents,
            "noise": outcome.generator.readout.latents,
        },
        "operators": exported.operators,
        "parity": exported.parity,
        "steps": progress.step,
        "ended": ended(progress, model.settings.steps),
        "skippedSteps": progress.skipped,
        "exportedStep": progress.kept_step,
        "exportedScore": progress.kept_score,
        "history": progress.history,
        "seconds": round(progress.seconds, 3),
        "totalSeconds": round(time.monotonic() - begun, 3),
        "seed": job.seed,
        "threads": job.threads,
        "hyperparameters": vars(model.settings),
        "environment": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
    }
    write_atomically(directory / "result.json", (json.dumps(result, indent=2) + "\n").encode())
    (directory / CHECKPOINT).unlink(missing_ok=True)
    events.emit("done", steps=progress.step, exportedStep=progress.kept_step, seconds=result["totalSeconds"])


def ended(progress: Progress, steps: int) -> str:
    """What decided the end."""
    if progress.step < progress.latest:
        return "seconds"
    return "steps" if progress.latest == steps else "patience"
