"""Weights to files: model.onnx, checked against JAX, and reference.safetensors with rows that it must reproduce."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import jax2onnx
import numpy as np
import onnx
import onnxruntime
from jax2onnx.plugins import plugin_system
from jaxtyping import Array, Float
from safetensors.numpy import save

from .files import write_atomically
from .job import Job
from .protocol import TrainerError

MODEL, REFERENCE = "model.onnx", "reference.safetensors"
IR_VERSION = 8
"""The one that came with opset 18; runtimes of experiments are years old."""
PARITY_ROWS, REFERENCE_ROWS = 256, 48
ABSOLUTE = RELATIVE = 1e-5
"""Tolerance: |a - b| <= ABSOLUTE + RELATIVE |b|."""
NEAR_THRESHOLD = 1e-4
"""Rows with an amplitude so close to the threshold (relatively) may be cut by one side and not by the other."""


@dataclass(frozen=True)
class Export:
    operators: dict[str, int]
    parity: dict[str, float | int | bool]


def export(job: Job, generator, encoding, features: np.ndarray, directory: Path) -> Export:
    """Writes the two files. `features` [n, inputs] are training rows to compare on. Throws `export_failed`."""

    def respond(features: Float[Array, "n inputs"], latent: Float[Array, "n latents"]) -> Float[Array, "n a b"]:
        return generator(features, encoding.fractions(features), latent)

    model = to_onnx(job, respond, generator.latents)
    content = model.SerializeToString()
    session = open_session(content)
    rng = np.random.default_rng([job.seed, 18])
    rows = features[rng.integers(0, len(features), 2 * PARITY_ROWS)]
    latent = rng.standard_normal((len(rows), generator.latents), dtype=np.float32)
    clear = away_from_threshold(job, generator, encoding, rows, latent)
    rows, latent = rows[clear][:PARITY_ROWS], latent[clear][:PARITY_ROWS]
    served = session.run(["response"], {"features": rows, "latent": latent})[0]
    parity = compare(served, np.asarray(answers(generator, encoding, rows, latent)))
    if not parity["passed"]:
        raise TrainerError(
            "export_failed",
            f"Exporting the model: ONNX Runtime and JAX differ by up to {parity['maxAbsolute']:.3g}"
            f" ({parity['maxRelative']:.3g} of the value).",
            remedy="This is a fault of the trainer; another seed may pass. Please report it.",
        )
    n = REFERENCE_ROWS
    reference = {"features": rows[:n], "latent": latent[:n], "response": served[:n]}
    write_atomically(directory / MODEL, content)
    write_atomically(directory / REFERENCE, save({k: np.ascontiguousarray(v) for k, v in reference.items()}))
    return Export(dict(sorted(Counter(node.op_type for node in model.graph.node).items())), parity)


@eqx.filter_jit
def answers(
    generator, encoding, features: Float[Array, "n inputs"], latent: Float[Array, "n latents"]
) -> Float[Array, "n a b"]:
    """The weights are an argument, so that the compiled program serves every model of the same shape."""
    return generator(features, encoding.fractions(features), latent)


def to_onnx(job: Job, respond, latents: int) -> onnx.ModelProto:
    load_converters()
    model = jax2onnx.to_onnx(
        respond,
        inputs=[("batch", len(job.inputs)), ("batch", latents)],
        model_name="driftline",
        opset=job.opset,
        input_names=["features", "latent"],
        output_names=["response"],
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def load_converters() -> None:
    """Converters of JAX's own operations. By itself jax2onnx would load all that it has, with those of other libraries
    and hundreds of examples: 12 s of CPU in place of 1."""
    if plugin_system._already_imported_plugins:
        return
    directory = Path(plugin_system.__file__).parent / "jax"
    plugin_system._import_tree(directory, "jax2onnx.plugins.jax")
    plugin_system._already_imported_plugins = True


def open_session(content: bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def compare(served: np.ndarray, expected: np.ndarray) -> dict[str, float | int | bool]:
    difference = np.abs(served.astype(np.float64) - expected)
    return {
        "rows": len(served),
        "maxAbsolute": float(difference.max()),
        "maxRelative": float((difference / np.maximum(np.abs(expected), 1e-12))[expected != 0].max(initial=0)),
        "absolute": ABSOLUTE,
        "relative": RELATIVE,
        "passed": bool((difference <= ABSOLUTE + RELATIVE * np.abs(expected)).all()),
    }


def away_from_threshold(job: Job, generator, encoding, rows: np.ndarray, latent: np.ndarray) -> np.ndarray:
    """Which rows have no cell within `NEAR_THRESHOLD` of the cut: where moving the cut a little changes no cell."""
    fractions = encoding.fractions(jnp.asarray(rows))

    def cells(factor: float) -> np.ndarray:
        readout = replace(generator.readout, threshold=job.output.threshold * factor)
        moved = replace(generator, readout=readout)
        return np.asarray(eqx.filter_jit(moved)(jnp.asarray(rows), fractions, jnp.asarray(latent)) > 0)

    return (cells(1 - NEAR_THRESHOLD) == cells(1 + NEAR_THRESHOLD)).all((1, 2))


def signature(job: Job, latents: int) -> dict[str, list[dict]]:
    """Inputs and outputs as the bundle's manifest has them."""
    columns = [{"name": i.name, "unit": i.unit, "low": i.low, "high": i.high} for i in job.inputs]
    return {
        "inputs": [
            {
                "name": "features",
                "dtype": "float32",
                "shape": ["batch", len(columns)],
                "unit": "",
                "columns": columns,
            },
            {"name": "latent", "dtype": "float32", "shape": ["batch", latents], "unit": "1"},
        ],
        "outputs": [
            {
                "name": "response",
                "dtype": "float32",
                "shape": ["batch", *job.output.shape],
                "unit": job.output.unit,
            }
        ],
    }
