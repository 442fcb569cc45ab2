"""Bundles on this machine, one directory a digest, as the TypeScript client keeps them: both can share a cache.

Many processes can use one cache at once: a bundle appears with the last file in it, by a rename. Where nothing can be
written (a read-only disk, a full one) what is there is used, and what is not there is not kept.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from driftline.bundle import Bundle, DirectoryFiles, open_directory
from driftline.errors import DriftlineError
from driftline.manifest import MANIFEST_FILE

log = logging.getLogger("driftline")

#: A place that cannot be written to, now or ever.
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR}

Fetch = Callable[[str], Bundle]


def default_directory() -> Path | None:
    """DRIFTLINE_CACHE_DIR, else where the XDG base directory specification has it; None for a user without a home."""
    given = os.environ.get("DRIFTLINE_CACHE_DIR")
    if given:
        return Path(given).expanduser()
    caches = os.environ.get("XDG_CACHE_HOME", "")
    if caches.startswith("/"):
        return Path(caches, "driftline")
    home = os.path.expanduser("~")
    return Path(home, ".cache", "driftline") if os.path.isabs(home) else None


class BundleCache:
    """Bundles by digest, all of their files checked."""

    def __init__(self, directory: Path):
        self.directory = directory

    def get(self, digest: str, fetch: Fetch) -> Bundle:
        """The bundle from here; fetched and kept if it is not here, fetched anew if it is damaged.

        Raises ``damaged`` only where what is fetched is.
        """
        path = self.directory / digest
        found = os.path.isdir(path)
        if found:
            try:
                return open_directory(path, digest)
            except DriftlineError as error:
                log.warning("a bundle of the cache is damaged and fetched anew: %s", error)
        bundle = fetch(digest)
        try:
            if found:
                _set_aside(path, digest)
            return pull(bundle, path)
        except DriftlineError:
            # What was fetched is bad, or another process changes the very same place: the fetched one tells.
            for name in bundle.files:
                bundle.read(name)
            return bundle
        except OSError as error:
            if error.errno not in UNWRITABLE:
                raise
            log.info("bundle %s is not kept, %s cannot be written to: %s", digest[:12], self.directory, error)
            return bundle


def pull(bundle: Bundle, target: Path) -> Bundle:
    """Writes a bundle to a directory that appears with the last file in it; the same bundle already there is left alone.

    Raises ``damaged`` where bytes do not match their digests, ``usage`` where the directory holds something else.
    """
    target = target.absolute()
    existing = _bundle_at(target, bundle.digest)
    if existing is not None:
        return existing
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the rename stays within one file system.
    temporary = target.parent / f".{target.name}.{os.getpid()}-{os.urandom(8).hex()}"
    temporary.mkdir()
    try:
        folders = {temporary}
        for path in bundle.files:
            file = temporary / path
            file.parent.mkdir(parents=True, exist_ok=True)
            folders.update(folder for folder in file.parents if temporary in folder.parents)
            _write_durably(file, bundle.read(path))
        _write_durably(temporary / MANIFEST_FILE, bundle.read(MANIFEST_FILE))
        for folder in folders:
            _sync_directory(folder)
        try:
            os.rename(temporary, target)
        except OSError:
            # Another process may have been faster.
            existing = _bundle_at(target, bundle.digest)
            if existing is None:
                raise
            return existing
        _sync_directory(target.parent)
        return Bundle(bundle.manifest, DirectoryFiles(target))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _bundle_at(directory: Path, digest: str) -> Bundle | None:
    """The bundle that is in a directory; None where there is nothing."""
    try:
        if not os.listdir(directory):
            return None
    except FileNotFoundError:
        return None
    try:
        bundle = open_directory(directory)
    except DriftlineError as error:
        if error.code == "damaged":
            raise
        raise _occupied(directory, digest, "other files, no such bundle") from error
    if bundle.digest != digest:
        raise _occupied(directory, digest, f"bundle {bundle.digest}")
    return bundle


def _occupied(directory: Path, digest: str, holds: str) -> DriftlineError:
    return DriftlineError(
        "usage",
        f"Pulling bundle {digest[:12]} to {directory}: there is already: {holds}.",
        field="directory",
        remedy="Name a directory that does not exist, or delete this one.",
    )


def _set_aside(path: Path, digest: str) -> None:
    """Removes what is damaged: renames it first, so that no other process sees half a bundle."""
    try:
        # Another process may have mended it.
        open_directory(path, digest)
        return
    except DriftlineError:
        aside = path.with_name(f"{path.name}.damaged-{os.getpid()}-{time.time_ns()}")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    shutil.rmtree(aside, ignore_errors=True)


def _write_durably(path: Path, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
