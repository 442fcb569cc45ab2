"""Units of measurement: reads expressions such as ``um/sqrt(cm)`` and converts between them exactly."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

MAX_LENGTH = 64

PREFIXES = {
    "f": -15,
    "p": -12,
    "n": -9,
    "u": -6,
    "m": -3,
    "c": -2,
    "h": 2,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
}

BASE = ("m", "kg", "s", "A", "K")
# Size in SI base units, and exponents of those.
PREFIXABLE = {
    "m": ("1", (1, 0, 0, 0, 0)),
    "g": ("0.001", (0, 1, 0, 0, 0)),
    "s": ("1", (0, 0, 1, 0, 0)),
    "A": ("1", (0, 0, 0, 1, 0)),
    "K": ("1", (0, 0, 0, 0, 1)),
    "Hz": ("1", (0, 0, -1, 0, 0)),
    "N": ("1", (1, 1, -2, 0, 0)),
    "J": ("1", (2, 1, -2, 0, 0)),
    "W": ("1", (2, 1, -3, 0, 0)),
    "C": ("1", (0, 0, 1, 1, 0)),
    "V": ("1", (2, 1, -3, -1, 0)),
    "F": ("1", (-2, -1, 4, 2, 0)),
    "Ohm": ("1", (2, 1, -3, -2, 0)),
    "T": ("1", (0, 1, -2, -1, 0)),
    "G": ("1/10000", (0, 1, -2, -1, 0)),
    "Pa": ("1", (-1, 1, -2, 0, 0)),
    "bar": ("100000", (-1, 1, -2, 0, 0)),
    "eV": ("1.602176634e-19", (2, 1, -2, 0, 0)),
}
PLAIN = {
    "1": ("1", (0, 0, 0, 0, 0)),
    "%": ("1/100", (0, 0, 0, 0, 0)),
    "ppm": ("1/1000000", (0, 0, 0, 0, 0)),
    "min": ("60", (0, 0, 1, 0, 0)),
    "h": ("3600", (0, 0, 1, 0, 0)),
    "atm": ("101325", (-1, 1, -2, 0, 0)),
    "Torr": ("101325/760", (-1, 1, -2, 0, 0)),
    "c": ("299792458", (1, 0, -1, 0, 0)),
}
# Each is a dimension of its own: a bin is no pad, and radians are degrees times an irrational number.
COUNTED = ("deg", "ADC", "bin", "pad", "electron")


@dataclass(frozen=True)
class Unit:
    """Exponents of the dimensions, and the square of the size in base units (rational, also for square roots)."""

    exponents: dict[str, Fraction]
    square: Fraction

    def times(self, other: Unit, sign: int = 1) -> Unit:
        exponents = Counter(self.exponents)
        for name, exponent in other.exponents.items():
            exponents[name] += sign * exponent
        return Unit(
            {name: exponent for name, exponent in exponents.items() if exponent != 0},
            self.square * other.square**sign,
        )


def _symbol(name: str) -> Unit | None:
    """A unit by its symbol. One of its own wins over a prefix: Pa is pascal, min is minute."""

    def unit(size: str, powers: tuple[int, ...], ten: int = 0) -> Unit:
        exponents = {base: Fraction(power) for base, power in zip(BASE, powers) if power}
        return Unit(exponents, (Fraction(size) * Fraction(10) ** ten) ** 2)

    if name in PREFIXABLE or name in PLAIN:
        return unit(*(PREFIXABLE.get(name) or PLAIN[name]))
    if name in COUNTED or name == "rad":
        return Unit({name: Fraction(1)}, Fraction(1))
    ten, rest = PREFIXES.get(name[:1]), name[1:]
    if ten is None:
        return None
    if rest == "rad":
        return Unit({"rad": Fraction(1)}, Fraction(100) ** ten)
    return unit(*PREFIXABLE[rest], ten) if rest in PREFIXABLE else None


class NotAUnit(ValueError):
    """The text is no unit, or none that converts."""


def factor(given: str, declared: str) -> Fraction:
    """The exact number f with ``1 given = f declared``; raises NotAUnit, saying why, where there is none."""
    source, target = parse(given), parse(declared)
    if source.exponents != target.exponents:
        raise NotAUnit(f"does not measure the same quantity as {declared}")
    root = _square_root(source.square / target.square)
    if root is None:
        raise NotAUnit(f"differs from {declared} by an irrational factor, which has no exact conversion")
    return root


def parse(text: str) -> Unit:
    """Reads a unit. Spaces between its parts do not count; ``µ`` and ``μ`` are written for ``u``."""
    if len(text) > MAX_LENGTH:
        raise NotAUnit("is not a known unit")
    tokens = re.findall(r"[A-Za-zµμ]+|\^ *-? *[0-9](?![0-9])|[^ ]", text)
    unit, left = _product(tokens)
    if left:
        raise NotAUnit("is not a known unit")
    return unit


def _product(tokens: list[str]) -> tuple[Unit, list[str]]:
    unit, tokens = _factor(tokens)
    while tokens and tokens[0] in "*/":
        sign = 1 if tokens[0] == "*" else -1
        other, tokens = _factor(tokens[1:])
        unit = unit.times(other, sign)
    return unit, tokens


def _factor(tokens: list[str]) -> tuple[Unit, list[str]]:
    if tokens[:2] == ["sqrt", "("]:
        unit, rest = _product(tokens[2:])
        return _root(unit), _closed(rest)
    if tokens[:1] == ["("]:
        unit, rest = _product(tokens[1:])
        return unit, _closed(rest)
    symbol, rest = "".join(tokens[:1]), tokens[1:]
    unit = _symbol(symbol.replace("µ", "u", 1).replace("μ", "u", 1))
    if unit is None:
        raise NotAUnit("is not a known unit")
    if rest and len(rest[0]) > 1 and rest[0].startswith("^"):
        power = int(rest[0][1:].replace(" ", ""))
        exponents = {name: exponent * power for name, exponent in unit.exponents.items() if power}
        return Unit(exponents, unit.square**power), rest[1:]
    return unit, rest


def _closed(tokens: list[str]) -> list[str]:
    if tokens[:1] != [")"]:
        raise NotAUnit("is not a known unit")
    return tokens[1:]


def _root(unit: Unit) -> Unit:
    size = _square_root(unit.square)
    if size is None or any(exponent.denominator != 1 for exponent in unit.exponents.values()):
        raise NotAUnit("is not a known unit")
    return Unit({name: exponent / 2 for name, exponent in unit.exponents.items()}, size)


def _square_root(value: Fraction) -> Fraction | None:
    root = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return root if root * root == value else None
