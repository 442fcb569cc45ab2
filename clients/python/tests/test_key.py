"""The key, against the published vectors and against what JSON can't carry."""

import json
import math

import make_vectors
import pytest

from driftline import DriftlineError, canonical_question

VECTORS = json.loads(make_vectors.VECTORS.read_text(encoding="utf-8"))
TPC = VECTORS["families"]["mpd.tpc"]


def test_there_are_enough_vectors() -> None:
    assert len(VECTORS["accepted"]) >= 200
    assert len(VECTORS["refused"]) >= 60


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: json.dumps(vector["given"])[:60])
def test_accepted(vector: dict) -> None:
    question = canonical_question(VECTORS["families"][vector["family"]], **vector["given"])
    assert question.canonical == vector["canonical"]
    assert question.key == vector["key"]
    assert question.defaulted == vector["defaulted"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: json.dumps(vector["given"])[:60])
def test_refused(vector: dict) -> None:
    with pytest.raises(DriftlineError) as caught:
        canonical_question(VECTORS["families"][vector["family"]], **vector["given"])
    assert (caught.value.code, caught.value.field) == (vector["error"], vector["field"])
    assert caught.value.remedy


def test_the_file_is_what_the_command_writes() -> None:
    assert make_vectors.VECTORS.read_text(encoding="ascii") == make_vectors.text()


@pytest.mark.parametrize("given", [math.nan, math.inf, -math.inf, 10**30, object(), b"5"])
def test_refuses_what_json_does_not_have(given: object) -> None:
    with pytest.raises(DriftlineError, match="drift_velocity") as caught:
        canonical_question(TPC, {"drift_velocity": given})
    assert caught.value.code == "invalid_quantity"
