"""A catalogue in a directory that is only read (docs/decisions/snapshot.md): pointer, root, sorted indexes, blobs.

Every blob is checked before a byte of it is believed. The pointer is read once: a snapshot that is switched later is
never mixed with this one.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.answer import Answer, NearModel, no_model
from driftline.bundle import Bundle, read_plain_file, reason
from driftline.canonical import NotJson, parse_json
from driftline.errors import DriftlineError
from driftline.family import Family, Values
from driftline.manifest import DIGEST, File, parse_manifest
from driftline.source import Accept, unknown_family, unknown_model

if TYPE_CHECKING:
    from driftline.search import ModelTable

POINTER = "snapshot.json"
FORMAT = re.compile(r"driftline-snapshot/([0-9]+)")
LINE_BYTES = 158
LINE = re.compile(rb"k1-[0-9a-f]{64} [0-9a-f]{64} [0-9T:.-]{23}Z\n")


class Blobs:
    """Content by its SHA-256."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.where = str(directory)

    def get(self, sha256: str, size: int | None, what: str) -> bytes:
        """The bytes of a blob, checked. Raises ``damaged``: also where it is missing, for something led to it."""
        path = self.directory / "blobs" / sha256[:2] / sha256
        try:
            data = read_plain_file(path, follow_links=True)
        except OSError as error:
            raise damaged(self.where, what, f"blob {sha256} cannot be read: {reason(error)}") from error
        if size is not None and len(data) != size:
            raise damaged(self.where, what, f"blob {sha256} has {len(data)} bytes, not {size}")
        if hashlib.sha256(data).hexdigest() != sha256:
            raise damaged(self.where, what, f"blob {sha256} has other content than its name says")
        return data

    def ref(self, ref: Any, what: str) -> bytes:
        """The bytes that a reference in the snapshot names."""
        return self.get(ref["sha256"], ref["size"], what)

    def json(self, ref: Any, what: str, form: str) -> Mapping[str, Any]:
        """The JSON object that a reference names, of the format ``form``."""
        with understood(self.where, what):
            document = parse_json(self.ref(ref, what))
            if document["format"] != form:
                raise ValueError(f"its format is {document['format']}, not {form}")
            return document

    def has(self, sha256: str) -> bool:
        """Whether there is such a blob; nothing is said of its content."""
        return (self.directory / "blobs" / sha256[:2] / sha256).exists()

    def read(self, file: File) -> bytes:
        """A file of a bundle."""
        return self.get(file.sha256, file.size, file.path)


class FamilyModels:
    """A version of a family with its models. Each part is read when it is first needed."""

    def __init__(self, blobs: Blobs, entry: Mapping[str, Any]):
        self.blobs = blobs
        self.entry = entry
        self.count: int = entry["count"]
        self._what = f"family {entry['name']} {entry['version']}"
        self._table: ModelTable | None = None
        self._table_lock = threading.Lock()

    @cached_property
    def family(self) -> Family:
        """What keys are made of."""
        with understood(self.blobs.where, self._what):
            definition = self.blobs.json(self.entry["family"], self._what, "driftline-family-summary/1")
            if (definition["name"], definition["version"]) != (self.entry["name"], self.entry["version"]):
                raise ValueError(f"it is family {definition['name']} {definition['version']}")
            return Family(definition)

    @cached_property
    def index(self) -> bytes:
        """Lines "key bundle time", sorted; checked whole, for a flipped bit would turn a hit into a miss."""
        data = self.blobs.ref(self.entry["index"], f"index of {self._what}")
        if len(data) != LINE_BYTES * self.count:
            raise damaged(self.blobs.where, f"index of {self._what}", f"it is not of {self.count} models")
        return data

    @property
    def table(self) -> ModelTable:
        """The models with conditions and domains, for `compatible` and to explain a miss."""
        # NumPy's import, and 0.1 s for 10,000 models: once, even if several threads ask at a time.
        from driftline.search import ModelTable

        with self._table_lock:
            if self._table is None:
                what = f"models of {self._what}"
                with understood(self.blobs.where, what):
                    header, *lines = self.blobs.ref(self.entry["models"], what).splitlines()
                    if parse_json(header)["format"] != "driftline-models/1" or len(lines) != self.count:
                        raise ValueError(f"it has {len(lines)} of {self.count} models")
                    self._table = ModelTable(self.family, parse_json(b"[" + b",".join(lines) + b"]"))
            return self._table

    def digests(self) -> Iterator[str]:
        """The bundles that serve."""
        return (self.index[at : at + 64].decode() for at in range(68, len(self.index), LINE_BYTES))

    def find(self, key: str) -> str | None:
        """The digest of the bundle that serves a key, by binary search."""
        wanted = key.encode()
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            line = self.index[LINE_BYTES * middle : LINE_BYTES * (middle + 1)]
            if LINE.fullmatch(line) is None:
                raise damaged(self.blobs.where, f"index of {self._what}", f"line {middle} is none")
            if line[:67] == wanted:
                return line[68:132].decode()
            low, high = (middle + 1, high) if line[:67] < wanted else (low, middle)
        return None


class Snapshot:
    """The source of a snapshot directory."""

    def __init__(self, directory: Path):
        self.where = f"The snapshot {directory}"
        self._blobs = Blobs(directory)
        with understood(str(directory), POINTER):
            root = self._blobs.json(self._pointer(directory / POINTER), "root", "driftline-snapshot/1")
            if not isinstance(root["families"], list) or not isinstance(root["tags"], list):
                raise TypeError("families and tags are no lists")
            self._families = {
                (e["name"], e["version"]): FamilyModels(self._blobs, e) for e in root["families"]
            }
            self._locks = [(tag["name"], ref) for tag in root["tags"] for ref in tag["locks"]]

    def _pointer(self, path: Path) -> Mapping[str, Any]:
        try:
            pointer = parse_json(read_plain_file(path, follow_links=True))
        except OSError as error:
            raise DriftlineError(
                "usage",
                f"{path.parent} is no snapshot: {POINTER}: {reason(error)}.",
                field="snapshot",
                remedy="Name a directory that `driftline snapshot --out` wrote.",
            ) from error
        form = FORMAT.fullmatch(str(pointer["format"]))
        if form is not None and form[1] != "1":
            raise DriftlineError(
                "usage",
                f"{path.parent} is a snapshot of format {form[1]}; this client reads format 1.",
                field="snapshot",
                remedy="Update the driftline package.",
            )
        if (
            form is None
            or not isinstance(pointer["sha256"], str)
            or DIGEST.fullmatch(pointer["sha256"]) is None
        ):
            raise damaged(str(path.parent), POINTER, "it names no root")
        return pointer

    def families(self) -> list[Family]:
        """The newest version of each family."""
        newest = dict(sorted(self._families))
        return [self.family(name, version) for name, version in newest.items()]

    def family(self, name: str, version: int | None = None) -> Family:
        """A family, in its newest version unless another is named."""
        return self._models(name, version).family

    def _models(self, name: str, version: int | None = None) -> FamilyModels:
        versions = [v for n, v in self._families if n == name and version in (None, v)]
        if not versions:
            raise unknown_family(name, sorted({n for n, _ in self._families}), self.where)
        return self._families[name, max(versions)]

    def resolve(
        self, family: str, conditions: Values | None, software: Values | None, accept: Accept
    ) -> Answer:
        """The bundle of the key by binary search; else, where accepted, the nearest whose domain holds the question."""
        models = self._models(family)
        question = models.family.question(conditions, software)
        digest = models.find(question.key)
        if digest is not None:
            return Answer(digest, "exact", 0.0, question.key, question.key, question=question)
        from driftline import search  # needs NumPy, which an exact answer does without

        fitting, nearest = models.table.search(question, 3)
        if accept == "compatible" and fitting is not None:
            line = fitting.line
            differing = search.differences(question, models.family, line)
            return Answer(
                line["bundle"], "compatible", fitting.distance, question.key, line["key"], differing, question
            )
        if not nearest:
            why = f"No model serves {family} version {question.family_version}."
        elif accept == "compatible":
            why = f"No model of {family} has these labels and software and a measured domain that holds these conditions."
        else:
            why = f"No model of {family} was made for exactly these conditions and software."
            if fitting is not None:
                away = f"{search.tolerances(fitting.distance or 0)} away"
                why += f" They are in the measured domain of model {fitting.line['bundle'][:12]}, {away}."
        near = [
            NearModel(
                candidate.line["bundle"],
                candidate.distance if candidate.distance != float("inf") else None,
                search.differences(question, models.family, candidate.line),
            )
            for candidate in nearest
        ]
        raise no_model(family, why, near, accept, models.family.simulator)

    def bundle(self, digest: str) -> Bundle:
        """A bundle by digest, also one that serves no key any more, or by a prefix of one that does."""
        if DIGEST.fullmatch(digest) is None:
            digest = self._whole(digest)
        elif not self._blobs.has(digest):
            raise unknown_model(digest, self.where)
        return self.led_to(digest)

    def led_to(self, digest: str) -> Bundle:
        """A bundle that an index or a lock names: it is ``damaged`` where it is missing."""
        manifest = self._blobs.get(digest, None, f"bundle {digest[:12]}")
        return Bundle(parse_manifest(manifest, str(self._blobs.directory), digest), self._blobs)

    def digests(self) -> list[str]:
        """The models that serve, of all families."""
        return sorted({digest for models in self._families.values() for digest in models.digests()})

    def _whole(self, prefix: str) -> str:
        found: set[str] = set()
        if re.fullmatch(r"[0-9a-f]{8,63}", prefix):
            found.update(digest for digest in self.digests() if digest.startswith(prefix))
        if len(found) != 1:
            raise unknown_model(prefix, self.where, len(found))
        return found.pop()

    def lock(self, name: str) -> bytes | None:
        """A lock that the snapshot carries: of the tag ``name`` where it has one, or with that digest."""
        found = []
        for tag, ref in self._locks:
            data = self._blobs.ref(ref, f"lock of {tag}")
            if name in (tag, parse_json(data).get("digest")):
                found.append(data)
        if len(found) > 1:
            digests = ", ".join(parse_json(data)["digest"] for data in found)
            raise DriftlineError(
                "usage",
                f"{self.where} has {len(found)} locks of the tag {name!r}.",
                field="lock",
                remedy=f"Give the digest of one: {digests}.",
            )
        return found[0] if found else None

    def close(self) -> None:
        """Nothing is held open."""

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {v}: {m.count} models" for (name, v), m in self._families.items())
        return f"snapshot {self._blobs.directory} ({counts or 'no families'})"


@contextmanager
def understood(where: str, what: str) -> Iterator[None]:
    """Makes what cannot be understood ``damaged``: checked bytes that no writer should have written."""
    try:
        yield
    except (NotJson, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise damaged(where, what, f"it cannot be understood: {error!r}") from error


def damaged(where: str, what: str, how: str) -> DriftlineError:
    """Something in a snapshot that is not as it must be."""
    return DriftlineError(
        "damaged",
        f"Reading the snapshot {where}: {what}: {how}.",
        field=what,
        remedy="Publish the snapshot again, or wait until this machine's copy of it is complete.",
    )
