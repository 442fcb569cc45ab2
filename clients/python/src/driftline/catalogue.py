"""Where models come from: one class for snapshots, servers and bundle directories, with or without a lock."""

from __future__ import annotations

import numbers
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from driftline.answer import Answer
from driftline.bundle import Bundle, read_plain_file, reason
from driftline.errors import DriftlineError
from driftline.family import Family, Values
from driftline.lock import Lock, check_bundle, parse_lock
from driftline.manifest import MANIFEST_FILE, damaged
from driftline.snapshot import POINTER
from driftline.source import Accept, Source

if TYPE_CHECKING:
    from driftline.model import Model


def open_catalogue(
    place: str | os.PathLike[str] | None = None,
    *,
    lock: str | os.PathLike[str] | None = None,
    cache: str | os.PathLike[str] | None = None,
    token: str | None = None,
    patience: float = 120.0,
) -> Catalogue:
    """Opens a snapshot directory, a bundle directory, or a server by its URL.

    place     without it what DRIFTLINE_SNAPSHOT or DRIFTLINE_URL names
    lock      a file that `driftline lock` wrote, or the tag or digest of one that the snapshot carries: nothing but
              the bundles that it names is ever used
    cache     of a server: where pulled bundles are kept; without it DRIFTLINE_CACHE_DIR or the user's cache. Not
              being able to write there is no error
    token     of a server; without it DRIFTLINE_TOKEN
    patience  of a server: for how many seconds it is asked again while it is busy

    Raises ``usage`` where there is no catalogue, ``damaged`` where one is not what its digests say.
    """
    place = place or os.environ.get("DRIFTLINE_SNAPSHOT") or os.environ.get("DRIFTLINE_URL")
    if not place:
        raise DriftlineError(
            "usage",
            "It is not said where the models are.",
            field="place",
            remedy="Give a snapshot, a bundle directory or a URL, or set DRIFTLINE_SNAPSHOT or DRIFTLINE_URL.",
        )
    source = _source(os.fspath(place), cache, token, patience)
    return Catalogue(source, None if lock is None else _lock(source, os.fspath(lock)))


def _source(place: str, cache: str | os.PathLike[str] | None, token: str | None, patience: float) -> Source:
    # Each kind is loaded when it is used: jobs start by the thousand, and urllib alone takes 30 ms.
    if "://" in place:
        from driftline.cache import BundleCache, default_directory
        from driftline.server import Server

        directory = default_directory() if cache is None else Path(cache)
        kept = None if directory is None else BundleCache(directory)
        return Server(place, token or os.environ.get("DRIFTLINE_TOKEN"), kept, patience)
    directory = Path(place)
    if (directory / MANIFEST_FILE).exists() and not (directory / POINTER).exists():
        from driftline.directory import BundleDirectory

        return BundleDirectory(directory)
    from driftline.snapshot import Snapshot

    return Snapshot(directory)


def _lock(source: Source, name: str) -> Lock:
    data = None if os.path.exists(name) else source.lock(name)
    if data is not None:
        return parse_lock(data, f"{name} of {source!r}")
    try:
        return parse_lock(read_plain_file(Path(name), follow_links=True), name)
    except OSError as error:
        raise DriftlineError(
            "usage",
            f"Reading the lock {name}: {reason(error)}; and {source!r} has none of that name.",
            field="lock",
            remedy="Name a file that `driftline lock` wrote.",
        ) from error


class Catalogue:
    """Models by the conditions that they are good for. Threads can share it; it holds nothing that must be closed."""

    def __init__(self, source: Source, lock: Lock | None = None):
        self._source = source
        self.lock = lock

    def families(self) -> list[Family]:
        """The families that can be asked, each in its newest version."""
        return self._source.families()

    def family(self, name: str) -> Family:
        """A family: its conditions, and the key of a question (``family.question(…).key``). Raises ``unknown_family``."""
        return self._source.family(name)

    def resolve(
        self,
        family: str,
        conditions: Values | None = None,
        software: Values | None = None,
        *,
        run: int | None = None,
        accept: Accept = "exact",
    ) -> Answer:
        """The bundle that answers a question; nothing of it is read yet.

        ``conditions`` by name: "5.50 cm/us", 5.5 in the declared unit, a label. What is left out takes its nominal
        value. ``accept="compatible"`` also takes a model whose measured domain holds the conditions. Under a lock
        ``run`` may stand in place of conditions, and ``accept`` is the lock's own.

        Raises ``no_model``, whose text and ``data["nearest"]`` say why the nearest models do not fit;
        ``unknown_family``; and the errors of ``Family.question``.
        """
        if accept not in ("exact", "compatible"):
            raise DriftlineError(
                "usage",
                f"There is no way of resolving called {accept!r:.80}.",
                field="accept",
                remedy='Give accept="exact" or accept="compatible".',
            )
        if self.lock is None:
            if run is not None:
                raise DriftlineError(
                    "usage",
                    "A run can be asked for only under a lock.",
                    field="run",
                    remedy="Open the catalogue with lock=….",
                )
            return self._source.resolve(family, conditions, software, accept)
        if run is not None:
            if conditions or software:
                raise DriftlineError(
                    "usage",
                    "Both a run and conditions were given.",
                    field="run",
                    remedy="Give the run alone: the lock says which conditions it has.",
                )
            if not isinstance(run, numbers.Integral):
                raise DriftlineError(
                    "usage", f"{run!r:.80} is no run.", field="run", remedy="Give its number, such as 1234."
                )
            return self.lock.answer(family, run, None)
        definition = self._source.family(family, self.lock.family_version(family))
        return self.lock.answer(family, None, definition.question(conditions, software).key)

    def model(
        self,
        family: str,
        conditions: Values | None = None,
        software: Values | None = None,
        *,
        run: int | None = None,
        accept: Accept = "exact",
        threads: int = 1,
    ) -> Model:
        """The model that answers a question (see ``resolve``), verified: every digest, and its reference replayed.

        Raises also ``damaged`` and ``invalid_bundle``.
        """
        from driftline.model import load_model

        answer = self.resolve(family, conditions, software, run=run, accept=accept)
        bundle = self._answering(answer, family)
        return load_model(bundle, threads, answer)

    def bundle(self, digest: str) -> Bundle:
        """A bundle by its digest, or by a prefix of at least 8 digits that only one has. Raises ``unknown_model``."""
        if self.lock is None:
            return self._source.bundle(digest)
        return self._led_to(self.lock.whole(digest))

    def digests(self) -> list[str]:
        """The models that are listed here; under a lock those that it names. Raises ``usage`` for a server."""
        if self.lock is None:
            return self._source.digests()
        return sorted({entry.bundle for entry in self.lock.ranges})

    def pull(self, digest: str, directory: str | os.PathLike[str]) -> Bundle:
        """Writes a bundle to a directory that appears with the last file in it. Raises ``usage``, ``damaged``."""
        from driftline.cache import pull

        return pull(self.bundle(digest), Path(directory))

    def _answering(self, answer: Answer, family: str) -> Bundle:
        """The bundle of an answer, which must be of the key that it was found under."""
        bundle = self._led_to(answer.bundle)
        if self.lock is not None:
            check_bundle(answer, family, bundle)
        elif (bundle.manifest.family, bundle.manifest.key) != (family, answer.model_key):
            said = f"{answer.model_key} of {family}"
            found = f"{bundle.manifest.key} of {bundle.manifest.family}"
            raise damaged(answer.bundle, MANIFEST_FILE, said, found)
        return bundle

    def _led_to(self, digest: str) -> Bundle:
        """A bundle that an answer or a lock names, and that is ``damaged`` where it is missing."""
        try:
            return self._source.bundle(digest)
        except DriftlineError as error:
            if error.code != "unknown_model":
                raise
            raise damaged(digest, MANIFEST_FILE, "a bundle", "none") from error

    def close(self) -> None:
        """Gives back what is held open. Models that were handed out go on."""
        self._source.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        under = "" if self.lock is None else f" under lock {self.lock}"
        return f"<Catalogue: {self._source!r}{under}>"
