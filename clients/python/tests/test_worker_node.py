"""A worker node: no network, nothing that can be written to, many jobs at once on one snapshot, all with the same sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import snapshot_writer
from support import HERE, Published

import driftline

#: e2e/python-client.test.ts starts 64, on a snapshot of the platform's own.
JOBS = 8

JOB = """
import hashlib, sys
import numpy as np
import driftline

sys.stdin.readline()
catalogue = driftline.open(sys.argv[1])
model = catalogue.model("test.tiny", {"drift_velocity": "5.51 cm/us"}, accept="compatible")
features = np.tile(np.float32([0, 0, 100, 30, 5, 1]), (500, 1))
print(model.digest, hashlib.sha256(model.generate(features, seed=1, event=7).round(3).tobytes()).hexdigest())
"""

#: A network with nothing in it (loopback is down too), and mounts of one's own, all of them read-only.
ALONE = ["unshare", "--net", "--mount", "sh", "-c"]
ALONE.append(
    'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && mount -o remount,ro,bind / && '
    '! touch "$0/x" 2>/dev/null && ! touch /tmp/x 2>/dev/null && exec "$@"'
)
can_be_alone = (
    sys.platform == "linux" and subprocess.run([*ALONE, "/usr", "true"], capture_output=True).returncode == 0
)


@pytest.mark.skipif(not can_be_alone, reason="needs the right to make namespaces and mounts")
def test_many_jobs_at_once(published: Published, tmp_path: Path) -> None:
    snapshot = snapshot_writer.write(tmp_path / "snapshot", published.family, published.bundles)
    children = [
        subprocess.Popen(
            [*ALONE, str(tmp_path), sys.executable, "-c", JOB, str(snapshot)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE.parent / "src"), "HOME": "/nonexistent"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(JOBS)
    ]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0] * JOBS, said[0][1]
    assert len({out for out, _ in said}) == 1
    answer = driftline.open(snapshot).resolve(
        "test.tiny", {"drift_velocity": "5.51 cm/us"}, accept="compatible"
    )
    assert said[0][0].split()[0] == answer.bundle


def test_a_job_leaves_nothing_and_says_nothing(published: Published, tmp_path: Path) -> None:
    """ONNX Runtime 1.30 would keep telemetry in the home, and complain where it cannot."""
    snapshot = snapshot_writer.write(tmp_path / "snapshot", published.family, published.bundles)
    (tmp_path / "home").mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", JOB, str(snapshot)],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(HERE.parent / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(tmp_path / "home"),
            "TMPDIR": str(tmp_path / "home"),
        },
        cwd=tmp_path / "home",
        input="go\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(tmp_path.rglob("*")) == before
