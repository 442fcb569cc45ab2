"""Command: writes the test vectors of the condition key with this implementation.

    python clients/python/tests/make_vectors.py

Values and codes are written by hand in vector_cases.py and checked here; canonical forms and keys are computed.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import vector_cases as cases
from vector_families import FAMILIES

from driftline import DriftlineError, canonical_question

VECTORS = HERE.parents[2] / "packages/driftline/src/family/vectors.json"

# What a question of these families must always say, as they have no nominal value.
REQUIRED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vectors.words": ({"zeta": "z", "length": "1 um"}, {"simulator": "a/1"})
}

# The same point of the MPD TPC, in other words.
SAME_POINT = {
    "drift_velocity": ["5.45 cm/us", "54.5 mm/us", "54500 m/s", 5.45, "5.4500"],
    "transverse_diffusion": ["190 um/sqrt(cm)", "1.9e-2 cm/sqrt(cm)", 190, "1900 um/sqrt(m)"],
    "longitudinal_diffusion": ["350 um/sqrt(cm)", "0.35 mm/sqrt(cm)", "349.5", "350.5"],
    "magnetic_field": ["0.6 T", "6 kG", "600 mT", 0.6, "0.595"],
    "mip_amplitude": ["80 ADC", 80, "80.5", "8e1"],
    "shaping_width": ["200 ns", "0.2 us", 200, "2e-7 s"],
    "sampling_period": ["0.1 us", "100 ns", 100],
    "noise": ["0 ADC", -0.0, "-0", "0.05"],
    "threshold": ["0.9 ADC", 0.9, ".9"],
    "particle": ["kaon"],
    "gas": ["Ne\u00b7CO\u2082 90/10"],
}


def vectors() -> dict[str, Any]:
    return {
        "scheme": "driftline-key/1",
        "families": FAMILIES,
        "accepted": list(accepted()),
        "refused": list(refused()),
    }


def accepted() -> Iterator[dict[str, Any]]:
    for name in FAMILIES:
        yield answered(name, *REQUIRED.get(name, ({}, {})))
    for part, rows in ((0, cases.ACCEPTED), (1, cases.ACCEPTED_SOFTWARE)):
        for family, name, given, expected in rows:
            question = with_one(family, part, name, given)
            vector = answered(family, *question)
            value = json.loads(vector["canonical"])[("conditions", "software")[part]][name]
            assert value == expected, f"{family} {name} {given!r}: {value!r}, not {expected!r}"
            yield vector
    draw = random.Random(20)
    keys = set()
    for _ in range(25):
        names = draw.sample(list(SAME_POINT), len(SAME_POINT))
        vector = answered("mpd.tpc", {name: draw.choice(SAME_POINT[name]) for name in names}, {})
        keys.add(vector["key"])
        yield vector
    assert len(keys) == 1, "the same point in other words must have one key"


def refused() -> Iterator[dict[str, Any]]:
    for part, rows in ((0, cases.REFUSED), (1, cases.REFUSED_SOFTWARE)):
        for family, name, given, code in rows:
            field = f"{('conditions', 'software')[part]}.{name}"
            yield answered_with_error(family, *with_one(family, part, name, given), code, field)
    for family, conditions, software, code in cases.REFUSED_QUESTIONS:
        yield answered_with_error(family, conditions, software, code, None)


def with_one(family: str, part: int, name: str, given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    conditions, software = (dict(values) for values in REQUIRED.get(family, ({}, {})))
    (conditions, software)[part][name] = given
    return conditions, software


def answered(family: str, conditions: dict[str, Any], software: dict[str, Any]) -> dict[str, Any]:
    question = canonical_question(FAMILIES[family], conditions, software)
    return {
        "family": family,
        "given": {"conditions": conditions, "software": software},
        "defaulted": question.defaulted,
        "canonical": question.canonical,
        "key": question.key,
    }


def answered_with_error(
    family: str, conditions: dict[str, Any], software: dict[str, Any], code: str, field: str | None
) -> dict[str, Any]:
    given = {"conditions": conditions, "software": software}
    try:
        canonical_question(FAMILIES[family], conditions, software)
    except DriftlineError as error:
        assert error.code == code, f"{family} {given}: {error.code}, not {code}"
        assert field in (None, error.field), f"{family} {given}: {error.field}, not {field}"
        return {"family": family, "given": given, "error": code, "field": error.field}
    raise AssertionError(f"{family} {given}: accepted, where {code} is expected")


def text() -> str:
    """The file: one vector a line, ASCII only, so that editors and diffs can't change it."""
    parts = vectors()
    lines = ["{", f'  "scheme": {json.dumps(parts["scheme"])},', '  "families": {']
    lines += joined(
        f"    {json.dumps(name)}: {json.dumps(family)}" for name, family in parts["families"].items()
    )
    lines += [
        "  },",
        '  "accepted": [',
        *joined(f"    {json.dumps(vector)}" for vector in parts["accepted"]),
        "  ],",
    ]
    lines += [
        '  "refused": [',
        *joined(f"    {json.dumps(vector)}" for vector in parts["refused"]),
        "  ]",
        "}",
        "",
    ]
    return "\n".join(lines)


def joined(items: Iterator[str]) -> list[str]:
    lines = list(items)
    return [f"{line}," for line in lines[:-1]] + lines[-1:]


if __name__ == "__main__":
    VECTORS.write_text(text(), encoding="ascii")
    print(f"{VECTORS.name}: {len(vectors()['accepted'])} accepted, {len(vectors()['refused'])} refused")
