"""What the tests know of this repository and of the catalogue that they publish."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NODE = ROOT / "node_modules" / "node" / "bin" / "node"


@dataclass(frozen=True)
class Published:
    """A catalogue with bundles of test.tiny, published by the platform."""

    environment: dict[str, str]
    #: As `GET /v1/families` describes it.
    family: dict[str, Any]
    #: In the order in which they were published: digest, key, path, conditions, software.
    bundles: list[dict[str, Any]]


def run_node(*arguments: str, **options: Any) -> bytes:
    """What a program of Node printed; its errors are shown where it fails."""
    done = subprocess.run([str(NODE), *arguments], cwd=ROOT, capture_output=True, timeout=120, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
