"""A family of models: its conditions and what they may be, and the key of a question asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from driftline.key import Question, canonical_question

#: Conditions or software by name, as someone asks: "5.50 cm/us", 5.5 in the declared unit, a label, "name/version".
Values = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Family:
    """A family as ``GET /v1/families`` describes it; ``definition`` has all of its members."""

    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Such as "mpd.tpc"."""
        return self.definition["name"]

    @property
    def version(self) -> int:
        """Raised when keys are to change."""
        return self.definition["version"]

    @property
    def conditions(self) -> Mapping[str, Mapping[str, Any]]:
        """By name: unit (None for a label), nominal, grid, tolerance, minimum, maximum, values."""
        return {condition["name"]: condition for condition in self.definition["conditions"]}

    @property
    def simulator(self) -> str | None:
        """What makes responses where there is no model, if that is known."""
        return self.definition.get("simulator")

    def question(self, conditions: Values | None = None, software: Values | None = None) -> Question:
        """The canonical question and its key. What is left out takes its nominal value; ``defaulted`` lists it.

        Raises unknown_condition, missing_condition, invalid_quantity, wrong_unit, out_of_range, invalid_label,
        invalid_software.
        """
        return canonical_question(self.definition, conditions, software)

    def __repr__(self) -> str:
        lines = [f"<Family {self.name} {self.version}: {self.definition.get('title', '')}"]
        for name, condition in self.conditions.items():
            nominal = condition.get("nominal")
            left_out = "must be given" if nominal is None else f"nominal {nominal}"
            if condition.get("unit") is None:
                allowed = ", ".join(condition.get("values") or ["any label"])
                lines.append(f"  {name}: {allowed} ({left_out})")
            else:
                limits = f"{condition['minimum']} to {condition['maximum']} {condition['unit']}"
                lines.append(f"  {name}: {limits} ({left_out}, tolerance {condition.get('tolerance')})")
        return "\n".join(lines) + ">"
