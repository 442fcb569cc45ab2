"""Measures the client: start of a job on a snapshot of 10,000 models, noise, and responses.

    python clients/python/bench/client.py BUNDLE_DIRECTORY

The snapshot is made around the bundle, in a temporary folder. Each start is a process of its own; of 21 the medians.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("src", "tests")]

import snapshot_writer

import driftline
from driftline import noise
from driftline.bundle import open_directory

MODELS = 10_000
STARTS = 21

START = """
import sys, time
begun, cpu = time.perf_counter(), time.process_time()
import numpy
numpy_done = time.perf_counter()
import onnxruntime
runtime_done = time.perf_counter()
import driftline
package_done = time.perf_counter()
catalogue = driftline.open(sys.argv[1])
digest = catalogue.resolve(sys.argv[2]).bundle
resolved = time.perf_counter()
model = catalogue.model(sys.argv[2])
loaded = time.perf_counter()
model.generate([[limits.low for limits in model.inputs.values()]], seed=1)
done = time.perf_counter()
ends = [numpy_done, runtime_done, package_done, resolved, loaded, done]
print(*(1e3 * (end - start) for start, end in zip([begun, *ends], ends)), 1e3 * time.process_time())
"""


def main(directory: Path) -> None:
    """Prints all figures."""
    bundle = open_directory(directory)
    with tempfile.TemporaryDirectory() as scratch:
        snapshot = write_snapshot(Path(scratch), directory, bundle)
        starts(snapshot, bundle.manifest.family)
        catalogue = driftline.open(snapshot)
        family = bundle.manifest.family
        first = time.perf_counter()
        catalogue.resolve(family, near(bundle), accept="compatible")
        print(f"first compatible answer of {MODELS:,} models: {1e3 * (time.perf_counter() - first):.0f} ms")
        again = best(lambda: catalogue.resolve(family, near(bundle), accept="compatible"), 1)
        print(
            f"the next ones: {1e3 * again:.1f} ms; exact: {1e6 * best(lambda: catalogue.resolve(family), 1):.0f} us"
        )
        responses(catalogue.model(family))


def near(bundle: driftline.Bundle) -> dict[str, float]:
    """A question inside the domain, if that is more than a point."""
    for name, limits in bundle.manifest.domain_conditions.items():
        if limits.high > float(bundle.manifest.conditions[name]):
            return {name: limits.high}
    sys.exit("The bundle's domain is a point: nothing is compatible with it.")


def write_snapshot(scratch: Path, directory: Path, bundle: driftline.Bundle) -> Path:
    """A snapshot of 10,000 models, of which one is there, under a family made of what the bundle says."""
    manifest = bundle.manifest
    writer = snapshot_writer.Writer(scratch)
    for path in ("bundle.json", *bundle.files):
        writer.blob((directory / path).read_bytes())
    conditions = [
        {
            "name": name,
            "unit": limits.unit if (limits := manifest.domain_conditions.get(name)) else None,
            "nominal": value,
            "grid": "0.01",
            "tolerance": "1",
            "minimum": "0",
            "maximum": "1000000",
        }
        for name, value in manifest.conditions.items()
    ]
    software = [{"name": name, "nominal": value} for name, value in manifest.software.items()]
    family = {
        "name": manifest.family,
        "version": manifest.family_version,
        "conditions": conditions,
        "software": software,
    }
    real: dict[str, Any] = {
        "key": manifest.key,
        "bundle": bundle.digest,
        "createdAt": snapshot_writer.CREATED_AT,
        "binding": MODELS,
        "conditions": manifest.conditions,
        "software": manifest.software,
        "domain": {name: [r.low, r.high] for name, r in manifest.domain_conditions.items()},
        "recipeHash": f"r1-{'0' * 64}",
        "dataSource": "simulator",
        "size": 1_000_000,
    }
    (varied, *_) = manifest.domain_conditions
    models = [real]
    for i in range(1, MODELS):
        name = hashlib.sha256(str(i).encode()).hexdigest()
        elsewhere = {**manifest.conditions, varied: str(1000 + i)}
        domain = {**real["domain"], varied: [1000 + i, 1000 + i]}
        models.append(
            {**real, "key": f"k1-{name}", "bundle": name, "conditions": elsewhere, "domain": domain}
        )
    models.sort(key=lambda model: model["key"])
    return snapshot_writer.write_root(writer, family, models, [])


def starts(snapshot: Path, family: str) -> None:
    """From the start of the interpreter to the first response."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", START, str(snapshot), family]
    rows = []
    for _ in range(STARTS + 1):
        begun = time.perf_counter()
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        rows.append([1e3 * (time.perf_counter() - begun), *map(float, said.split())])
    # The first one writes the byte code.
    columns = ["process", "numpy", "onnxruntime", "driftline", "resolve", "model", "response", "CPU in all"]
    for name, values in zip(columns, zip(*rows[1:])):
        print(f"{name:12} {statistics.median(values):7.1f} ms   ({min(values):.1f} to {max(values):.1f})")


def responses(model: driftline.Model) -> None:
    """Time a response in batches, alone, and of its noise."""
    low, high = (np.array([getattr(r, end) for r in model.inputs.values()]) for end in ("low", "high"))
    count, width = 20_000, model.latent_width
    features = np.random.default_rng(1).uniform(low, high, (count, len(low))).astype(np.float32)
    numbers = np.arange(count)
    together = best(lambda: model.generate(features, seed=1)) / count
    latent = best(lambda: noise.latents(1, numbers, numbers, width)) / count
    uniform = best(lambda: noise.uniforms(1, 0, 0, 1_000_000)) / 1_000_000
    print(
        f"a response of {count}: {1e6 * together:.2f} us, of it noise {1e6 * latent:.2f} us ({width} normals)"
    )
    print(f"a normal {1e9 * latent / width:.1f} ns, a uniform {1e9 * uniform:.1f} ns")
    alone = best(lambda: [model.generate(features[:1], seed=1, event=i) for i in range(200)]) / 200
    print(f"a response alone: {1e6 * alone:.0f} us")


def best(call: Callable[[], object], repeats: int = 7) -> float:
    """Seconds of the fastest of some calls."""
    times = []
    for _ in range(max(3, repeats)):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
