"""The one error class: a stable code, the field that was wrong, and what to do about it."""


class DriftlineError(Exception):
    """An error with a code of Driftline's registry (docs/errors.md)."""

    def __init__(self, code: str, message: str, *, field: str | None = None, remedy: str | None = None):
        super().__init__(message)
        self.code = code
        self.field = field
        self.remedy = remedy
