"""A lock: a file from (family, run range) to bundle digest. With it a campaign uses these bundles and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.answer import Answer
from driftline.bundle import Bundle
from driftline.canonical import NotJson, canonical_json, parse_json
from driftline.errors import DriftlineError
from driftline.manifest import DIGEST, damaged


@dataclass(frozen=True)
class LockedRange:
    """The bundle of a family for a range of runs, both ends included."""

    first_run: int
    last_run: int
    family: str
    family_version: int
    conditions: Mapping[str, str]
    software: Mapping[str, str]
    key: str
    bundle: str
    match: str
    distance: float


@dataclass(frozen=True)
class Lock:
    """A lock whose digest was checked."""

    tag: str
    digest: str
    ranges: tuple[LockedRange, ...]

    def family_version(self, family: str) -> int | None:
        """The version of a family that the lock is about; None where it is about none."""
        return max((entry.family_version for entry in self.ranges if entry.family == family), default=None)

    def answer(self, family: str, run: int | None, key: str | None) -> Answer:
        """The locked bundle of a run, or of a key. Raises ``no_model``, and as ``by_key`` does."""
        entry = self.by_key(family, key) if key is not None else self.by_run(family, run)
        return Answer(
            entry.bundle,
            entry.match,
            entry.distance,
            entry.key,
            entry.key,
            lock=self.digest,
            tag=self.tag,
            run=None if run is None else int(run),
        )

    def by_run(self, family: str, run: int) -> LockedRange:
        """The entry of a run. Raises ``no_model``."""
        for entry in self.ranges:
            if entry.family == family and entry.first_run <= run <= entry.last_run:
                return entry
        covered = [f"{e.first_run} to {e.last_run}" for e in self.ranges if e.family == family]
        raise self._nothing(f"run {run} of {family}", f"It has runs {', '.join(covered)}" if covered else "")

    def by_key(self, family: str, key: str) -> LockedRange:
        """The entry of a key. Raises ``no_model``, and ``usage`` where runs of one key have different bundles."""
        found = [entry for entry in self.ranges if entry.family == family and entry.key == key]
        if not found:
            raise self._nothing(f"key {key[:11]} of {family}", "")
        if len({entry.bundle for entry in found}) > 1:
            raise DriftlineError(
                "usage",
                f"Lock {self} has different bundles of these conditions for different runs.",
                field="run",
                remedy="Ask with run=….",
            )
        return found[0]

    def whole(self, prefix: str) -> str:
        """The digest of the lock's bundle that begins so. Raises ``unknown_model`` where it names none, or several."""
        found = {entry.bundle for entry in self.ranges if entry.bundle.startswith(prefix)}
        if len(prefix) < 8 or len(found) != 1:
            raise DriftlineError(
                "unknown_model",
                f"Lock {self} has no bundle {prefix!r:.80}, and nothing else is used.",
                field="bundle",
                remedy="Ask without the lock, or name a bundle of it.",
            )
        return found.pop()

    def _nothing(self, what: str, more: str) -> DriftlineError:
        return DriftlineError(
            "no_model",
            f"Lock {self} has nothing for {what}.{' ' if more else ''}{more}{'.' if more else ''}",
            field="lock",
            remedy="Nothing but what it names may be used: ask for that, or have a new lock made (`driftline lock`).",
        )

    def __str__(self) -> str:
        return f"{self.digest[:12]} of {self.tag}"


def parse_lock(data: bytes, source: str) -> Lock:
    """Reads a lock. Raises ``damaged`` where it is not what its digest says."""
    try:
        document = parse_json(data)
        if document["format"] != "driftline-lock/1":
            raise ValueError(f"its format is {document['format']!r:.80}")
        content = {name: value for name, value in document.items() if name != "digest"}
        found = hashlib.sha256(canonical_json(content).encode()).hexdigest()
        if found != document["digest"]:
            raise _damaged(source, f"its digest is {document['digest']!r:.80}, its content has {found}")
        return Lock(document["tag"], found, tuple(_range(entry) for entry in document["ranges"]))
    except (NotJson, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(source, f"it cannot be understood: {error!r}") from error


def _range(entry: Mapping[str, Any]) -> LockedRange:
    if DIGEST.fullmatch(entry["bundle"]) is None:
        raise ValueError("bundle is no digest")
    return LockedRange(
        first_run=entry["firstRun"],
        last_run=entry["lastRun"],
        family=entry["family"],
        family_version=entry["familyVersion"],
        conditions=entry["conditions"],
        software=entry["software"],
        key=entry["key"],
        bundle=entry["bundle"],
        match=entry["match"],
        distance=float(entry["distance"]),
    )


def check_bundle(answer: Answer, family: str, bundle: Bundle) -> None:
    """Raises ``damaged`` where a bundle is not of what the lock says it is."""
    manifest = bundle.manifest
    if manifest.family != family or (answer.match == "exact" and manifest.key != answer.key):
        said = f"{answer.key} of {family}"
        raise damaged(answer.bundle[:12], "key", said, f"{manifest.key} of {manifest.family}")


def _damaged(source: str, what: str) -> DriftlineError:
    return DriftlineError(
        "damaged",
        f"Reading the lock {source}: {what}.",
        field="lock",
        remedy="Take the lock again from where the campaign keeps it.",
    )
