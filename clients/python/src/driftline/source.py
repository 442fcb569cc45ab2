"""What a catalogue asks: a snapshot, a server or a bundle directory, all alike."""

from __future__ import annotations

from typing import Literal, Protocol

from driftline.answer import Answer
from driftline.bundle import Bundle
from driftline.errors import DriftlineError
from driftline.family import Family, Values

#: Whether a model that was made for other conditions will do, where its measured domain holds those that are asked.
Accept = Literal["exact", "compatible"]


class Source(Protocol):
    """Where families, answers and bundles come from. All methods can be called from several threads."""

    #: For messages.
    where: str

    def families(self) -> list[Family]:
        """The newest version of each family."""

    def family(self, name: str, version: int | None = None) -> Family:
        """Raises ``unknown_family``."""

    def resolve(
        self, family: str, conditions: Values | None, software: Values | None, accept: Accept
    ) -> Answer:
        """Raises ``no_model``, and the errors of keys."""

    def bundle(self, digest: str) -> Bundle:
        """By digest or unique prefix of at least 8 digits. Raises ``unknown_model``."""

    def digests(self) -> list[str]:
        """The models that it lists. Raises ``usage`` where it is a server, whose catalogue is checked there."""

    def lock(self, name: str) -> bytes | None:
        """The lock of a tag, or with a digest; None where there is none."""

    def close(self) -> None:
        """Gives back what is held open."""


def unknown_family(name: str, known: list[str], where: str) -> DriftlineError:
    """The error of a family that is not there."""
    return DriftlineError(
        "unknown_family",
        f"{where} has no family {name!r:.80}.",
        field="family",
        remedy=f"There are: {', '.join(known)}." if known else "It has no families.",
    )


def unknown_model(digest: str, where: str, found: int = 0) -> DriftlineError:
    """The error of a digest that names no bundle, or of a prefix that several have."""
    what = f"has {found} bundles whose digests begin with" if found else "has no bundle"
    return DriftlineError(
        "unknown_model",
        f"{where} {what} {digest!r:.80}.",
        field="bundle",
        remedy="Give the 64 hexadecimal digits of a digest, or at least 8 that only one has.",
    )
