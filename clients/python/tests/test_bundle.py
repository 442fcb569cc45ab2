"""Bundles: what is not as the manifest says is named, and no model comes of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support import ROOT, Published

import driftline
from driftline.bundle import open_directory
from driftline.canonical import canonical_json
from driftline.onnx_guard import refuse_external_data
from driftline.safetensors import decode_safetensors

TESTING = ROOT / "packages/client/src/testing"


def failure(call: Callable[[], object]) -> driftline.DriftlineError:
    with pytest.raises(driftline.DriftlineError) as caught:
        call()
    assert caught.value.remedy
    return caught.value


def rewrite(directory: Path, change: Callable[[dict], object]) -> None:
    """Changes the manifest, and makes it right again about sizes and digests."""
    path = directory / "bundle.json"
    manifest = json.loads(path.read_bytes())
    for entry in manifest["files"]:
        data = (directory / entry["path"]).read_bytes()
        entry["size"], entry["sha256"] = len(data), hashlib.sha256(data).hexdigest()
    change(manifest)
    path.write_text(json.dumps(manifest))


def nothing(_: dict) -> None:
    """Leaves the manifest as it is."""


def test_a_bundle_gives_digest_manifest_and_files(published: Published, bundle_directory: Path) -> None:
    bundle = open_directory(bundle_directory)
    assert bundle.digest == published.bundles[0]["digest"]
    assert bundle.read("card.md").startswith(b"# A tiny generator")
    assert hashlib.sha256(bundle.read("bundle.json")).hexdigest() == bundle.digest
    bundle.verify()
    assert failure(lambda: bundle.read("no-such")).code == "unknown_file"


@pytest.mark.parametrize(
    "path", ["bundle.json", "model.onnx", "reference.safetensors", "validation.json", "card.md"]
)
def test_a_flipped_bit_is_named(published: Published, bundle_directory: Path, path: str) -> None:
    file = bundle_directory / path
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    error = failure(lambda: open_directory(bundle_directory, published.bundles[0]["digest"]))
    assert (error.code, error.field, error.exit_code) == ("damaged", path, 5)


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: (d / "card.md").unlink(),
        lambda d: (d / "extra").write_text("?"),
        lambda d: (d / "folder").mkdir() or (d / "folder" / "x").write_text("?"),
        lambda d: os.truncate(d / "card.md", 3),
        lambda d: ((d / "card.md").unlink(), (d / "card.md").symlink_to(d / "model.onnx")),
        lambda d: ((d / "card.md").unlink(), os.mkfifo(d / "card.md")),
        lambda d: ((d / "card.md").unlink(), (d / "card.md").mkdir()),
    ],
    ids=["missing", "extra", "in a folder", "short", "link", "pipe", "directory"],
)
def test_a_directory_holds_exactly_the_files(
    bundle_directory: Path, damage: Callable[[Path], object]
) -> None:
    damage(bundle_directory)
    assert failure(lambda: driftline.open(bundle_directory)).code == "damaged"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(scheme="driftline-bundle/2"),
        lambda m: m.pop("key"),
        lambda m: m.update(key="k1-" + "0" * 64),
        lambda m: m["conditions"].update(drift_velocity="5.6"),
        lambda m: m["conditions"].update(drift_velocity=5.5),
        lambda m: m["conditions"].update(gas="\ud800"),
        lambda m: m.update(tolerance={"absolute": True, "relative": 0}),
        lambda m: m["signature"].update(inputs=[]),
        lambda m: m["files"].pop(0),
        lambda m: m["files"].append({**m["files"][0], "path": "../etc"}),
        lambda m: m["files"].append({**m["files"][0], "path": "a\\b"}),
        lambda m: m["files"].append({**m["files"][0], "path": "card.md\n"}),
        lambda m: m["files"].append(m["files"][0]),
        lambda m: m["files"][0].update(sha256="x" * 64),
        lambda m: m["files"][0].update(size=-1),
        lambda m: m.update(files=7),
    ],
)
def test_manifests_that_do_not_follow_the_format(bundle_directory: Path, change: Callable) -> None:
    rewrite(bundle_directory, change)
    assert failure(lambda: open_directory(bundle_directory)).code == "invalid_bundle"


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_manifest(bundle_directory: Path, text: bytes) -> None:
    (bundle_directory / "bundle.json").write_bytes(text)
    assert failure(lambda: open_directory(bundle_directory)).code == "invalid_bundle"


def test_the_reference_is_replayed(bundle_directory: Path) -> None:
    path = bundle_directory / "reference.safetensors"
    data = bytearray(path.read_bytes())
    # The last value of the response: a change that every digest agrees with.
    data[-4:] = b"\x00\x00\x48\x42"
    path.write_bytes(data)
    rewrite(bundle_directory, nothing)
    error = failure(lambda: driftline.open(bundle_directory).model("test.tiny"))
    assert (error.code, error.field) == ("damaged", "model.onnx")
    assert "50 ± " in error.message
    assert "row 15" in error.message
    data[-4:] = b"\x00\x00\xc0\x7f"
    path.write_bytes(data)
    rewrite(bundle_directory, nothing)
    assert failure(lambda: driftline.open(bundle_directory).model("test.tiny")).code == "damaged", "NaN"


def test_a_model_with_data_in_other_files_is_refused(bundle_directory: Path) -> None:
    (bundle_directory / "model.onnx").write_bytes((TESTING / "external.onnx").read_bytes())
    rewrite(bundle_directory, nothing)
    error = failure(lambda: driftline.open(bundle_directory).model("test.tiny"))
    assert error.code == "invalid_bundle"
    assert '"w"' in error.message


def test_cut_or_odd_models_are_refused() -> None:
    model = (TESTING / "tiny.onnx").read_bytes()
    refuse_external_data(model, "tiny")
    wrong = [
        model[:-1],  # cut
        b"\x0b\x0c",  # a group
        b"\x00",  # field 0
        b"\x88\x80\x80\x80\x80\x01\x00",  # a long tag
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a long number
        b"xxxxORTM",
    ]
    # 120 graphs in graphs: graph.node (1) . node.attribute (5) . attribute.g (6)
    nested = b""
    for _ in range(40):
        for field in (6, 5, 1):
            size, length = len(nested), b""
            while size >= 0x80:
                length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
            nested = bytes([field << 3 | 2]) + length + bytes([size]) + nested
    size = len(nested)
    wrong.append(b"\x3a" + bytes([size & 0x7F | 0x80, size >> 7]) + nested)
    for data in wrong:
        assert failure(lambda data=data: refuse_external_data(data, "odd")).code == "invalid_bundle"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "packages/driftline/src/lifecycle/models/testdata").glob("*.onnx"))
)
def test_the_guard_lets_plain_models_pass(path: Path) -> None:
    refuse_external_data(path.read_bytes(), path.name)


def test_a_damaged_reference_is_told() -> None:
    data = (TESTING / "tiny.reference.safetensors").read_bytes()
    assert {n: t.shape for n, t in decode_safetensors(data, "r").items()} == {
        "features": (16, 6),
        "latent": (16, 4),
        "response": (16, 8, 16),
    }
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])

    def with_header(change: Callable[[dict], object]) -> bytes:
        changed = json.loads(json.dumps(header))
        change(changed)
        text = json.dumps(changed).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + int.from_bytes(data[:8], "little") :]

    wrong = [
        b"",
        data[:7],
        data[:-1],
        data + b"\0",
        b"\xff" * 8 + data[8:],
        with_header(lambda h: h["latent"].update(dtype="F16")),
        with_header(lambda h: h["latent"].update(shape=[16, 5])),
        with_header(lambda h: h["latent"].update(shape=[-16, -4])),
        with_header(lambda h: h["latent"].update(data_offsets=[0, 256])),
        with_header(lambda h: h.pop("latent")),
        with_header(lambda h: h.update(latent=[])),
    ]
    for each in wrong:
        assert failure(lambda each=each: decode_safetensors(each, "r")).code == "damaged"


def test_canonical_json_sorts_by_utf_16() -> None:
    # U+E000 comes before U+1F600 by code points, and after its surrogates (U+D83D) by UTF-16 code units.
    assert canonical_json({"\ue000": 1, "\U0001f600": [None, True, "\x1f"]}) == (
        '{"\U0001f600":[null,true,"\\u001f"],"\ue000":1}'
    )
    with pytest.raises(TypeError):
        canonical_json(0.5)


def test_a_bundle_directory_answers_for_its_own_conditions(bundle_directory: Path) -> None:
    catalogue = driftline.open(bundle_directory)
    for conditions in (None, {"drift_velocity": "55 mm/us"}, {"drift_velocity": 5.5, "gas": "Ar/CH4 90/10"}):
        assert catalogue.resolve("test.tiny", conditions).match == "exact"
    near = {"drift_velocity": "5.53 cm/us"}
    error = failure(lambda: catalogue.resolve("test.tiny", near))
    assert error.code == "no_model"
    assert (
        "inside its measured domain, 5.45 to 5.55 cm/us"
        in error.data["nearest"][0]["differences"][0]["reason"]
    )
    answer = catalogue.resolve("test.tiny", near, accept="compatible")
    assert (answer.match, answer.distance) == ("compatible", None)
    codes = {
        "no_model": {"drift_velocity": "5.551 cm/us"},
        "wrong_unit": {"drift_velocity": "5 cm"},
        "invalid_quantity": {"drift_velocity": "fast"},
        "unknown_condition": {"speed": 1},
        "invalid_label": {"gas": ""},
    }
    for code, conditions in codes.items():
        assert (
            failure(lambda c=conditions: catalogue.resolve("test.tiny", c, accept="compatible")).code == code
        )
    assert (
        failure(lambda: catalogue.resolve("test.tiny", {"gas": "air"}, accept="compatible")).code
        == "no_model"
    )
    assert failure(lambda: catalogue.resolve("test.tiny", None, {"simulator": "tiny/2"})).code == "no_model"
    assert failure(lambda: catalogue.resolve("mpd.tpc")).code == "unknown_family"
