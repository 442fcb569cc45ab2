"""A bundle: a checked manifest and a way to its files, each checked before a byte of it is believed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from driftline.errors import DriftlineError
from driftline.manifest import (
    MANIFEST_FILE,
    MAXIMUM_MANIFEST_BYTES,
    MODEL_FILE,
    REFERENCE_FILE,
    File,
    Manifest,
    damaged,
    invalid,
    parse_manifest,
)

if TYPE_CHECKING:
    from driftline.model import Model


class Files(Protocol):
    """Where the files of a bundle are: a directory, the blobs of a snapshot, a server."""

    #: For messages.
    where: str

    def read(self, file: File) -> bytes:
        """The bytes that should be the file's; raises ``damaged`` where there are none."""


class Bundle:
    """An immutable bundle, named by its digest. Its manifest was checked; files are checked when they are read."""

    def __init__(self, manifest: Manifest, files: Files):
        self.manifest = manifest
        self._files = files

    @property
    def digest(self) -> str:
        """SHA-256 of bundle.json."""
        return self.manifest.digest

    @property
    def files(self) -> Mapping[str, File]:
        """The files by path, beside bundle.json itself."""
        return self.manifest.files

    def read(self, path: str) -> bytes:
        """A file such as ``card.md``, whole. Raises ``unknown_file``, and ``damaged`` where its digest is another."""
        if path == MANIFEST_FILE:
            return self.manifest.data
        file = self.manifest.files.get(path)
        if file is None:
            raise DriftlineError(
                "unknown_file",
                f"Bundle {self.digest[:12]} has no file {path!r}.",
                field=path,
                remedy=f"It has: {', '.join(self.manifest.files)}.",
            )
        data = self._files.read(file)
        if len(data) != file.size:
            raise damaged(self._files.where, path, f"{file.size} bytes", f"{len(data)} bytes")
        found = hashlib.sha256(data).hexdigest()
        if found != file.sha256:
            raise damaged(self._files.where, path, f"SHA-256 {file.sha256}", f"SHA-256 {found}")
        return data

    def verify(self) -> None:
        """Checks all files, and that the model gives the reference outputs. Raises ``damaged``, ``invalid_bundle``."""
        for path in self.manifest.files:
            self.read(path)
        self.model()

    def model(self, threads: int = 1) -> Model:
        """The model, after the replay of its reference. Raises ``damaged``, ``invalid_bundle``."""
        from driftline.model import load_model

        return load_model(self, threads)

    def replay_failed(self, expected: float, allowed: float, found: float, row: int) -> DriftlineError:
        """The error of a model that does not give its reference outputs."""
        wanted = (
            f"`{self.manifest.output_name}` {expected:.9g} ± {allowed:.3g} in row {row} of {REFERENCE_FILE}"
        )
        return damaged(self._files.where, MODEL_FILE, wanted, f"{found:.9g}")

    def bad_reference(self, what: str) -> DriftlineError:
        """The error of a reference that does not fit the model."""
        return invalid(self._files.where, what, REFERENCE_FILE)

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<Bundle {self.digest[:12]} of {manifest.family} {manifest.family_version} from {self._files.where}>"


class DirectoryFiles:
    """Files of a bundle directory, such as ``driftline pull`` writes."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.where = str(directory)

    def read(self, file: File) -> bytes:
        path = self.directory / file.path
        try:
            return read_plain_file(path)
        except OSError as error:
            raise damaged(self.where, file.path, "a file", reason(error)) from error


def read_plain_file(path: Path, follow_links: bool = False) -> bytes:
    """All of a file that is one: a link, a pipe or a device is an OSError."""
    # Without the second flag, opening a pipe that nobody writes to would last for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0))
    descriptor = os.open(path, flags)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a plain file")
        return file.read()


def reason(error: OSError) -> str:
    """Such as "No such file or directory"."""
    return error.strerror or str(error)


def open_directory(directory: Path, digest: str | None = None) -> Bundle:
    """The bundle of a directory that holds exactly its files, all of them checked.

    Raises ``invalid_bundle`` where the format is not followed, ``damaged`` where content is not what the manifest says.
    """
    path = directory / MANIFEST_FILE
    try:
        if path.stat().st_size > MAXIMUM_MANIFEST_BYTES:
            raise OSError("too large")
        data = read_plain_file(path)
    except OSError as error:
        what = (
            f"holds no usable {MANIFEST_FILE}: {reason(error)}"
            if directory.is_dir()
            else "is not a directory"
        )
        raise DriftlineError(
            "invalid_bundle",
            f"{directory} {what}.",
            field=MANIFEST_FILE,
            remedy="Name the directory that `driftline pull` wrote.",
        ) from None
    bundle = Bundle(parse_manifest(data, str(directory), digest), DirectoryFiles(directory))
    for name in _names(directory):
        if name != MANIFEST_FILE and name not in bundle.files:
            raise damaged(str(directory), name, "no such file", "a file")
    for name in bundle.files:
        bundle.read(name)
    return bundle


def _names(directory: Path) -> list[str]:
    """All files below a directory, ``/`` between names; links count as files."""
    found = []
    for folder, folders, files in os.walk(directory):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [Path(folder, name).relative_to(directory).as_posix() for name in (*files, *links)]
    return found
