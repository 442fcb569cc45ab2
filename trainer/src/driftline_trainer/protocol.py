"""What the trainer says to whoever started it: events as JSON lines, and errors that name field and remedy."""

import errno
import json
import os
import threading
import traceback

TEMPORARY_STATUS = 75
"""EX_TEMPFAIL of sysexits.h: the same job may succeed if it is tried again."""
TEMPORARY = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EAGAIN,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
}


class TrainerError(Exception):
    """An end that the user can do something about. `status` is the exit status: 2 for bad input, 1 otherwise."""

    def __init__(self, code: str, message: str, *, remedy: str, field: str | None = None, status: int = 1) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.field = field
        self.status = status


class Events:
    """Writes one JSON object a line to a file descriptor; safe from several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def emit(self, event: str, **fields: object) -> None:
        # Infinity and NaN are not JSON: better to fail here than in the reader.
        line = json.dumps({"event": event, **fields}, allow_nan=False) + "\n"
        data = line.encode()
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]

    def error(self, error: TrainerError) -> None:
        field = {} if error.field is None else {"field": error.field}
        self.emit("error", code=error.code, message=error.message, remedy=error.remedy, **field)

    def failed(self, error: Exception) -> int:
        """Says what ended the program; returns its exit status."""
        if isinstance(error, TrainerError):
            self.error(error)
            return error.status
        traceback.print_exc()
        if is_temporary(error):
            self.emit(
                "error",
                code="trainer_temporary",
                message=f"The machine gave out: {type(error).__name__}: {error}",
                remedy="Make room on its disk and in its memory.",
            )
            return TEMPORARY_STATUS
        self.emit(
            "error",
            code="trainer_internal",
            message=f"The trainer failed: {type(error).__name__}: {error}",
            remedy="This is a fault of the trainer; its standard error has the traceback. Please report it.",
        )
        return 1


def is_temporary(error: Exception) -> bool:
    """Whether it is the machine's fault and may pass: no space, no memory, a disk that fails."""
    if isinstance(error, OSError):
        return error.errno in TEMPORARY
    # The second is how XLA says that it got no memory.
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
