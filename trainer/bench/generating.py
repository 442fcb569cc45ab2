"""Time a response takes in ONNX Runtime on one core: `python trainer/bench/generating.py JOB_DIRECTORY`."""

import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

BATCH, RUNS = 256, 400


def main(directory: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(directory / "model.onnx", options, providers=["CPUExecutionProvider"])
    reference = load_file(directory / "reference.safetensors")
    rows = np.resize(np.arange(len(reference["features"])), BATCH)
    inputs = {name: reference[name][rows] for name in ("features", "latent")}
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        session.run(["response"], inputs)
        times.append((time.perf_counter() - begun) / BATCH * 1e6)
    print(f"{np.median(times):.2f} µs a response (median of {RUNS} batches of {BATCH}; fastest {min(times):.2f})")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
