"""Locks: what a lock names is used and nothing else, whatever is published in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snapshot_writer
from support import Published

import driftline

ROWS = np.full((20, 6), [0, 0, 100, 30, 5, 1])


def failure(call: Callable[[], object]) -> driftline.DriftlineError:
    with pytest.raises(driftline.DriftlineError) as caught:
        call()
    assert caught.value.remedy
    return caught.value


@pytest.fixture
def lock(published: Published) -> dict[str, Any]:
    first, second, third = published.bundles[:3]
    near = {"match": "compatible", "distance": "0.4", "key": "k1-" + "7" * 64}
    return snapshot_writer.make_lock(
        "mc2026", [(1000, 1999, first, {}), (2000, 2999, second, {}), (3000, 3000, third, near)]
    )


@pytest.fixture
def lock_file(lock: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "campaign.lock"
    path.write_text(json.dumps(lock))
    return path


def test_a_run_has_its_bundle(snapshot: Path, lock_file: Path, published: Published) -> None:
    catalogue = driftline.open(snapshot, lock=lock_file)
    for run, i in ((1000, 0), (1999, 0), (2000, 1), (2999, 1), (3000, 2)):
        assert catalogue.model("test.tiny", run=run).digest == published.bundles[i]["digest"]
    model = catalogue.model("test.tiny", run=3000)
    assert (model.answer.match, model.answer.distance) == ("compatible", 0.4)
    assert "mc2026" in repr(catalogue)
    for run in (999, 3001):
        error = failure(lambda r=run: catalogue.model("test.tiny", run=r))
        assert error.code == "no_model"
        assert "1000 to 1999" in error.message
    assert failure(lambda: catalogue.model("mpd.tpc", run=1000)).code == "no_model"
    assert failure(lambda: catalogue.model("mpd.tpc")).code == "unknown_family"


def test_conditions_have_the_bundle_of_their_key(
    snapshot: Path, lock_file: Path, published: Published
) -> None:
    catalogue = driftline.open(snapshot, lock=lock_file)
    model = catalogue.model("test.tiny", {"drift_velocity": "55.4 mm/us"})
    assert model.digest == published.bundles[1]["digest"]
    # In the snapshot, and not in the lock: by key, by domain and by digest.
    outside = {"field": "0.6 T"}
    assert failure(lambda: catalogue.model("test.tiny", outside)).code == "no_model"
    near = {"drift_velocity": "5.53 cm/us"}
    assert failure(lambda: catalogue.model("test.tiny", near, accept="compatible")).code == "no_model"
    assert failure(lambda: catalogue.bundle(published.bundles[4]["digest"])).code == "unknown_model"
    assert catalogue.bundle(published.bundles[1]["digest"]).digest == published.bundles[1]["digest"]
    assert catalogue.bundle(published.bundles[1]["digest"][:8]).digest == published.bundles[1]["digest"]
    assert failure(lambda: catalogue.bundle(published.bundles[1]["digest"][:7])).code == "unknown_model"
    assert failure(lambda: catalogue.model("test.tiny", near, run=1000)).field == "run"
    assert failure(lambda: catalogue.model("test.tiny", run="1000")).field == "run"
    assert catalogue.resolve("test.tiny", run=np.int64(1000)).run == 1000


def test_two_runs_of_a_campaign_are_the_same(snapshot: Path, lock_file: Path, published: Published) -> None:
    """Between them the snapshot gets other bundles of the same keys; those that the lock names stay in it."""
    first = driftline.open(snapshot, lock=lock_file).model("test.tiny", run=1500)
    sample = first.generate(ROWS, seed=1, event=1500)
    newer = [
        {**b, "digest": published.bundles[7]["digest"], "path": published.bundles[7]["path"]}
        for b in published.bundles
    ]
    snapshot_writer.write(snapshot, published.family, newer)
    assert driftline.open(snapshot).resolve("test.tiny").bundle != first.digest
    again = driftline.open(snapshot, lock=lock_file).model("test.tiny", run=1500)
    assert again.digest == first.digest
    assert (again.generate(ROWS, seed=1, event=1500) == sample).all()


def test_a_missing_or_damaged_bundle_stops_the_job(
    snapshot: Path, lock_file: Path, published: Published
) -> None:
    digest = published.bundles[0]["digest"]
    path = snapshot / "blobs" / digest[:2] / digest
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b" ")
    error = failure(lambda: driftline.open(snapshot, lock=lock_file).model("test.tiny", run=1000))
    assert (error.code, error.exit_code) == ("damaged", 5)
    path.unlink()
    assert (
        failure(lambda: driftline.open(snapshot, lock=lock_file).model("test.tiny", run=1000)).code
        == "damaged"
    )
    driftline.open(snapshot, lock=lock_file).model("test.tiny", run=2000)


def test_a_bundle_of_another_key_stops_the_job(snapshot: Path, published: Published, tmp_path: Path) -> None:
    wrong = snapshot_writer.make_lock(
        "t", [(1, 9, published.bundles[0], {"bundle": published.bundles[1]["digest"]})]
    )
    (tmp_path / "wrong.lock").write_text(json.dumps(wrong))
    error = failure(lambda: driftline.open(snapshot, lock=tmp_path / "wrong.lock").model("test.tiny", run=1))
    assert error.code == "damaged"


@pytest.mark.parametrize(
    "change",
    [
        lambda lock: lock["ranges"][0].update(lastRun=1998),
        lambda lock: lock["ranges"][0].update(bundle="0" * 64),
        lambda lock: lock["ranges"].pop(),
        lambda lock: lock.update(digest="0" * 64),
        lambda lock: lock.pop("digest"),
        lambda lock: lock.update(note="1"),
    ],
)
def test_a_changed_lock_is_damaged(
    snapshot: Path, lock: dict[str, Any], tmp_path: Path, change: Callable[[dict], object]
) -> None:
    change(lock)
    (tmp_path / "changed.lock").write_text(json.dumps(lock))
    assert failure(lambda: driftline.open(snapshot, lock=tmp_path / "changed.lock")).code == "damaged"


@pytest.mark.parametrize(
    ("text", "code"), [("", "damaged"), ("[]", "damaged"), ('{"format":"x"}', "damaged")]
)
def test_what_is_no_lock(snapshot: Path, tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "no.lock").write_text(text)
    assert failure(lambda: driftline.open(snapshot, lock=tmp_path / "no.lock")).code == code
    assert failure(lambda: driftline.open(snapshot, lock=tmp_path / "nowhere.lock")).code == "usage"


def test_a_snapshot_can_carry_the_lock(snapshot: Path, lock: dict[str, Any], published: Published) -> None:
    snapshot_writer.write(snapshot, published.family, published.bundles, [lock])
    for name in ("mc2026", lock["digest"]):
        catalogue = driftline.open(snapshot, lock=name)
        assert catalogue.lock.digest == lock["digest"]
        assert catalogue.model("test.tiny", run=2000).digest == published.bundles[1]["digest"]
    other = snapshot_writer.make_lock("mc2026", [(1, 9, published.bundles[0], {})])
    snapshot_writer.write(snapshot, published.family, published.bundles, [lock, other])
    error = failure(lambda: driftline.open(snapshot, lock="mc2026"))
    assert (error.code, other["digest"] in error.remedy) == ("usage", True)
    assert driftline.open(snapshot, lock=other["digest"]).lock.digest == other["digest"]


def test_a_server_and_a_bundle_directory_under_a_lock(
    server_url: str, lock_file: Path, published: Published, tmp_path: Path
) -> None:
    server = driftline.open(server_url, lock=lock_file, cache=tmp_path / "cache")
    assert server.model("test.tiny", run=2000).digest == published.bundles[1]["digest"]
    assert server.model("test.tiny").digest == published.bundles[0]["digest"]
    # What was pulled needs no server any more.
    away = driftline.open("http://127.0.0.1:9", lock=lock_file, cache=tmp_path / "cache")
    assert away.model("test.tiny", run=2000).digest == published.bundles[1]["digest"]
    directory = driftline.open(published.bundles[0]["path"], lock=lock_file)
    assert directory.model("test.tiny", run=1000).digest == published.bundles[0]["digest"]
    assert failure(lambda: directory.model("test.tiny", run=2000)).code == "damaged"
