"""Writes a snapshot and locks after docs/decisions/snapshot.md and docs/campaigns.md, without the platform: a second reading of that page."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

CREATED_AT = "2026-11-21T20:55:30.123Z"


class Writer:
    """Blobs below a directory."""

    def __init__(self, directory: Path):
        self.directory = directory

    def blob(self, data: bytes) -> dict[str, Any]:
        """Stores content and gives the reference to it."""
        name = hashlib.sha256(data).hexdigest()
        path = self.directory / "blobs" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(data)
        return {"sha256": name, "size": len(data)}

    def json(self, document: Any) -> dict[str, Any]:
        return self.blob(json.dumps(document, ensure_ascii=False).encode())


def write(
    directory: Path,
    family: dict[str, Any],
    bundles: list[dict[str, Any]],
    locks: list[dict[str, Any]] | None = None,
) -> Path:
    """A snapshot of bundles in directories; each has ``digest``, ``key`` and ``path``. Replaces the pointer last."""
    writer = Writer(directory)
    models = []
    for binding, bundle in enumerate(bundles, 1):
        manifest = Path(bundle["path"], "bundle.json").read_bytes()
        assert writer.blob(manifest)["sha256"] == bundle["digest"]
        document = json.loads(manifest)
        for file in document["files"]:
            writer.blob(Path(bundle["path"], file["path"]).read_bytes())
        models.append(
            {
                "key": bundle["key"],
                "bundle": bundle["digest"],
                "createdAt": CREATED_AT,
                "binding": binding,
                "conditions": document["conditions"],
                "software": document["software"],
                "domain": {n: [r["low"], r["high"]] for n, r in document["domain"]["conditions"].items()},
                "recipeHash": document["recipeHash"],
                "dataSource": "simulator",
                "size": 1,
            }
        )
    models.sort(key=lambda model: model["key"])
    return write_root(writer, family, models, locks or [])


def write_root(
    writer: Writer, family: dict[str, Any], models: list[dict[str, Any]], locks: list[dict[str, Any]]
) -> Path:
    """Family, index, models, root and pointer for bundles that are there."""
    name, version = family["name"], family["version"]
    summary = {k: v for k, v in family.items() if k != "models"}
    lines = [f"{m['key']} {m['bundle']} {m['createdAt']}\n" for m in models]
    header = {"format": "driftline-models/1", "family": name, "familyVersion": version, "count": len(models)}
    entry = {
        "name": name,
        "version": version,
        "count": len(models),
        "family": writer.json({"format": "driftline-family-summary/1", **summary, "simulator": None}),
        "index": writer.blob("".join(lines).encode()),
        "models": writer.blob("".join(f"{json.dumps(each)}\n" for each in [header, *models]).encode()),
    }
    tags: dict[str, list[Any]] = {}
    for lock in locks:
        tags.setdefault(lock["tag"], []).append(writer.json(lock))
    root = {
        "format": "driftline-snapshot/1",
        "createdAt": CREATED_AT,
        "previous": None,
        "families": [entry],
        "tags": [
            {"name": t, "frozen": True, "runs": writer.json({}), "locks": refs} for t, refs in tags.items()
        ],
    }
    pointer = {"format": "driftline-snapshot/1", **writer.json(root)}
    beside = writer.directory / ".snapshot.json"
    beside.write_text(json.dumps(pointer))
    beside.replace(writer.directory / "snapshot.json")
    return writer.directory


def make_lock(tag: str, ranges: list[tuple[int, int, dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """A lock of (first run, last run, bundle, further members of the entry)."""
    lock = {
        "format": "driftline-lock/1",
        "tag": tag,
        "createdAt": CREATED_AT,
        "runs": "0" * 64,
        "accept": "exact",
        "ranges": [
            {
                "firstRun": first,
                "lastRun": last,
                "family": bundle["family"],
                "familyVersion": bundle["familyVersion"],
                "conditions": bundle["conditions"],
                "software": bundle["software"],
                "key": bundle["key"],
                "bundle": bundle["digest"],
                "match": "exact",
                "distance": "0",
                **more,
            }
            for first, last, bundle, more in ranges
        ],
    }
    # All names are ASCII and all numbers whole: sorted members without white space are the canonical JSON.
    text = json.dumps(lock, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**lock, "digest": hashlib.sha256(text.encode()).hexdigest()}
