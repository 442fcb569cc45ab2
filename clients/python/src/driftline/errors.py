"""The one error class, and the table of its codes: the platform's own (docs/errors.md; a test compares)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What each code means, and the exit code that a job should end with.
CODES: Mapping[str, tuple[str, int]] = {
    "usage": ("The command or request is malformed", 2),
    "invalid_configuration": ("A setting is unknown or has a wrong value", 2),
    "unknown_family": ("No such family", 2),
    "invalid_family": ("A family.yaml does not follow the schema", 2),
    "unknown_condition": ("The family has no such condition", 2),
    "missing_condition": ("A condition without a nominal value was not given", 2),
    "invalid_quantity": ("A value is not a number with a unit", 2),
    "wrong_unit": ("A unit does not measure this quantity", 2),
    "out_of_range": ("A value is outside the range that the family allows", 2),
    "invalid_label": ("A label is not among the values that the family allows", 2),
    "invalid_software": ("A software name or version is missing, unknown or malformed", 2),
    "no_model": ("No published model fits the conditions", 4),
    "unknown_model": ("No such model", 2),
    "unknown_file": ("The model has no such file", 2),
    "unknown_job": ("No such job", 2),
    "refused": ("The model did not pass validation", 3),
    "damaged": ("Stored content does not match its digest or its reference", 5),
    "invalid_bundle": ("A bundle does not follow the format", 5),
    "unknown_tag": ("No such tag", 2),
    "unknown_run": ("The tag has no range with this run", 2),
    "frozen_tag": ("The tag is frozen: its table of runs does not change", 2),
    "invalid_specification": ("The specification of a dataset is not what it should be", 2),
    "invalid_data": ("A data file cannot be used", 2),
    "invalid_expression": (
        "An expression for a column or a cut is malformed or does not fit the data",
        2,
    ),
    "invalid_data_directory": (
        "A directory cannot hold the embedded catalogue, or a newer version wrote it",
        2,
    ),
    "simulator_failed": ("The base simulator failed", 1),
    "invalid_training": ("The trainer cannot do what was asked: a model, hyperparameter or dataset", 2),
    "trainer_failed": ("The trainer failed", 1),
    "machine_failed": ("The machine gave out: memory, disk, or processes that were killed", 1),
    "python_missing": ("No usable Python environment for the trainer", 1),
    "unsupported_operator": (
        "A model cannot be compiled: it uses an operator in a way that is not covered",
        2,
    ),
    "compiler_failed": ("There is no C compiler, or it failed", 1),
    "export_failed": ("A compiled export does not give the reference outputs of its bundle", 5),
    "cancelled": ("The job was cancelled", 1),
    "lease_lost": ("Another worker took over the job", 1),
    "read_only": ("A snapshot or a lock allows only reading", 2),
    "unauthorized": ("The server asks for a token", 2),
    "forbidden": ("The server does not allow this", 2),
    "unknown_route": ("The server has no such route", 2),
    "wrong_method": ("The route has no such method", 2),
    "too_large": ("A request is too large", 2),
    "large_headers": ("The headers of a request are too large", 2),
    "too_slow": ("A request did not come in time", 1),
    "unsupported_media_type": ("The body of a request is not of the plain type that its route takes", 2),
    "invalid_range": ("A range of bytes lies outside the file", 2),
    "busy": ("The catalogue or its server is busy", 1),
    "unreachable": ("The server does not answer", 1),
    "internal": ("A fault in Driftline", 1),
}


class DriftlineError(Exception):
    """What was being done, to what, what was wrong and what to do, with a code of the platform's registry.

    ``code`` is stable and is what programs should look at; ``field`` names the condition, file or argument that was
    wrong, ``remedy`` what to do; ``data`` holds further members, such as ``nearest`` of a miss.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        remedy: str | None = None,
        data: Mapping[str, Any] | None = None,
    ):
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.remedy = remedy
        self.data = dict(data or {})

    @property
    def exit_code(self) -> int:
        """What a job that gives up should end with: 2 wrong input, 3 refused, 4 no model, 5 damaged, 1 anything else."""
        return CODES[self.code][1] if self.code in CODES else 1

    def __str__(self) -> str:
        # What has several lines goes on in a new one.
        between = "\n" if "\n" in self.message else " "
        return between.join(part for part in (self.message, self.remedy) if part) + f" [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        # As it stands an exception with named arguments cannot come back from a worker process.
        return _remake, (self.code, self.message, self.field, self.remedy, self.data)


def _remake(
    code: str, message: str, field: str | None, remedy: str | None, data: Mapping[str, Any]
) -> DriftlineError:
    return DriftlineError(code, message, field=field, remedy=remedy, data=data)
