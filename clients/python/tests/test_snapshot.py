"""Snapshots: damage has a name, a switch leaves a running job alone, and never is there a wrong model."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import snapshot_writer
from support import Published

import driftline

ROW = [[0, 0, 100, 30, 5, 1]]


def root_of(snapshot: Path) -> dict:
    pointer = json.loads((snapshot / "snapshot.json").read_bytes())
    return json.loads(blob(snapshot, pointer).read_bytes())


def blob(snapshot: Path, ref: dict) -> Path:
    return snapshot / "blobs" / ref["sha256"][:2] / ref["sha256"]


def failure(call: Callable[[], object]) -> driftline.DriftlineError:
    with pytest.raises(driftline.DriftlineError) as caught:
        call()
    assert caught.value.remedy
    return caught.value


def test_a_snapshot_says_what_it_has(snapshot: Path, published: Published) -> None:
    with driftline.open(str(snapshot)) as catalogue:
        assert repr(catalogue) == f"<Catalogue: snapshot {snapshot} (test.tiny 1: 8 models)>"
        digest = published.bundles[3]["digest"]
        assert catalogue.bundle(digest[:8]).digest == digest
        assert catalogue.bundle(digest).read("card.md")
        for unknown in ("0" * 64, "00000000", digest[:7], "../../etc"):
            assert failure(lambda u=unknown: catalogue.bundle(u)).code == "unknown_model"


def test_what_is_no_snapshot(tmp_path: Path, snapshot: Path) -> None:
    assert failure(lambda: driftline.open(tmp_path)).code == "usage"
    assert failure(lambda: driftline.open(tmp_path / "nowhere")).code == "usage"
    pointer = json.loads((snapshot / "snapshot.json").read_bytes())
    later = {**pointer, "format": "driftline-snapshot/2"}
    (snapshot / "snapshot.json").write_text(json.dumps(later))
    error = failure(lambda: driftline.open(snapshot))
    assert (error.code, "Update" in error.remedy) == ("usage", True)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"7",
        b'{"format":"driftline-snapshot/1"}',
        b'{"format":"driftline-snapshot/1","sha256":"../../../etc/passwd","size":1}',
        b'{"format":"tar","sha256":"","size":1}',
        b'{"format":["driftline-snapshot/1"],"sha256":7,"size":1}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_pointer(snapshot: Path, text: bytes) -> None:
    (snapshot / "snapshot.json").write_bytes(text)
    assert failure(lambda: driftline.open(snapshot)).code == "damaged"


def use(snapshot: Path) -> str:
    """What a job does; gives the bundle that it got."""
    catalogue = driftline.open(snapshot)
    near = catalogue.resolve("test.tiny", {"drift_velocity": "5.51 cm/us"}, accept="compatible")
    model = catalogue.model("test.tiny")
    model.generate(ROW, seed=1)
    return near.bundle + model.digest


PARTS = ["root", "family", "index", "models", "bundle.json", "model.onnx", "reference.safetensors"]


def part(snapshot: Path, published: Published, name: str) -> Path:
    """Path of the blob that is a part of what `use` reads."""
    entry = root_of(snapshot)["families"][0]
    if name == "root":
        return blob(snapshot, json.loads((snapshot / "snapshot.json").read_bytes()))
    if name in entry:
        return blob(snapshot, entry[name])
    digest = published.bundles[0]["digest"]
    manifest = snapshot / "blobs" / digest[:2] / digest
    if name == "bundle.json":
        return manifest
    files = {file["path"]: file for file in json.loads(manifest.read_bytes())["files"]}
    return blob(snapshot, files[name])


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("kind", ["missing", "truncated", "longer", "flipped"])
def test_damage_of_each_part(snapshot: Path, published: Published, name: str, kind: str) -> None:
    path = part(snapshot, published, name)
    right = path.read_bytes()
    draw = random.Random(f"{name} {kind}")
    for _ in range(12 if kind == "flipped" else 1):
        data = bytearray(right)
        if kind == "flipped":
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        elif kind == "truncated":
            del data[draw.randrange(len(data)) :]
        elif kind == "longer":
            data += b"\n"
        path.unlink()
        if kind != "missing":
            path.write_bytes(data)
        error = failure(lambda: use(snapshot))
        assert (error.code, error.exit_code) == ("damaged", 5)
        assert path.name in error.message


def test_what_a_faulty_writer_leaves_is_damage(snapshot: Path, published: Published) -> None:
    """Digests that agree, contents that do not."""
    writer = snapshot_writer.Writer(snapshot)

    def rewrite(change: Callable[[dict, dict], object]) -> driftline.DriftlineError:
        root = root_of(snapshot)
        change(root, root["families"][0])
        pointer = {"format": "driftline-snapshot/1", **writer.json(root)}
        (snapshot / "snapshot.json").write_text(json.dumps(pointer))
        return failure(lambda: use(snapshot))

    whole = (snapshot / "snapshot.json").read_bytes()
    changes: list[Callable[[dict, dict], object]] = [
        lambda root, entry: root.update(format="driftline-snapshot/3"),
        lambda root, entry: root.update(families={}),
        lambda root, entry: root.pop("tags"),
        lambda root, entry: entry.pop("count"),
        lambda root, entry: entry.update(count=7),
        lambda root, entry: entry.update(version=2),
        lambda root, entry: entry.update(family=entry["index"]),
        lambda root, entry: entry.update(index=entry["models"]),
        lambda root, entry: entry.update(index=writer.blob(b"x" * 158 * 8)),
        lambda root, entry: entry.update(models=entry["index"]),
        lambda root, entry: entry.update(models=writer.blob(b"")),
        lambda root, entry: entry.update(family={"sha256": 7, "size": 1}),
    ]
    for change in changes:
        (snapshot / "snapshot.json").write_bytes(whole)
        assert rewrite(change).code == "damaged"

    def swap(root: dict, entry: dict) -> None:
        """The keys of two models exchanged: right in every digest, and the wrong model."""
        lines = blob(snapshot, entry["index"]).read_text().splitlines()
        swapped = [line[:67] + other[67:] for line, other in zip(lines, [*lines[1:], lines[0]])]
        entry["index"] = writer.blob("".join(f"{line}\n" for line in swapped).encode())

    (snapshot / "snapshot.json").write_bytes(whole)
    error = rewrite(swap)
    assert (error.code, error.field) == ("damaged", "bundle.json")


def test_a_switch_leaves_a_running_job_alone(snapshot: Path, published: Published) -> None:
    """A better bundle of the same key is published in between: who opened before goes on with what was there."""
    before = use(snapshot)
    job, idle = driftline.open(snapshot), driftline.open(snapshot)
    first = job.model("test.tiny").digest
    other = {**published.bundles[7], "key": published.bundles[0]["key"]}
    snapshot_writer.write(snapshot, published.family, [*published.bundles[1:7], other])
    assert job.model("test.tiny").digest == first
    assert idle.resolve("test.tiny").bundle == first
    assert (
        idle.resolve("test.tiny", {"drift_velocity": "5.51 cm/us"}, accept="compatible").bundle == before[:64]
    )
    # The new one has the other bundle under the key, and that bundle states a key of its own.
    assert failure(lambda: driftline.open(snapshot).model("test.tiny")).code == "damaged"


def test_blobs_that_were_pruned_away_are_named(snapshot: Path, published: Published) -> None:
    job = driftline.open(snapshot)
    job.resolve("test.tiny")
    part(snapshot, published, "bundle.json").unlink()
    error = failure(lambda: job.model("test.tiny"))
    assert error.code == "damaged"
    assert published.bundles[0]["digest"][:12] in error.message


def test_threads_can_share_a_snapshot(snapshot: Path) -> None:
    catalogue = driftline.open(snapshot)

    def ask(i: int) -> tuple[str, list]:
        velocity = f"{5.46 + i % 9 / 100:.2f} cm/us"
        model = catalogue.model("test.tiny", {"drift_velocity": velocity}, accept="compatible")
        return model.digest, model.generate(ROW, seed=1, event=i).tolist()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, range(72)))
    assert together == [ask(i) for i in range(72)]


def test_ten_thousand_models(tmp_path: Path, published: Published) -> None:
    """Every key is found in a large index; a key that is not there is not."""
    from driftline.family import Family

    family = Family(published.family)
    writer = snapshot_writer.Writer(tmp_path)
    models = []
    for i in range(10_000):
        conditions = {"drift_velocity": f"{3 + i % 500 / 100:.2f}", "diffusion": str(20 + i // 500)}
        question = family.question(conditions)
        box = {"drift_velocity": [float(question.conditions["drift_velocity"])] * 2}
        models.append(
            {
                "key": question.key,
                "bundle": f"{i:064x}",
                "createdAt": snapshot_writer.CREATED_AT,
                "binding": i,
                "conditions": question.conditions,
                "software": question.software,
                "domain": box,
            }
        )
    models.sort(key=lambda model: model["key"])
    snapshot_writer.write_root(writer, published.family, models, [])
    catalogue = driftline.open(tmp_path)
    for model in models[::97] + models[:2] + models[-2:]:
        assert catalogue.resolve("test.tiny", model["conditions"]).bundle == model["bundle"]
    error = failure(lambda: catalogue.resolve("test.tiny", {"diffusion": "60"}, accept="compatible"))
    assert error.code == "no_model"
    assert len(error.data["nearest"]) == 3


def test_an_empty_snapshot_has_no_model(tmp_path: Path, published: Published) -> None:
    snapshot_writer.write(tmp_path, published.family, [])
    error = failure(lambda: driftline.open(tmp_path).model("test.tiny", accept="compatible"))
    assert error.code == "no_model"
    assert "No model serves test.tiny version 1." in error.message


def test_a_blob_that_cannot_be_read(snapshot: Path, published: Published) -> None:
    path = part(snapshot, published, "index")
    path.unlink()
    path.mkdir()
    error = failure(lambda: use(snapshot))
    assert (error.code, path.name in error.message) == ("damaged", True)


def test_the_place_can_come_from_the_environment(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DRIFTLINE_SNAPSHOT", "DRIFTLINE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert failure(driftline.open).code == "usage"
    monkeypatch.setenv("DRIFTLINE_URL", "http://127.0.0.1:9")
    assert "server http://127.0.0.1:9/" in repr(driftline.open())
    monkeypatch.setenv("DRIFTLINE_SNAPSHOT", str(snapshot))
    assert str(snapshot) in repr(driftline.open())
