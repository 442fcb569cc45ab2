"""Two-sample tests: how well boosted trees tell one sample from another, as the area under the ROC curve.

Run as `python -m driftline_trainer.two_sample DIRECTORY`. DIRECTORY holds job.json and samples.safetensors;
result.json is written there. Two samples of one distribution give 0.5; docs/validation.md says how the samples
are made.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file

from .lifetime import claim_stdout, end_with_parent
from .protocol import Events, TrainerError

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

PROTOCOL = "driftline-two-sample/1"
PROGRESS, LEAVES, L2 = 9.0, 15, 1.0
"""Learning rate times rounds: with 150 rounds the rate is 0.06."""


def classifier(seed: int, rounds: int) -> "HistGradientBoostingClassifier":
    # Here, because its OpenMP reads the environment when it is loaded: see `one_thread_each`.
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=PROGRESS / rounds,
        max_leaf_nodes=LEAVES,
        l2_regularization=L2,
        early_stopping=False,
        random_state=seed,
    )


def one_thread_each() -> int:
    """The threads to use, from OMP_NUM_THREADS: one for each classifier at work, none shared.

    Threads that train one classifier together wait for each other thousands of times, spinning; on a busy
    machine that takes twice the processor time. To be called before scikit-learn is imported.
    """
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    os.environ["OMP_NUM_THREADS"] = "1"
    return max(1, threads)


class RankedScores:
    """Scores of two samples, sorted once, so that each resampling costs a pass over them and no sort."""

    def __init__(self, scores_a: np.ndarray, scores_b: np.ndarray) -> None:
        values, place = np.unique(np.concatenate([scores_a, scores_b]), return_inverse=True)
        self._values = len(values)
        self._place_a, self._place_b = place[: len(scores_a)], place[len(scores_a) :]

    def area(self, weights_a: np.ndarray | None = None, weights_b: np.ndarray | None = None) -> float:
        """P(b scores above a) + P(equal)/2: the Mann-Whitney statistic over its maximum, weighted."""
        a = np.bincount(self._place_a, weights_a, self._values)
        b = np.bincount(self._place_b, weights_b, self._values)
        below = np.cumsum(a) - a
        return float(np.sum(b * (below + a / 2)) / (a.sum() * b.sum()))


def bootstrap_interval(
    ranked: RankedScores,
    rows: tuple[int, int],
    events: tuple[int, int],
    *,
    paired: bool,
    resamplings: int,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Central 95 % over resampled events. Row r belongs to event r mod events: all draws of an event stay
    together, and where the samples are `paired` (made at the same inputs) so do its rows in both."""
    areas = np.empty(resamplings)
    for k in range(resamplings):
        counts_a = np.bincount(generator.integers(events[0], size=events[0]), minlength=events[0])
        counts_b = (
            counts_a if paired else np.bincount(generator.integers(events[1], size=events[1]), minlength=events[1])
        )
        areas[k] = ranked.area(
            np.resize(counts_a, rows[0]).astype(float),
            np.resize(counts_b, rows[1]).astype(float),
        )
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


def run_test(
    test: dict[str, Any],
    samples: dict[str, np.ndarray],
    columns: dict[str, list[int]],
    rounds: int,
    resamplings: int,
    seed: int,
) -> dict[str, Any]:
    used = columns[test["columns"]]
    train_a, train_b = (samples[name][:, used] for name in test["train"])
    test_a, test_b = (samples[name][:, used] for name in test["test"])
    model = classifier(seed, rounds)
    model.fit(
        np.concatenate([train_a, train_b]),
        np.concatenate([np.zeros(len(train_a)), np.ones(len(train_b))]),
    )
    ranked = RankedScores(model.decision_function(test_a), model.decision_function(test_b))
    interval = bootstrap_interval(
        ranked,
        (len(test_a), len(test_b)),
        (test["events"][0], test["events"][1]),
        paired=test["paired"],
        resamplings=resamplings,
        generator=np.random.default_rng([seed, 1]),
    )
    return {
        "name": test["name"],
        "columns": test["columns"],
        "auc": ranked.area(),
        "interval": interval,
    }


def run(directory: Path, events: Events, threads: int) -> None:
    job = json.loads((directory / "job.json").read_text())
    if job.get("protocol") != PROTOCOL:
        raise TrainerError(
            "job_invalid",
            f"Reading job.json: protocol: it is {job.get('protocol')!r}, this program speaks {PROTOCOL!r}.",
            field="protocol",
            remedy="Use the trainer that belongs to this version of Driftline.",
        )
    samples = load_file(directory / "samples.safetensors")
    for name, values in samples.items():
        if not np.isfinite(values).all():
            raise TrainerError(
                "job_invalid",
                f"Reading samples.safetensors: {name} holds values that are not finite.",
                field=name,
                remedy="This is a fault of whoever wrote the samples.",
            )
    started = time.perf_counter()
    results = []
    with ThreadPoolExecutor(threads) as pool:
        for outcome in pool.map(
            lambda test: run_test(test, samples, job["columns"], job["rounds"], job["resamplings"], job["seed"]),
            job["tests"],
        ):
            results.append(outcome)
            events.emit("progress", done=len(results), of=len(job["tests"]), message=outcome["name"])
    result = {
        "protocol": PROTOCOL,
        "tests": results,
        "seconds": time.perf_counter() - started,
    }
    partial = directory / "result.json.partial"
    partial.write_text(json.dumps(result, allow_nan=False, indent=2) + "\n")
    partial.replace(directory / "result.json")
    events.emit("done")


def main(arguments: list[str]) -> int:
    end_with_parent()
    events = Events(claim_stdout())
    threads = one_thread_each()
    try:
        run(Path(arguments[0]), events, threads)
    except Exception as error:
        return events.failed(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
