"""What the tests share: the client's sources on the path, bundles that the platform published, a real server, a snapshot."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE)]

import snapshot_writer  # noqa: E402
from support import NODE, ROOT, Published, run_node  # noqa: E402


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    directory = tmp_path_factory.mktemp("published")
    return Published(**json.loads(run_node(str(HERE / "make_catalogue.ts"), str(directory))))


@pytest.fixture(scope="session")
def server_url(published: Published) -> Iterator[str]:
    """A `driftline serve` on the published catalogue."""
    command = [str(NODE), str(ROOT / "packages/driftline/bin/main.mjs"), "serve", "--http-port", "0"]
    environment = {**os.environ, **published.environment}
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = ""
        for line in child.stdout:
            said += line
            if found := re.search(r"https?://[\d.]+:\d+", line):
                yield found[0]
                break
        else:
            pytest.fail(f"driftline serve ended: {said}")
    finally:
        child.terminate()
        child.wait(timeout=20)
        child.stdout.close()


@pytest.fixture
def snapshot(published: Published, tmp_path: Path) -> Path:
    """A snapshot of the published catalogue, to be damaged at will."""
    return snapshot_writer.write(tmp_path / "snapshot", published.family, published.bundles)


@pytest.fixture
def bundle_directory(published: Published, tmp_path: Path) -> Path:
    """A bundle of one's own, to be damaged at will."""
    return Path(shutil.copytree(published.bundles[0]["path"], tmp_path / "bundle"))
