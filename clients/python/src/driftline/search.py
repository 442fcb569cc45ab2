"""Compatible resolution without a server: which model's measured domain holds a question, which are nearest, and why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from driftline.answer import Difference
from driftline.family import Family
from driftline.key import Question

DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Candidate:
    """A model and its distance from what was asked: the largest |difference|/tolerance."""

    line: Mapping[str, Any]
    #: Infinite where a condition without tolerance differs; None where a label or version does.
    distance: float | None


class ModelTable:
    """The serving models of a family as columns: values and ends of domains in steps of the grid."""

    def __init__(self, family: Family, lines: Sequence[Mapping[str, Any]]):
        self.lines = lines
        self._binding = np.array([line["binding"] for line in lines], np.int64)
        self._labels = [name for name, entry in family.conditions.items() if entry.get("unit") is None]
        self._quantities = {
            name: (float(entry["grid"]), float(entry["tolerance"] or 0))
            for name, entry in family.conditions.items()
            if entry.get("unit") is not None
        }
        # Few, however many the models.
        self._contexts: list[dict[str, str]] = []
        numbers: dict[tuple[tuple[str, str], ...], int] = {}
        context_of = []
        # Value and ends of the domain, model by model and quantity by quantity.
        boxes: list[float] = []
        values: dict[str, float] = {}
        for line in lines:
            context = self._context(line["conditions"], line["software"])
            number = numbers.setdefault(tuple(sorted(context.items())), len(numbers))
            if number == len(self._contexts):
                self._contexts.append(context)
            context_of.append(number)
            for name in self._quantities:
                text = line["conditions"].get(name, "")
                own = values.get(text)
                if own is None:
                    # A bundle made elsewhere can state anything under a key of its own: no number is infinitely far.
                    own = values[text] = float(text) if DECIMAL.fullmatch(text) else np.inf
                low, high = line["domain"].get(name, (own, own))
                boxes += own, low, high
        self._context_of = np.array(context_of, np.intp)
        grids = np.array([grid for grid, _ in self._quantities.values()]).reshape(-1, 1)
        self._value, self._low, self._high = in_steps(
            np.array(boxes).reshape(len(lines), len(grids), 3).transpose(2, 1, 0), grids
        )
        self._tolerance = in_steps(
            np.array([tolerance for _, tolerance in self._quantities.values()]), grids.reshape(-1)
        ).reshape(-1, 1)
        self._grids = grids

    def search(self, question: Question, count: int) -> tuple[Candidate | None, list[Candidate]]:
        """The nearest model whose domain holds the question, and the ``count`` nearest of all."""
        if not self.lines:
            return None, []
        asked = in_steps(
            np.array([[float(question.conditions[name])] for name in self._quantities]).reshape(-1, 1),
            self._grids,
        )
        context = self._context(question.conditions, question.software)
        mismatches = np.array([_mismatch(context, has) for has in self._contexts])[self._context_of]
        difference = np.abs(asked - self._value)
        with np.errstate(divide="ignore", invalid="ignore"):
            # Without tolerance the quotient is infinite for any difference.
            distances = np.where(difference == 0, 0.0, difference / self._tolerance)
        distance = distances.max(axis=0, initial=0.0)
        inside = ((asked >= self._low) & (asked <= self._high)).all(axis=0)
        fits = np.flatnonzero(inside & (mismatches == 0) & np.isfinite(distance))
        order = np.lexsort((-self._binding, distance, mismatches))[:count]
        nearest = [
            Candidate(self.lines[i], float(distance[i]) if mismatches[i] == 0 else None) for i in order
        ]
        if len(fits) == 0:
            return None, nearest
        best = fits[np.lexsort((-self._binding[fits], distance[fits]))[0]]
        return Candidate(self.lines[best], float(distance[best])), nearest

    def _context(self, conditions: Mapping[str, str], software: Mapping[str, str]) -> dict[str, str]:
        """What must be the same: labels and software."""
        labels = {name: conditions[name] for name in self._labels if name in conditions}
        return {**labels, **{f"software {name}": version for name, version in software.items()}}


def _mismatch(asked: Mapping[str, str], has: Mapping[str, str]) -> int:
    return sum(asked.get(name) != has.get(name) for name in {*asked, *has})


def in_steps(values: Any, grid: Any) -> Any:
    """Values in steps of the grid: whole where they are so within 1e-6, because whole numbers compare exactly."""
    steps = values / grid
    with np.errstate(invalid="ignore"):
        whole = np.round(steps)
        return np.where(np.abs(steps - whole) < 1e-6, whole, steps)


def differences(question: Question, family: Family, line: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Conditions and software in which a model differs, in the family's order."""
    found = []
    for name, condition in family.conditions.items():
        asked, has = question.conditions[name], line["conditions"].get(name)
        if asked == has:
            continue
        if condition.get("unit") is None:
            found.append(_fixed(name, asked, has or "none", "a label must be the same"))
        elif DECIMAL.fullmatch(has or "") is None:
            found.append(_fixed(name, asked, has or "none", "the model does not state a number"))
        else:
            found.append(_quantity(condition, asked, has, line["domain"].get(name)))
    for name in dict.fromkeys([*question.software, *line["software"]]):
        asked, has = question.software.get(name, "none"), line["software"].get(name, "none")
        if asked != has:
            found.append(_fixed(name, asked, has, "software must be the same"))
    return tuple(found)


def _fixed(name: str, asked: str, has: str, rule: str) -> Difference:
    return Difference(
        name, asked, has, None, None, None, False, f"{name}: asked {asked}, model {has}; {rule}"
    )


def _quantity(condition: Mapping[str, Any], asked: str, has: str, box: Sequence[float] | None) -> Difference:
    name, unit, grid = condition["name"], condition["unit"], condition["grid"]
    low, high = (float(end) for end in (box or (has, has)))
    steps, first, last = (float(in_steps(value, float(grid))) for value in (float(asked), low, high))
    tolerance = Fraction(condition["tolerance"] or 0)
    distance = None if tolerance == 0 else float(abs(Fraction(asked) - Fraction(has)) / tolerance)
    away = "the family allows no tolerance" if distance is None else f"{tolerances(distance)} away"
    limits = f"{_on_grid(low, grid)} to {_on_grid(high, grid)}"
    fits = first <= steps <= last
    if fits:
        where = f"inside its measured domain, {limits}"
    elif low == high:
        where = "it was tested at its own value alone"
    else:
        where = f"its measured domain is {limits}"
    shown = f"asked {_on_grid(asked, grid)} {unit}, model {_on_grid(has, grid)}"
    return Difference(
        name, asked, has, unit, distance, (low, high), fits, f"{name}: {shown}, {away}; {where}"
    )


def tolerances(distance: float) -> str:
    """A distance in words, such as "0.4 tolerances" or "1 tolerance"."""
    text = _plain(float(f"{distance:.3g}"))
    return f"{text} {'tolerance' if text == '1' else 'tolerances'}"


def _on_grid(value: float | str, grid: str) -> str:
    """With the grid's decimals: 5.5 on a grid of 0.01 is "5.50"; a value between grid points keeps its own."""
    text = value if isinstance(value, str) else _plain(value)
    decimals = _decimals(grid)
    return f"{float(text):.{decimals}f}" if decimals > _decimals(text) else text


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
