"""A bundle directory as a catalogue of one model, without a family: conditions are compared with the model's own."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from driftline.answer import Answer, Difference, NearModel, no_model
from driftline.bundle import Bundle, open_directory
from driftline.errors import DriftlineError
from driftline.family import Family, Values
from driftline.key import canonical_text, key_of, normalised, plain_decimal, read_quantity
from driftline.manifest import Manifest, Range
from driftline.source import Accept, unknown_family, unknown_model

#: A bundle does not know the family's grid: values that came through floating point are the same within this.
SAME = Fraction(1, 10**9)


class BundleDirectory:
    """The source of a bundle directory. What is left out of a question is the model's own."""

    def __init__(self, directory: Path):
        self.where = f"The bundle in {directory}"
        self._directory = directory
        self._bundle = open_directory(directory)

    def families(self) -> list[Family]:
        """None: a bundle names its family and has no definition of it."""
        return []

    def family(self, name: str, version: int | None = None) -> Family:
        """Raises ``unknown_family``: a bundle has no definition of its family."""
        raise unknown_family(name, [], self.where)

    def resolve(
        self, family: str, conditions: Values | None, software: Values | None, accept: Accept
    ) -> Answer:
        """The bundle, if it is of this family and fits what is asked."""
        manifest = self._bundle.manifest
        if family != manifest.family:
            raise unknown_family(family, [manifest.family], self.where)
        asked = dict(manifest.conditions)
        found = []
        for name, given in (conditions or {}).items():
            _known("unknown_condition", "conditions", name, manifest.conditions)
            limits = manifest.domain_conditions.get(name)
            difference = (
                _label(name, given, manifest) if limits is None else _quantity(name, given, limits, manifest)
            )
            if difference is not None:
                asked[name] = difference.asked
                found.append(difference)
        versions = dict(manifest.software)
        for name, given in (software or {}).items():
            _known("invalid_software", "software", name, manifest.software)
            if given != versions[name]:
                found.append(_fixed(name, given, versions[name], "software must be the same"))
        if not found:
            return Answer(manifest.digest, "exact", 0.0, manifest.key, manifest.key)
        if accept == "compatible" and all(difference.fits for difference in found):
            # The family's key where the values are on its grid.
            key = key_of(canonical_text(manifest.family, manifest.family_version, asked, versions))
            return Answer(manifest.digest, "compatible", None, key, manifest.key, tuple(found))
        near = NearModel(manifest.digest, None, tuple(found))
        raise no_model(family, f"{self.where} is for other conditions.", [near], accept, None)

    def bundle(self, digest: str) -> Bundle:
        """The bundle, if this is its digest."""
        if len(digest) < 8 or not self._bundle.digest.startswith(digest):
            raise unknown_model(digest, self.where)
        return self._bundle

    def digests(self) -> list[str]:
        """The bundle itself."""
        return [self._bundle.digest]

    def lock(self, name: str) -> bytes | None:
        """A bundle has none."""
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def __repr__(self) -> str:
        return f"bundle {self._bundle.digest[:12]} in {self._directory}"


def _known(code: str, part: str, name: str, has: Mapping[str, Any]) -> None:
    if name not in has:
        raise DriftlineError(
            code,
            f"The model has no {name!r} among its {part}.",
            field=f"{part}.{name}",
            remedy=f"There are: {', '.join(has)}.",
        )


def _quantity(name: str, given: Any, limits: Range, manifest: Manifest) -> Difference | None:
    unit, has = limits.unit, manifest.conditions[name]
    value = read_quantity(name, unit, given, f"Give a decimal number in {unit}, such as '{has} {unit}'.")
    own = Fraction(has)
    if abs(value - own) <= SAME * max(abs(value), abs(own)):
        return None
    low, high = Fraction(str(limits.low)), Fraction(str(limits.high))
    slack = SAME * max(abs(low), abs(high))
    fits = low - slack <= value <= high + slack
    shown = plain_decimal(value) if value.denominator % 3 else str(float(value))
    where = f"{'inside' if fits else 'outside'} its measured domain, {limits}"
    reason = f"{name}: asked {shown} {unit}, model {has}; {where}"
    return Difference(name, shown, has, unit, None, (limits.low, limits.high), fits, reason)


def _label(name: str, given: Any, manifest: Manifest) -> Difference | None:
    has = manifest.conditions[name]
    try:
        asked = normalised(given)
    except ValueError as error:
        raise DriftlineError(
            "invalid_label",
            f"Condition {name}: {given!r:.80} {error}.",
            field=f"conditions.{name}",
            remedy=f"The model's is {has!r}.",
        ) from None
    return None if asked == has else _fixed(name, asked, has, "a label must be the same")


def _fixed(name: str, asked: Any, has: str, rule: str) -> Difference:
    return Difference(
        name, str(asked), has, None, None, None, False, f"{name}: asked {asked}, model {has}; {rule}"
    )
