"""The cache: shared with the TypeScript client, by many processes, in places that cannot be written to, and mended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import HERE, ROOT, Published, run_node

import driftline

ASK = """
import sys, driftline
url, cache, digest = sys.argv[1:]
catalogue = driftline.open(url, cache=cache)
sys.stdin.readline()
print(catalogue.bundle(digest).read("card.md") == b"# A tiny generator, good for tests only\\n")
"""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def digest(published: Published) -> str:
    return published.bundles[0]["digest"]


def test_a_bundle_is_pulled_once(server_url: str, digest: str, tmp_path: Path) -> None:
    catalogue = driftline.open(server_url, cache=tmp_path)
    catalogue.model("test.tiny")
    (kept,) = tmp_path.iterdir()
    assert kept.name == digest
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    catalogue.model("test.tiny")
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before


def test_the_typescript_client_shares_it(server_url: str, digest: str, tmp_path: Path) -> None:
    script = """
        const { bundleCache, connect } = await import("@driftline/client");
        const [url, cache, digest] = process.argv.slice(1);
        const driftline = connect(url);
        console.log(await bundleCache(cache).get(driftline, digest));
        await driftline.close();
    """

    def theirs(url: str, cache: Path) -> str:
        # From a folder of the workspace, where Node finds the package.
        return run_node("--input-type=module", "-e", script, url, str(cache), digest).decode().strip()

    nobody = "http://127.0.0.1:9"
    driftline.open(server_url, cache=tmp_path / "ours").bundle(digest)
    assert theirs(nobody, tmp_path / "ours") == str(tmp_path / "ours" / digest)
    theirs(server_url, tmp_path / "theirs")
    driftline.open(nobody, cache=tmp_path / "theirs").bundle(digest).verify()


@pytest.mark.parametrize("before", ["empty", "damaged"])
def test_processes_at_once(server_url: str, digest: str, tmp_path: Path, before: str) -> None:
    if before == "damaged":
        driftline.open(server_url, cache=tmp_path / "cache").bundle(digest)
        os.truncate(tmp_path / "cache" / digest / "model.onnx", 10)
    command = [sys.executable, "-c", ASK, server_url, str(tmp_path / "cache"), digest]
    children = [
        subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.communicate(timeout=60)[0].strip() for child in children] == ["True"] * 8
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [digest]


def test_what_is_damaged_is_fetched_anew(server_url: str, digest: str, tmp_path: Path) -> None:
    catalogue = driftline.open(server_url, cache=tmp_path)
    catalogue.bundle(digest)
    for damage in (
        lambda path: os.truncate(path / "model.onnx", 10),
        lambda path: (path / "model.onnx").unlink(),
        lambda path: (path / "bundle.json").write_text("{}"),
        lambda path: (path / "extra").write_text("?"),
    ):
        damage(tmp_path / digest)
        catalogue.bundle(digest).verify()
        driftline.open(tmp_path / digest)
    assert [path.name for path in tmp_path.iterdir()] == [digest]


def test_a_place_that_cannot_be_written_to(server_url: str, digest: str, tmp_path: Path) -> None:
    """A file in the place of the folder, which root cannot write below either."""
    (tmp_path / "file").write_text("")
    catalogue = driftline.open(server_url, cache=tmp_path / "file" / "cache")
    assert catalogue.model("test.tiny").digest == digest
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts, which root of Linux may")
def test_a_read_only_disk(server_url: str, digest: str, tmp_path: Path) -> None:
    """What is there is used; what is damaged there, or not there, is not kept."""
    for name in ("empty", "filled", "damaged"):
        (tmp_path / name).mkdir()
    for name in ("filled", "damaged"):
        driftline.open(server_url, cache=tmp_path / name).bundle(digest)
    os.truncate(tmp_path / "damaged" / digest / "model.onnx", 10)
    for name, url in (("empty", server_url), ("damaged", server_url), ("filled", "http://127.0.0.1:9")):
        mount = f"mount --bind {tmp_path / name} {tmp_path / name}"
        mount += f" && mount -o remount,ro,bind {tmp_path / name} && ! touch {tmp_path / name}/x 2>/dev/null"
        command = [sys.executable, "-c", ASK, url, str(tmp_path / name), digest]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *command],
            env=ENVIRONMENT,
            input="go\n",
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.stdout.strip(), done.returncode) == ("True", 0), done.stderr


def test_the_place_is_where_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from driftline.cache import default_directory

    assert "DRIFTLINE_CACHE_DIR" in (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    monkeypatch.setenv("DRIFTLINE_CACHE_DIR", str(tmp_path))
    assert default_directory() == tmp_path
    monkeypatch.delenv("DRIFTLINE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_directory() == tmp_path / "xdg" / "driftline"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_directory() == tmp_path / ".cache" / "driftline"
    # As where a container has a user that it does not know.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert default_directory() is None


def test_pull_writes_all_or_nothing(published: Published, snapshot: Path, tmp_path: Path) -> None:
    catalogue = driftline.open(snapshot)
    digest = published.bundles[3]["digest"]
    catalogue.pull(digest, tmp_path / "a" / "b")
    catalogue.pull(digest, tmp_path / "a" / "b")
    driftline.open(tmp_path / "a" / "b").bundle(digest).verify()
    with pytest.raises(driftline.DriftlineError) as caught:
        catalogue.pull(published.bundles[4]["digest"], tmp_path / "a" / "b")
    assert (caught.value.code, caught.value.field) == ("usage", "directory")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("Dear …")
    with pytest.raises(driftline.DriftlineError) as caught:
        catalogue.pull(digest, tmp_path / "mine")
    assert caught.value.code == "usage"
    assert (tmp_path / "mine" / "letter").exists()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b"]
