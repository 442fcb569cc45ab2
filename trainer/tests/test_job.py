"""What job.json and a dataset may not be."""

import json

import numpy as np
import pytest
from toy_jobs import make_job, toy_rows, write_dataset

from driftline_trainer.check import check
from driftline_trainer.dataset import read_dataset
from driftline_trainer.hyperparameters import EnergyScore, read_hyperparameters
from driftline_trainer.job import parse_job, read_job
from driftline_trainer.protocol import TrainerError


def refused(dataset, tmp_path, change) -> TrainerError:
    job = make_job(dataset)
    change(job)
    with pytest.raises(TrainerError) as caught:
        parse_job(json.loads(json.dumps(job)), tmp_path)
    assert caught.value.status == 2 and caught.value.remedy
    assert caught.value.field is not None and caught.value.field in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("protocol", lambda job: job.update(protocol="driftline-trainer/9")),
        ("model", lambda job: job.update(model="energy-scores")),
        ("seed", lambda job: job.update(seed=1.5)),
        ("seed", lambda job: job.pop("seed")),
        ("threads", lambda job: job.update(threads=0)),
        ("opset", lambda job: job.update(opset=11)),
        ("hyperparameters", lambda job: job.update(hyperparameters=[1])),
        ("thread", lambda job: job.update(thread=1)),
        ("inputs", lambda job: job.update(inputs=[])),
        ("inputs", lambda job: job["inputs"].append(job["inputs"][0])),
        ("inputs[1].high", lambda job: job["inputs"][1].update(high=-60)),
        ("inputs[0].low", lambda job: job["inputs"][0].update(low="-20")),
        ("output.axes", lambda job: job["output"]["axes"].pop()),
        ("output.axes[0].coordinate", lambda job: job["output"]["axes"][0].update(coordinate="pad")),
        ("output.axes[1].size", lambda job: job["output"]["axes"][1].update(size=0)),
        ("output.threshold", lambda job: job["output"].update(threshold=0)),
        ("output.noise", lambda job: job["output"].update(noise=-1)),
        ("output.saturation", lambda job: job["output"].update(saturation=0.5)),
    ],
)
def test_a_field_that_cannot_be_is_named(dataset, tmp_path, field, change):
    assert refused(dataset, tmp_path, change).field == field


def test_the_nearest_name_is_offered(dataset, tmp_path):
    error = refused(dataset, tmp_path, lambda job: job.update(model="energy_score"))
    assert "the nearest is 'energy-score'" in error.message


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe"])
def test_a_file_that_is_no_job_is_refused(tmp_path, content):
    (tmp_path / "job.json").write_bytes(content)
    with pytest.raises(TrainerError, match=r"job\.json"):
        read_job(tmp_path / "job.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TrainerError, match="there is no"):
        read_job(tmp_path / "job.json")


@pytest.mark.parametrize(
    "given",
    [
        {"steps": 0},
        {"steps": True},
        {"steps": 1.5},
        {"seconds": float("nan")},
        {"fractions": 1},
        {"breaks": []},
    ],
)
def test_a_hyperparameter_that_cannot_be_is_named(given):
    with pytest.raises(TrainerError) as caught:
        read_hyperparameters(EnergyScore, given)
    assert caught.value.field == f"hyperparameters.{next(iter(given))}"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"breaks": {"padrow": [27]}}, "nearest is 'pad_row'"),
        ({"breaks": {"pad_row": 27}}, "list of numbers"),
        ({"breaks": {"pad_row": ["27"]}}, "list of numbers"),
        ({"periodic": ["pad"]}, "nearest is 'pad_row'"),
        ({"logarithmic": ["pad_row"]}, "not above zero"),
        ({"shaped": ["tim"]}, "nearest is 'time'"),
        ({"symmetries": [{"mirror": "pad"}]}, "must be a list"),
        ({"symmetries": [{"mirror": ["tim"]}]}, "nearest is 'time'"),
        ({"average": 1}, "below 1"),
        ({"draws": 1}, "2 or more"),
    ],
)
def test_a_hyperparameter_that_does_not_fit_the_job_is_named(dataset, tmp_path, given, says):
    with pytest.raises(TrainerError, match=says) as caught:
        check(parse_job(make_job(dataset, hyperparameters=given), tmp_path))
    assert caught.value.field.startswith(f"hyperparameters.{next(iter(given))}")
    assert caught.value.status == 2


def test_not_all_inputs_can_be_periodic(dataset, tmp_path):
    content = make_job(dataset)
    content["hyperparameters"] = {"periodic": [entry["name"] for entry in content["inputs"]]}
    with pytest.raises(TrainerError, match="no input is left"):
        check(parse_job(content, tmp_path))


def test_the_digest_ignores_where_the_data_are_and_nothing_else(dataset, tmp_path):
    one = parse_job(make_job(dataset), tmp_path).digest
    assert parse_job(make_job(dataset / ".."), tmp_path).digest == one
    # Each thread draws for its share of the batch, so their number decides the result too.
    for change in ({"seed": 2}, {"threads": 2}):
        assert parse_job(make_job(dataset, **change), tmp_path).digest != one


def test_test_rows_are_never_read(dataset, tmp_path):
    """They are full of NaN in this dataset, which read_dataset would refuse."""
    data = read_dataset(parse_job(make_job(dataset), tmp_path))
    assert (len(data.train), len(data.validation)) == (400, 60)


@pytest.mark.parametrize("column", ["features", "response"])
@pytest.mark.parametrize("row", [0, 55])
def test_values_that_are_not_finite_are_refused(tmp_path, row, column):
    features, response = toy_rows(80)
    (features if column == "features" else response)[row].flat[0] = np.nan
    write_dataset(tmp_path / "d", features, response, np.repeat([0, 1], [50, 30]))
    with pytest.raises(TrainerError, match="not finite") as caught:
        read_dataset(parse_job(make_job(tmp_path / "d"), tmp_path))
    assert caught.value.code == "dataset_invalid"


def test_damage_is_found(tmp_path):
    features, response = toy_rows(80)
    write_dataset(tmp_path / "d", features, response, np.repeat([0, 1], [50, 30]))
    path = tmp_path / "d" / "shard-00001.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(TrainerError, match="SHA-256"):
        read_dataset(parse_job(make_job(tmp_path / "d"), tmp_path))


def test_shapes_must_be_the_jobs(tmp_path):
    features, response = toy_rows(80)
    write_dataset(tmp_path / "d", features, response[:, :7], np.repeat([0, 1], [50, 30]))
    with pytest.raises(TrainerError, match=r"'response' have shape \(7, 16\), the job says \(8, 16\)"):
        read_dataset(parse_job(make_job(tmp_path / "d"), tmp_path))


def test_too_few_rows_are_refused(tmp_path):
    features, response = toy_rows(80)
    write_dataset(tmp_path / "d", features, response, np.repeat([0, 1], [75, 5]))
    with pytest.raises(TrainerError, match="5 validation rows"):
        read_dataset(parse_job(make_job(tmp_path / "d"), tmp_path))
