"""`python -m driftline`, as a shell script on a worker node runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import HERE, NODE, ROOT, Published

import driftline

ROWS = np.float32([[0, 0, 100, 30, 5, 1], [1, 0, 100, 30, 5, 1]])


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "driftline", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parent / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_script_resolves_verifies_and_generates(
    snapshot: Path, published: Published, tmp_path: Path
) -> None:
    asked = ("test.tiny", "--at", "drift_velocity=55.1 mm/us", "--accept", "compatible")
    here = {"DRIFTLINE_SNAPSHOT": str(snapshot)}
    resolved = command("resolve", *asked, **here)
    answer = driftline.open(snapshot).resolve(
        "test.tiny", {"drift_velocity": "5.51 cm/us"}, accept="compatible"
    )
    assert resolved.stderr == ""
    assert json.loads(resolved.stdout)["bundle"] == answer.bundle
    assert json.loads(resolved.stdout)["match"] == "compatible"

    verified = command("verify", "--snapshot", str(snapshot))
    assert json.loads(verified.stdout) == {"models": len(published.bundles), "passed": True}

    np.save(tmp_path / "tracks.npy", ROWS)
    out = tmp_path / "sample.safetensors"
    generated = command(
        "generate", *asked, "--inputs", f"{tmp_path}/tracks.npy", "--seed=7", f"--out={out}", **here
    )
    assert (generated.returncode, generated.stderr) == (0, "")
    again = command("generate", *asked, "--inputs", str(out), "--seed=7", f"--out={tmp_path}/again", **here)
    assert again.returncode == 0
    assert (tmp_path / "again").read_bytes() == out.read_bytes()
    model = driftline.open(snapshot).model("test.tiny", {"drift_velocity": "5.51 cm/us"}, accept="compatible")
    assert model.generate(ROWS, seed=7).tobytes() in out.read_bytes()


def test_what_a_script_wrote_can_be_registered(snapshot: Path, published: Published, tmp_path: Path) -> None:
    np.save(tmp_path / "tracks.npy", ROWS)
    out = tmp_path / "sample.safetensors"
    command(
        "generate", "test.tiny", f"--snapshot={snapshot}", f"--inputs={tmp_path}/tracks.npy", f"--out={out}"
    )
    done = subprocess.run(
        [str(NODE), str(ROOT / "packages/driftline/bin/main.mjs"), "samples", "register", str(out), "--json"],
        env={**os.environ, **published.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["bundle"], said["registered"]) == (
        driftline.open(snapshot).resolve("test.tiny").bundle,
        True,
    )
    assert {name: said["provenance"][name] for name in ("firstEvent", "events", "seed")} == {
        "firstEvent": "0",
        "events": "2",
        "seed": "1",
    }


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("resolve", "test.tiny", "--at", "drift_velocity=4 cm/us"), 4, "drift_velocity"),
        (("resolve", "test.tiny", "--at", "drift_velocity"), 2, "NAME=VALUE"),
        (("generate", "test.tiny", "--inputs", "nowhere.npy", "--out", "x"), 2, "nowhere.npy"),
        (("verify", "--snapshot", "http://127.0.0.1:1"), 2, "where it runs"),
    ],
)
def test_a_script_learns_what_went_wrong(
    snapshot: Path, arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    done = command(*arguments, DRIFTLINE_SNAPSHOT=str(snapshot))
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert says in done.stderr


def test_damage_ends_a_script_with_5(snapshot: Path) -> None:
    blobs = sorted((snapshot / "blobs").glob("*/*"), key=lambda blob: blob.stat().st_size)
    blobs[-1].write_bytes(blobs[-1].read_bytes()[:-1])
    done = command("verify", "--snapshot", str(snapshot))
    assert (done.returncode, "[damaged]" in done.stderr) == (5, True)
