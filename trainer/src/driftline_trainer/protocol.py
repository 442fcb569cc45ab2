"""What the trainer says to whoever started it: events as JSON lines, and errors that name field and remedy."""

import json
import os
import threading


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
