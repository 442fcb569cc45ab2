"""Symmetries of a track in its row, which multiply the training rows: mirrors of an axis, reversal of the track."""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from .job import Job, check_known, invalid

if TYPE_CHECKING:
    from .dataset import Rows
    from .encoding import Encoding


@dataclass(frozen=True)
class Symmetry:
    """Flips the image along some axes and changes the sign of some inputs."""

    mirror: frozenset[int]
    """Axes of the image."""
    negate: frozenset[int]
    """Columns of the inputs."""

    def __mul__(self, other: "Symmetry") -> "Symmetry":
        return Symmetry(self.mirror ^ other.mirror, self.negate ^ other.negate)


@dataclass(frozen=True)
class Tracks:
    """Inputs [n, inputs], where the coordinates lie in the window [n, 2] (0 to 1), images [n, a, b]."""

    features: np.ndarray
    fractions: np.ndarray
    images: np.ndarray


def as_tracks(encoding: "Encoding", rows: "Rows") -> Tracks:
    return Tracks(rows.features, np.asarray(encoding.fractions(rows.features)), rows.responses)


def group(job: Job, given: list[dict]) -> list[Symmetry]:
    """All products of the symmetries of a job, the identity first. Each is its own inverse."""
    generators = [_symmetry(job, entry, f"hyperparameters.symmetries[{i}]") for i, entry in enumerate(given)]
    members: list[Symmetry] = []
    for chosen in product((False, True), repeat=len(generators)):
        member = Symmetry(frozenset(), frozenset())
        for generator, used in zip(generators, chosen, strict=True):
            member = member * generator if used else member
        if member not in members:
            members.append(member)
    return members


def apply(symmetry: Symmetry, tracks: Tracks) -> Tracks:
    """The mirror about the middle of the window: cell i goes to size-1-i and the fraction f to 1-f, the integer
    part of the coordinate stays. That is exact where the window is as long before the coordinate's cell as after
    the next one (first = 1 - size/2); `group` refuses others."""
    features, fractions = tracks.features.copy(), tracks.fractions.copy()
    features[:, list(symmetry.negate)] *= -1
    for axis in symmetry.mirror:
        fractions[:, axis] = 1 - fractions[:, axis]
    images = np.flip(tracks.images, [axis + 1 for axis in symmetry.mirror])
    return Tracks(features, fractions, np.ascontiguousarray(images))


def augment(members: list[Symmetry], tracks: Tracks) -> Tracks:
    """The rows as they are, followed by their images under every other member."""
    parts = [apply(member, tracks) for member in members]
    return Tracks(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("features", "fractions", "images"))
    )


def _symmetry(job: Job, entry: object, field: str) -> Symmetry:
    if not isinstance(entry, dict) or not set(entry) <= {"mirror", "negate"}:
        raise invalid(field, 'it must be an object with "mirror" (axes) and "negate" (inputs)')
    axes = [axis.name for axis in job.output.axes]
    names = [known.name for known in job.inputs]
    for key, kind, known in (("mirror", "axis", axes), ("negate", "input", names)):
        if not isinstance(entry.get(key, []), list):
            raise invalid(f"{field}.{key}", "it must be a list")
        check_known(f"{field}.{key}", kind, entry.get(key, []), known)
    mirror = frozenset(axes.index(name) for name in entry.get("mirror", []))
    for index in mirror:
        axis = job.output.axes[index]
        if axis.size != 2 - 2 * axis.first:
            raise invalid(
                f"{field}.mirror",
                f"the window of axis {axis.name!r} is not symmetric about its coordinate's cell",
            )
    negate = frozenset(names.index(name) for name in entry.get("negate", []))
    for index in negate:
        if job.inputs[index].low != -job.inputs[index].high:
            raise invalid(f"{field}.negate", f"the domain of {names[index]!r} is not symmetric about zero")
    return Symmetry(mirror, negate)
