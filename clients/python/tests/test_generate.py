"""Samples: the same as the TypeScript client's, whatever the batches and threads; features by name; the domain."""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support import HERE, Published, run_node

import driftline
from driftline.model import Model

ROWS = 1000
NAMES = ["crossing_angle", "dip_angle", "drift_length", "pad_coordinate", "pad_row", "pt"]
LOW = np.array([-20, -60, 35, 27, 0, 0.2])
HIGH = np.array([20, 60, 290, 42, 52, 2.5])


@pytest.fixture(scope="module")
def model(published: Published) -> Model:
    return driftline.open(published.bundles[0]["path"]).model("test.tiny")


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(20).uniform(LOW, HIGH, (ROWS, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def events() -> np.ndarray:
    """Negative ones, and beyond 2^53."""
    return np.random.default_rng(21).integers(-(2**63), 2**63 - 1, ROWS)


@pytest.fixture(scope="module")
def theirs(published: Published, features: np.ndarray, events: np.ndarray) -> np.ndarray:
    asked = {
        "bundle": published.bundles[0]["path"],
        "features": features.tolist(),
        "seed": 2**40 + 5,
        "events": [str(event) for event in events],
        "rows": list(range(ROWS)),
    }
    printed = run_node(str(HERE / "generate.ts"), input=json.dumps(asked).encode())
    return np.frombuffer(printed, "<f4").reshape(ROWS, 8, 16)


def assert_same_sample(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The figure of the issue: within 1e-6 + 1e-6 of the value."""
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert (np.abs(ours.astype(float) - theirs) <= 1e-6 + 1e-6 * np.abs(theirs)).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_sample_of_the_typescript_client(
    model: Model, features: np.ndarray, events: np.ndarray, theirs: np.ndarray, batch: int, threads: int
) -> None:
    model.threads = threads
    assert model.threads == threads
    rows = np.arange(ROWS)
    pieces = [slice(first, first + batch) for first in range(0, ROWS, batch)]
    ours = [model.generate(features[p], seed=2**40 + 5, event=events[p], row=rows[p]) for p in pieces]
    assert_same_sample(np.concatenate(ours), theirs)
    assert theirs.std() > 1


def test_threads_can_share_a_model(
    model: Model, features: np.ndarray, events: np.ndarray, theirs: np.ndarray
) -> None:
    def generate(first: int) -> np.ndarray:
        piece = slice(first, first + 50)
        model.threads = 1 + first % 100 // 50
        return model.generate(
            features[piece], seed=2**40 + 5, event=events[piece], row=np.arange(ROWS)[piece]
        )

    with ThreadPoolExecutor(4) as pool:
        assert_same_sample(np.concatenate(list(pool.map(generate, range(0, ROWS, 50)))), theirs)


def test_one_event_number_means_rows_of_one_event(model: Model, features: np.ndarray) -> None:
    first = features[:5]
    together = model.generate(first, seed=1, event=42)
    assert (together == model.generate(first, seed=1, event=[42] * 5, row=range(5))).all()
    assert (together[3:] == model.generate(first[3:], seed=1, event=42, row=[3, 4])).all()
    by_default = model.generate(first, seed=1)
    assert (by_default == model.generate(first, seed=1, event=np.arange(5), row=0)).all()
    assert not (together[1] == by_default[1]).all()
    # The same 64 bits, signed or not.
    assert (
        model.generate(first[:1], seed=1, event=2**64 - 1) == model.generate(first[:1], seed=1, event=-1)
    ).all()
    assert model.generate(first[:0], seed=1, event=7).shape == (0, 8, 16)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"event": [1, 1, 2]}, "event"),  # the same noise twice
        ({"event": [1, 2]}, "event"),
        ({"event": [0.5, 1, 2]}, "event"),
        ({"event": 2**64}, "event"),
        ({"event": [-1, 2**63, 0]}, "event"),  # NumPy makes them float64, which does not hold them
        ({"event": [[1, 2, 3]]}, "event"),
        ({"row": -1}, "row"),
        ({"row": 2**32}, "row"),
        ({"row": "1"}, "row"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**53}, "seed"),
        ({"outside": "never"}, "outside"),
    ],
)
def test_wrong_numbers_are_refused(
    model: Model, features: np.ndarray, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(driftline.DriftlineError) as caught:
        model.generate(features[:3], **{"seed": 1, **arguments})
    assert caught.value.code == "usage"
    assert caught.value.field == field
    assert caught.value.remedy


class Table:
    """What pandas and polars have in common."""

    def __init__(self, columns: dict[str, np.ndarray]):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]


def test_features_by_name_are_put_in_order(model: Model, features: np.ndarray) -> None:
    expected = model.generate(features, seed=1)
    backwards = {name: features[:, i] for i, name in reversed(list(enumerate(NAMES)))}
    assert (model.generate(backwards, seed=1) == expected).all()
    assert (model.generate(Table(backwards), seed=1) == expected).all()
    structured = np.zeros(ROWS, [(name, "f8") for name in reversed(NAMES)])
    for i, name in enumerate(NAMES):
        structured[name] = features[:, i]
    assert (model.generate(structured, seed=1) == expected).all()
    fixed = {**backwards, "pt": 0.5}
    column = features.copy()
    column[:, 5] = 0.5
    assert (model.generate(fixed, seed=1) == model.generate(column, seed=1)).all()
    assert (model.generate(features.tolist(), seed=1) == expected).all()
    assert (model.generate(np.asfortranarray(features.astype(float)), seed=1) == expected).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x: x[:, :5], r"\[3, 5\]"),
        (lambda x: x[0], r"\[6\]"),
        (lambda x: {name: x[:, i] for i, name in enumerate(NAMES[:5])}, "lacks pt"),
        (lambda x: {**dict(zip(NAMES, x.T)), "eta": x[:, 0]}, "unknown eta"),
        (lambda x: {**dict(zip(NAMES, x.T)), "pt": [1, 2]}, "different lengths"),
        (lambda x: dict.fromkeys(NAMES, 1.0), "at least one column"),
        (lambda x: x.astype(str), "type"),
        (lambda x: x.astype(complex), "type"),
    ],
)
def test_other_features_are_refused(model: Model, features: np.ndarray, wrong: object, says: str) -> None:
    with pytest.raises(driftline.DriftlineError, match=says) as caught:
        model.generate(wrong(features[:3]), seed=1)
    assert (caught.value.code, caught.value.field) == ("usage", "features")


def test_what_leaves_the_domain_is_said(model: Model, features: np.ndarray) -> None:
    inside = model.domain.outside(features)
    assert not inside
    assert not inside.rows.any()
    assert str(inside) == "nothing outside"
    odd = features[:6].copy()
    odd[1, 5], odd[2, 5], odd[3, 0], odd[4, 2] = 3.1, 2.6, -25, np.nan
    odd[5] = HIGH.astype(np.float32)  # limits belong to the domain, also where float32 rounds them up
    outside = model.domain.outside(odd)
    assert outside.rows.tolist() == [False, True, True, True, True, False]
    by_name = {each.input: each for each in outside}
    assert sorted(by_name) == ["crossing_angle", "drift_length", "pt"]
    assert str(by_name["pt"]) == "pt: 2 above 2.5 GeV/c (furthest 3.1)"
    assert str(by_name["crossing_angle"]) == "crossing_angle: 1 below -20 deg (furthest -25)"
    assert by_name["drift_length"].not_a_number == 1
    with pytest.warns(driftline.OutsideDomainWarning, match="2 above 2.5 GeV/c") as caught:
        responses = model.generate(odd, seed=1)
    assert responses.shape == (6, 8, 16)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert caught[0].message.outside.rows.tolist() == outside.rows.tolist()
    with pytest.raises(driftline.DriftlineError) as refused:
        model.generate(odd, seed=1, outside="raise")
    assert (refused.value.code, refused.value.field) == ("out_of_range", "crossing_angle")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.generate(odd, seed=1, outside="ignore")
        model.generate(features, seed=1)


def test_a_generator_does_not_predict(model: Model, features: np.ndarray) -> None:
    with pytest.raises(driftline.DriftlineError, match="generate") as caught:
        model.predict(features)
    assert caught.value.code == "usage"


@pytest.mark.parametrize("threads", [0, -1, 1025, 1.0, True])
def test_other_numbers_of_threads_are_refused(model: Model, threads: object) -> None:
    if threads == 1:  # equal to the number that there is
        model.threads = 2
    with pytest.raises(driftline.DriftlineError) as caught:
        model.threads = threads
    assert (caught.value.code, caught.value.field) == ("usage", "threads")
    assert model.threads in (1, 2)


def test_a_model_goes_to_another_process(model: Model, features: np.ndarray) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert (again.generate(features[:9], seed=1) == model.generate(features[:9], seed=1)).all()
    assert (again.digest, again.answer) == (model.digest, model.answer)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_model_survives_a_fork(model: Model, features: np.ndarray) -> None:
    """The threads of ONNX Runtime are not in the child: on the parent's session it would wait for ever."""
    model.threads = 2
    expected = model.generate(features, seed=1)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        same = (model.generate(features, seed=1) == expected).all()
        os.write(theirs, b"same" if same else b"other")
        os._exit(0)
    os.close(theirs)
    ready, _, _ = select.select([ours], [], [], 60)
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert ready, "the child waits for ever"
    assert os.read(ours, 5) == b"same"
    os.close(ours)


def test_what_a_model_says_of_itself(model: Model, published: Published) -> None:
    assert model.digest == published.bundles[0]["digest"]
    assert list(model.inputs) == NAMES
    assert (model.output_shape, model.output_unit, model.latent_width) == ((8, 16), "ADC", 4)
    assert model.conditions["drift_velocity"] == "5.5"
    assert model.digest[:12] in repr(model)
    assert "pt: 0.2 to 2.5 GeV/c" in repr(model.domain)
    assert model.provenance(7) == {
        "family": "test.tiny",
        "key": published.bundles[0]["key"],
        "seed": 7,
        "source": "model",
        "bundle": model.digest,
        "match": "exact",
        "distance": 0.0,
    }


def test_a_sample_is_a_file_as_the_platform_reads_it(
    model: Model, features: np.ndarray, tmp_path: Path
) -> None:
    responses = model.generate(features, seed=7)
    path = tmp_path / "sample.safetensors"
    driftline.write_sample(
        path, features, responses, model.provenance(np.int64(7), firstEvent=0, events=ROWS)
    )
    script = """
        const { readSafetensors } = await import("@driftline/client/safetensors");
        const { tensors, metadata } = await readSafetensors(process.argv[1]);
        const sums = Object.values(tensors).map(({ data }) => data.reduce((sum, value) => sum + value, 0));
        console.log(JSON.stringify([metadata, tensors.response.shape, ...sums]));
    """
    read = json.loads(run_node("--input-type=module", "-e", script, str(path)))
    metadata, shape, *sums = read
    assert metadata == {
        "bundle": model.digest,
        "distance": "0.0",
        "events": "1000",
        "family": "test.tiny",
        "firstEvent": "0",
        "key": model.answer.key,
        "match": "exact",
        "seed": "7",
        "source": "model",
    }
    assert shape == [ROWS, 8, 16]
    assert sums == pytest.approx([features.sum(dtype=float), responses.sum(dtype=float)], rel=1e-12)
    assert [each.name for each in tmp_path.iterdir()] == ["sample.safetensors"]
