"""Answers to questions: the bundle that was found and how it differs from what was asked; or the error that explains a miss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from driftline.errors import DriftlineError
from driftline.key import Question


@dataclass(frozen=True)
class Difference:
    """A condition or software in which a model differs from what was asked."""

    name: str
    asked: str
    has: str
    #: None for labels and software.
    unit: str | None
    #: |difference| over the family's tolerance; None for labels, software and where there is no tolerance.
    distance: float | None
    domain: tuple[float, float] | None
    fits: bool
    #: The same in words.
    reason: str


@dataclass(frozen=True)
class Answer:
    """The bundle that answers a question."""

    bundle: str
    #: "exact": made for this very key; "compatible": its measured domain holds the conditions.
    match: str
    #: Largest |difference|/tolerance, 0 for an exact match; None where the tolerances are not known.
    distance: float | None
    #: Key that was asked. That of the model is another where the match is "compatible".
    key: str
    #: Key that the model must have been made for.
    model_key: str
    differences: tuple[Difference, ...] = ()
    #: None under a lock, and from a bundle directory, which knows no family.
    question: Question | None = None
    #: Under a lock: its digest, its tag, and the run where one was asked for.
    lock: str | None = None
    tag: str | None = None
    run: int | None = None


@dataclass(frozen=True)
class NearModel:
    """A model that does not fit, and why."""

    bundle: str
    distance: float | None
    differences: tuple[Difference, ...]


def no_model(
    family: str, reason: str, nearest: Sequence[NearModel], accept: str, fallback: str | None
) -> DriftlineError:
    """The error of a miss; its message says of each nearest model why it does not fit."""
    lines = [f"No model for this question of {family}. {reason}"]
    for near in nearest:
        why = "; ".join(difference.reason for difference in near.differences if not difference.fits)
        lines.append(f"  model {near.bundle[:12]}: {why or 'fits where compatible models are accepted'}")
    options = ["Have it made (`driftline ensure`)"]
    if accept == "exact":
        options.append('or ask with accept="compatible"')
    if fallback is not None:
        options.append(f"until then the base simulator {fallback} makes responses")
    return DriftlineError(
        "no_model",
        "\n".join(lines),
        remedy=", ".join(options) + ".",
        data={"reason": reason, "nearest": [asdict(near) for near in nearest], "fallback": fallback},
    )


def differences_of(members: Sequence[dict[str, Any]]) -> tuple[Difference, ...]:
    """Differences as a server's JSON has them."""
    return tuple(
        Difference(
            name=member["name"],
            asked=member["asked"],
            has=member["has"],
            unit=member["unit"],
            distance=member["distance"],
            domain=None if member["domain"] is None else (member["domain"]["low"], member["domain"]["high"]),
            fits=member["fits"],
            reason=member["reason"],
        )
        for member in members
    )
