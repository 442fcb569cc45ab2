"""Resolution from a snapshot and from a bundle directory is the platform's: a real server is asked the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from support import Published

import driftline
from driftline.answer import Answer

QUESTIONS = 400


def questions() -> list[tuple[dict[str, Any], dict[str, str], str]]:
    """Around the published points: on them, in their boxes, at the ends of boxes, beyond; and wrong ones."""
    draw = random.Random(5)
    found = []
    for _ in range(QUESTIONS):
        conditions: dict[str, Any] = {}
        if draw.random() < 0.9:
            hundredths = draw.choice([draw.randint(540, 565), draw.randint(590, 615), 550])
            texts = [f"{hundredths / 100} cm/us", f"{hundredths / 10} mm/us", hundredths / 100]
            conditions["drift_velocity"] = draw.choice(texts)
        if draw.random() < 0.5:
            conditions["diffusion"] = draw.choice([draw.randint(174, 212), "200 um/sqrt(cm)", 185])
        if draw.random() < 0.2:
            conditions["field"] = draw.choice(["0.6 T", "6 kG", 0.7])
        if draw.random() < 0.2:
            conditions["particle"] = draw.choice(["proton", "pion"])
        if draw.random() < 0.1:
            conditions["gas"] = draw.choice(["Ne·CO₂ 90/10", "air"])
        software = {"simulator": "tiny/2"} if draw.random() < 0.1 else {}
        found.append((conditions, software, draw.choice(["exact", "compatible", "compatible"])))
    wrong: list[dict[str, Any]] = [
        {"speed": 1},
        {"drift_velocity": "9 cm/us"},
        {"drift_velocity": "5 cm"},
        {"drift_velocity": "?"},
        {"particle": "kaon"},
        {"gas": " "},
    ]
    return [*found, *((conditions, {}, "exact") for conditions in wrong)]


def outcome(catalogue: driftline.Catalogue, question: tuple[dict, dict, str]) -> tuple[str, Any]:
    conditions, software, accept = question
    try:
        answer = catalogue.resolve("test.tiny", conditions, software, accept=accept)
        return "found", answer
    except driftline.DriftlineError as error:
        return error.code, error


def test_a_snapshot_answers_as_the_server_does(snapshot: Path, server_url: str) -> None:
    here, there = driftline.open(snapshot), driftline.open(server_url)
    seen: dict[str, int] = {}
    for question in questions():
        (code, ours), (their_code, theirs) = outcome(here, question), outcome(there, question)
        assert code == their_code, f"{question}: {ours}, not {theirs}"
        kind = ours.match if isinstance(ours, Answer) else code
        seen[kind] = seen.get(kind, 0) + 1
        if code == "found":
            assert ours == theirs, question
        elif code == "no_model":
            assert ours.data["nearest"] == theirs.data["nearest"], question
        else:
            assert ours.field == theirs.field, question
    assert seen["exact"] > 20
    assert seen["compatible"] > 30
    assert seen["no_model"] > 50
    assert len(seen) == 8, seen


def test_all_three_hand_out_the_same_model(
    snapshot: Path, server_url: str, published: Published, tmp_path: Path
) -> None:
    models = [
        driftline.open(place, cache=tmp_path / "cache").model("test.tiny")
        for place in (snapshot, server_url, published.bundles[0]["path"])
    ]
    assert {model.digest for model in models} == {published.bundles[0]["digest"]}
    row = [[0, 0, 100, 30, 5, 1]]
    samples = [model.generate(row, seed=3, event=9).tolist() for model in models]
    assert samples[0] == samples[1] == samples[2]


def test_keys_are_those_of_the_platform(snapshot: Path, server_url: str, published: Published) -> None:
    for place in (snapshot, server_url):
        family = driftline.open(place).family("test.tiny")
        for bundle in published.bundles:
            assert family.question(bundle["conditions"], bundle["software"]).key == bundle["key"]
        assert [each.name for each in driftline.open(place).families()][-1] == "test.tiny"
        with pytest.raises(driftline.DriftlineError, match=r"no\.such") as caught:
            driftline.open(place).family("no.such")
        assert caught.value.code == "unknown_family"
        assert "test.tiny" in caught.value.remedy


def test_numpy_numbers_are_numbers(snapshot: Path, server_url: str) -> None:
    import numpy as np

    for place in (snapshot, server_url):
        catalogue = driftline.open(place)
        answer = catalogue.resolve(
            "test.tiny",
            {"drift_velocity": np.float32(5.5), "diffusion": np.int64(185), "field": np.float64(0.5)},
        )
        assert answer.match == "exact"
        with pytest.raises(driftline.DriftlineError) as caught:
            catalogue.resolve("test.tiny", {"drift_velocity": np.float64("nan")})
        assert (caught.value.code, caught.value.field) == ("invalid_quantity", "conditions.drift_velocity")


def test_a_miss_explains_itself(snapshot: Path) -> None:
    with pytest.raises(driftline.DriftlineError) as caught:
        driftline.open(snapshot).model("test.tiny", {"drift_velocity": "5.7 cm/us"}, accept="compatible")
    text = str(caught.value)
    assert (
        "drift_velocity: asked 5.70 cm/us, model 5.54, 3.2 tolerances away; its measured domain is 5.49 to 5.59"
        in text
    )
    assert text.endswith("[no_model]")


@pytest.mark.parametrize(("arguments", "field"), [({"accept": "near"}, "accept"), ({"run": 7}, "run")])
def test_other_arguments_are_refused(snapshot: Path, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(driftline.DriftlineError) as caught:
        driftline.open(snapshot).resolve("test.tiny", **arguments)
    assert (caught.value.code, caught.value.field) == ("usage", field)
