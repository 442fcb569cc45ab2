"""The manifest of a bundle (bundle.json): read, checked, and as dataclasses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.canonical import NotJson, parse_json
from driftline.errors import DriftlineError
from driftline.key import canonical_text, key_of

MANIFEST_FILE = "bundle.json"
MODEL_FILE = "model.onnx"
REFERENCE_FILE = "reference.safetensors"
MAXIMUM_MANIFEST_BYTES = 16 * 1024 * 1024

DIGEST = re.compile(r"[0-9a-f]{64}")
PLAIN_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._ -]{0,127}")


@dataclass(frozen=True)
class File:
    """A file of a bundle, as the manifest lists it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Range:
    """Limits of a quantity, ends included; ``tested`` says whether the model was tested up to them."""

    low: float
    high: float
    unit: str
    tested: bool = True

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}"


@dataclass(frozen=True, repr=False)
class Manifest:
    """What a bundle says of itself. ``document`` is all of bundle.json, also what has no attribute here."""

    digest: str
    key: str
    family: str
    family_version: int
    conditions: Mapping[str, str]
    software: Mapping[str, str]
    #: Limits in which the model passed its gates, by condition and by input.
    domain_conditions: Mapping[str, Range]
    domain_inputs: Mapping[str, Range]
    #: Columns of the features in order, within the limits that the model was trained for.
    columns: Mapping[str, Range]
    output_name: str
    output_unit: str
    #: Largest deviation from the reference outputs: |a - b| <= absolute + relative |b|.
    absolute: float
    relative: float
    files: Mapping[str, File]
    document: Mapping[str, Any]
    #: The bytes of bundle.json.
    data: bytes

    def __repr__(self) -> str:
        return (
            f"<Manifest {self.digest[:12]} of {self.family} {self.family_version}: {len(self.files)} files>"
        )


def parse_manifest(data: bytes, source: str, digest: str | None = None) -> Manifest:
    """Checks the bytes of a bundle.json; ``source`` is for messages.

    Raises ``damaged`` where the bytes do not have the digest, ``invalid_bundle`` where they do not follow the format.
    """
    found = hashlib.sha256(data).hexdigest()
    if digest is not None and found != digest:
        raise damaged(source, MANIFEST_FILE, f"SHA-256 {digest}", f"SHA-256 {found}")
    try:
        document = parse_json(data)
    except NotJson as error:
        raise invalid(source, f"it is not JSON in UTF-8: {error}") from None
    try:
        manifest = _read(document, data, found)
        key = key_of(
            canonical_text(manifest.family, manifest.family_version, manifest.conditions, manifest.software)
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise invalid(source, what) from None
    if manifest.key != key:
        raise invalid(source, f"key: it is {manifest.key}, its conditions and software give {key}")
    return manifest


def _read(document: Any, data: bytes, digest: str) -> Manifest:
    if not isinstance(document, dict) or document.get("scheme") != "driftline-bundle/1":
        raise ValueError("scheme: it is not driftline-bundle/1")
    features = [spec for spec in document["signature"]["inputs"] if spec["name"] != "latent"]
    outputs = document["signature"]["outputs"]
    if len(features) != 1 or len(outputs) != 1:
        raise ValueError("signature: there must be one input besides `latent`, and one output")
    domain = document["domain"]
    return Manifest(
        digest=digest,
        key=_typed(document["key"], str, "key"),
        family=_typed(document["family"], str, "family"),
        family_version=_typed(document["familyVersion"], int, "familyVersion"),
        conditions=_texts(document["conditions"], "conditions"),
        software=_texts(document["software"], "software"),
        domain_conditions=_ranges(domain["conditions"]),
        domain_inputs=_ranges(domain["inputs"]),
        columns={
            _typed(column["name"], str, "columns"): _range(column)
            for column in features[0].get("columns") or []
        },
        output_name=_typed(outputs[0]["name"], str, "outputs"),
        output_unit=_typed(outputs[0]["unit"], str, "outputs"),
        absolute=_number(document["tolerance"]["absolute"]),
        relative=_number(document["tolerance"]["relative"]),
        files=_files(document["files"]),
        document=document,
        data=data,
    )


def _files(entries: Any) -> dict[str, File]:
    files: dict[str, File] = {}
    for entry in entries:
        path, size, sha256 = entry["path"], entry["size"], entry["sha256"]
        if not is_plain_path(path):
            raise ValueError(f"files: {path!r:.80} is not a plain relative path")
        if path in files or path == MANIFEST_FILE:
            raise ValueError(f"files: {path!r} is listed twice")
        if not isinstance(sha256, str) or DIGEST.fullmatch(sha256) is None:
            raise ValueError(f"files: {path!r} has no SHA-256 of 64 hexadecimal digits")
        if _typed(size, int, "files") < 0:
            raise ValueError(f"files: {path!r} has a negative size")
        files[path] = File(path, size, sha256)
    for path in (MODEL_FILE, REFERENCE_FILE):
        if path not in files:
            raise ValueError(f"files: {path} is not listed")
    return files


def is_plain_path(path: Any) -> bool:
    """Whether a path stays inside the bundle on every system: no roots, dots, backslashes or control characters."""
    return (
        isinstance(path, str)
        and len(path) < 512
        and all(PLAIN_PART.fullmatch(part) is not None for part in path.split("/"))
    )


def _ranges(members: Any) -> dict[str, Range]:
    return {name: _range(member) for name, member in members.items()}


def _range(member: Any) -> Range:
    unit = _typed(member["unit"], str, "unit")
    return Range(_number(member["low"]), _number(member["high"]), unit, member.get("tested", True) is True)


def _texts(members: Any, what: str) -> dict[str, str]:
    return {name: _typed(value, str, f"{what}.{name}") for name, value in members.items()}


def _typed(value: Any, kind: type, what: str) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{what}: {value!r:.40} is not a {kind.__name__}")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{value!r:.40} is not a number")
    return float(value)


def damaged(source: str, path: str, expected: str, found: str, more: int = 0) -> DriftlineError:
    """Something in a bundle that is not as its manifest says."""
    others = f"; and {more} more" if more else ""
    return DriftlineError(
        "damaged",
        f"Verifying bundle {source}: {path}: expected {expected}, found {found}{others}.",
        field=path,
        remedy="Fetch the bundle again from where it was published.",
    )


def invalid(source: str, what: str, path: str = MANIFEST_FILE) -> DriftlineError:
    """A bundle that does not follow the format."""
    return DriftlineError(
        "invalid_bundle",
        f"Verifying bundle {source}: {path}: {what}.",
        field=path,
        remedy="Ask whoever made the bundle for one that `driftline verify` accepts.",
    )
