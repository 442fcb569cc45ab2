"""The key of a question: checked conditions and software in canonical JSON, and its SHA-256.

The rules are those of docs/families.md; the test vectors in vectors.json fix them for every language.
"""

from __future__ import annotations

import decimal
import hashlib
import math
import numbers
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from driftline import units
from driftline.canonical import canonical_json
from driftline.errors import DriftlineError

SCHEME = "driftline-key/1"
MAX_CHARACTERS = 200
MAX_DIGITS = 100
MAX_EXPONENT = 100
LARGEST_EXACT = 2**53 - 1

NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
EXACT = decimal.Context(prec=1000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN, traps=[decimal.Inexact])


@dataclass(frozen=True)
class Question:
    """A question asked of a family, made canonical."""

    family: str
    family_version: int
    conditions: dict[str, str]
    software: dict[str, str]
    defaulted: list[str]
    canonical: str
    key: str


def canonical_question(
    family: Mapping[str, Any],
    conditions: Mapping[str, Any] | None = None,
    software: Mapping[str, Any] | None = None,
) -> Question:
    """Checks and completes a question asked of a family.

    ``family`` is its definition as ``GET /v1/families`` or ``driftline families --json`` gives it; of it are used
    ``name``, ``version``, ``conditions`` (``name``, ``unit`` or null for a label, ``nominal``, ``grid``, ``minimum``,
    ``maximum``, ``values``) and ``software`` (``name``, ``nominal``). Raises DriftlineError with one of the codes
    unknown_condition, missing_condition, invalid_quantity, wrong_unit, out_of_range, invalid_label, invalid_software.
    """
    defaulted: list[str] = []
    values = _complete(
        "conditions",
        family["conditions"],
        conditions or {},
        _condition,
        "unknown_condition",
        "missing_condition",
        defaulted,
    )
    versions = _complete(
        "software",
        family["software"],
        software or {},
        _software,
        "invalid_software",
        "invalid_software",
        defaulted,
    )
    canonical = canonical_text(family["name"], family["version"], values, versions)
    return Question(
        family["name"], family["version"], values, versions, defaulted, canonical, key_of(canonical)
    )


def canonical_text(
    family: str, family_version: int, conditions: Mapping[str, str], software: Mapping[str, str]
) -> str:
    """The canonical form of a question whose values are canonical."""
    return canonical_json(
        {
            "scheme": SCHEME,
            "family": family,
            "familyVersion": family_version,
            "conditions": conditions,
            "software": software,
        }
    )


def key_of(canonical: str) -> str:
    """The key of a canonical form."""
    return f"k1-{hashlib.sha256(canonical.encode()).hexdigest()}"


def _complete(
    part: str,
    declared: list[Mapping[str, Any]],
    given: Mapping[str, Any],
    parse: Callable[[Mapping[str, Any], Any], str],
    unknown: str,
    missing: str,
    defaulted: list[str],
) -> dict[str, str]:
    names = [entry["name"] for entry in declared]
    for name in given:
        if name not in names:
            message = f"The family has no {name!r} among its {part}."
            raise DriftlineError(
                unknown, message, field=f"{part}.{name}", remedy=f"There are: {', '.join(names)}."
            )
    result = {}
    for entry in declared:
        name = entry["name"]
        if name in given:
            result[name] = parse(entry, given[name])
            continue
        if entry.get("nominal") is None:
            message = f"{name} was not given and has no nominal value."
            raise DriftlineError(missing, message, field=f"{part}.{name}", remedy=f"Give {name}.")
        result[name] = entry["nominal"]
        defaulted.append(name)
    return result


def _condition(condition: Mapping[str, Any], given: Any) -> str:
    return _label(condition, given) if condition.get("unit") is None else _quantity(condition, given)


def _quantity(condition: Mapping[str, Any], given: Any) -> str:
    low, high, grid = (Fraction(condition[field]) for field in ("minimum", "maximum", "grid"))
    allowed = f"from {condition['minimum']} to {condition['maximum']} {condition['unit']}"
    remedy = f"Give a decimal number {allowed}."
    value = read_quantity(condition["name"], condition["unit"], given, remedy)
    # round() of a fraction goes to the even neighbour of a tie.
    value = round(value / grid) * grid
    if not low <= value <= high:
        raise _refused(condition["name"], given, "out_of_range", "is outside the allowed range", remedy)
    return plain_decimal(value)


def _refused(name: str, given: Any, code: str, what: str, remedy: str) -> DriftlineError:
    message = f"Condition {name}: {given!r:.80} {what}."
    return DriftlineError(code, message, field=f"conditions.{name}", remedy=remedy)


def read_quantity(name: str, unit: str, given: Any, remedy: str) -> Fraction:
    """The value of a condition in ``unit``, exactly; raises invalid_quantity or wrong_unit."""

    def refused(code: str, what: str) -> DriftlineError:
        return _refused(name, given, code, what, remedy)

    not_a_number = refused("invalid_quantity", "is not a decimal number with a unit")
    if isinstance(given, bool) or not isinstance(given, (str, numbers.Real)):
        raise not_a_number
    if not isinstance(given, str):
        # NumPy's numbers, too, by way of Python's.
        given = int(given) if isinstance(given, numbers.Integral) else float(given)
        if not math.isfinite(given) or abs(given) > LARGEST_EXACT:
            raise refused("invalid_quantity", "is not finite, or beyond 2^53: write it as a string")
        given = repr(given)
    if len(given) > MAX_CHARACTERS:
        raise not_a_number
    text = given.strip(" ")
    match = NUMBER.match(text)
    if match is None:
        raise not_a_number
    sign, whole, fraction, bare_fraction, exponent = match.groups()
    fraction = fraction or bare_fraction or ""
    digits = (whole or "") + fraction
    if len(digits) > MAX_DIGITS or abs(int(exponent or 0)) > MAX_EXPONENT:
        raise not_a_number
    value = Fraction(int(sign + digits)) * Fraction(10) ** (int(exponent or 0) - len(fraction))
    given_unit = text[match.end() :].strip(" ")
    if given_unit:
        try:
            value *= units.factor(given_unit, unit)
        except units.NotAUnit as error:
            looks_like_a_unit = re.match(r"[A-Za-zµμ%(]", given_unit) and not re.match(
                r"[+-]?0[xXoObB]", text
            )
            if not looks_like_a_unit:
                raise not_a_number from None
            raise refused("wrong_unit", f"is in {given_unit}, which {error}") from None
    return value


def plain_decimal(value: Fraction) -> str:
    """A decimal fraction without exponent and trailing zeros."""
    exact = EXACT.divide(decimal.Decimal(value.numerator), decimal.Decimal(value.denominator))
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class NotAWord(ValueError):
    """The value is no word of a key."""


def normalised(given: Any) -> str:
    """The text in normalisation form C; raises NotAWord, saying why, where it can be no word of a key."""
    if not isinstance(given, str):
        raise NotAWord("is not a text")
    if any("\ud800" <= character <= "\udfff" for character in given):
        raise NotAWord("has half of a surrogate pair")
    word = unicodedata.normalize("NFC", given)
    if not 1 <= len(word) <= MAX_CHARACTERS:
        raise NotAWord(f"has {len(word)} characters, not 1 to {MAX_CHARACTERS}")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in word):
        raise NotAWord("has control characters or line breaks")
    if "Zs" in (unicodedata.category(word[0]), unicodedata.category(word[-1])):
        raise NotAWord("begins or ends with a space")
    return word


def _label(condition: Mapping[str, Any], given: Any) -> str:
    values = condition.get("values")
    try:
        word = normalised(given)
        if values is not None and word not in values:
            raise NotAWord("is not among the allowed values")
    except NotAWord as error:
        raise DriftlineError(
            "invalid_label",
            f"Condition {condition['name']}: {given!r:.80} {error}.",
            field=f"conditions.{condition['name']}",
            remedy=f"Allowed: {', '.join(values)}." if values else "Give another word.",
        ) from None
    return word


def _software(component: Mapping[str, Any], given: Any) -> str:
    try:
        word = normalised(given)
        parts = word.split("/")
        if len(parts) != 2 or not all(parts) or any(unicodedata.category(c) == "Zs" for c in word):
            raise NotAWord("is not of the form name/version")
    except NotAWord as error:
        raise DriftlineError(
            "invalid_software",
            f"Software {component['name']}: {given!r:.80} {error}.",
            field=f"software.{component['name']}",
            remedy="Write name/version, without spaces.",
        ) from None
    return word
