"""A generator's or predictor's graph in ONNX Runtime: what its inputs and outputs are, and how rows go through it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.errors import DriftlineError
from driftline.manifest import MODEL_FILE
from driftline.onnx_guard import refuse_external_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Rows that go through the graph at once: what is between the operators stays in a core's cache.
PIECE_ROWS = 256


@dataclass(frozen=True)
class Session:
    """One input of features, perhaps one of noise named ``latent``, one output; all float32 [batch, …]."""

    runtime: Any
    features: str
    feature_width: int
    latent_width: int
    output: str
    #: Shape of one row of the output, such as (8, 16).
    output_shape: tuple[int, ...]

    def run(self, features: NDArray[np.float32], latent: NDArray[np.float32]) -> NDArray[np.float32]:
        """Responses [n, *output_shape] of features [n, feature_width] and latent [n, latent_width]."""
        rows = len(features)
        result = np.empty((rows, *self.output_shape), np.float32)
        for first in range(0, rows, PIECE_ROWS):
            piece = slice(first, first + PIECE_ROWS)
            feeds = {self.features: features[piece]}
            if self.latent_width:
                feeds["latent"] = latent[piece]
            (values,) = self.runtime.run([self.output], feeds)
            if values.shape != result[piece].shape:
                raise _unusable(f"{len(features[piece])} rows gave an output of shape {list(values.shape)}")
            result[piece] = values
        return result


def open_session(model: bytes, threads: int) -> Session:
    """Loads the bytes of a model, which must have been verified. Raises ``invalid_bundle``, ``usage``."""
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= 1024:
        raise DriftlineError(
            "usage",
            f"{threads!r:.80} is no number of threads.",
            field="threads",
            remedy="Give a whole number from 1 to 1024.",
        )
    refuse_external_data(model, MODEL_FILE)
    onnxruntime = _onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        runtime = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's classes of errors have no common base
        raise _unusable(f"ONNX Runtime cannot load it: {error}") from error
    inputs, outputs = runtime.get_inputs(), runtime.get_outputs()
    latent = [value for value in inputs if value.name == "latent"]
    features = [value for value in inputs if value.name != "latent"]
    if len(features) != 1 or len(outputs) != 1:
        names = f"{', '.join(v.name for v in inputs)} -> {', '.join(v.name for v in outputs)}"
        raise _unusable(f"it must have one input besides `latent` and one output; it has {names}")
    return Session(
        runtime,
        features=features[0].name,
        feature_width=_row_shape(features[0], rank=1)[0],
        latent_width=_row_shape(latent[0], rank=1)[0] if latent else 0,
        output=outputs[0].name,
        output_shape=_row_shape(outputs[0]),
    )


def _onnx_runtime() -> Any:
    """The runtime, loaded on first use: who only asks for models or keys does not wait for it.

    Its builds of 1.30 collect telemetry unless they are told not to before they are loaded: they give the machine a
    number, keep a database in the user's home, and send it. A job does neither, unless who runs it says so.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def _row_shape(value: Any, rank: int | None = None) -> tuple[int, ...]:
    """Shape without the batch dimension, which must be the only free one."""
    batch, row = (value.shape or [0])[0], tuple((value.shape or [0])[1:])
    fixed = all(isinstance(size, int) and size > 0 for size in row)
    if value.type != "tensor(float)" or isinstance(batch, int) or not fixed or rank not in (None, len(row)):
        shape = ", ".join("?" if size is None else str(size) for size in value.shape)
        wanted = "n" if rank == 1 else "…"
        raise _unusable(f"`{value.name}` is {value.type} [{shape}]; it must be float32 [batch, {wanted}]")
    return row


def replay(
    session: Session, tensors: dict[str, NDArray[Any]], absolute: float, relative: float
) -> tuple[float, float, float, int] | None:
    """Feeds the reference inputs to the model and compares: None where all outputs are within the tolerance.

    Otherwise the worst one: what was expected, the tolerance there, what was found, and the row.
    Raises ValueError where the reference lacks a tensor.
    """
    rows = len(tensors[session.features]) if session.features in tensors else 0
    if rows == 0:
        raise ValueError(f"it has no rows of `{session.features}`")
    features = _float32(tensors, session.features, (rows, session.feature_width))
    latent = np.empty((rows, 0), np.float32)
    if session.latent_width:
        latent = _float32(tensors, "latent", (rows, session.latent_width))
    expected = _float32(tensors, session.output, (rows, *session.output_shape)).astype(np.float64)
    found = session.run(features, latent).astype(np.float64)
    allowed = absolute + relative * np.abs(expected)
    with np.errstate(invalid="ignore"):
        excess = np.abs(found - expected) - allowed
    # Written so that a NaN counts as a deviation.
    wrong = ~(excess <= 0)
    if not wrong.any():
        return None
    worst = int(np.where(np.isnan(excess), np.inf, excess).argmax())
    row = worst // math.prod(session.output_shape)
    return float(expected.flat[worst]), float(allowed.flat[worst]), float(found.flat[worst]), row


def _float32(tensors: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    tensor = tensors.get(name)
    if tensor is not None and tensor.dtype == np.float32 and tensor.shape == shape:
        return tensor
    found = "nothing" if tensor is None else f"{tensor.dtype} {list(tensor.shape)}"
    raise ValueError(f"it must hold `{name}` as F32 {list(shape)}; it holds {found}")


def _unusable(what: str) -> DriftlineError:
    return DriftlineError(
        "invalid_bundle",
        f"{MODEL_FILE} is not a usable model: {what}.",
        field=MODEL_FILE,
        remedy="Export it as ONNX with float32 features [batch, n], latent [batch, m] and one output [batch, …].",
    )
