"""Ends the process with its parent, and turns SIGTERM into a request to save a checkpoint and stop."""

import ctypes
import os
import signal
import sys
import threading
from types import FrameType

STOPPED_STATUS = 128 + signal.SIGTERM


def claim_stdout() -> int:
    """A private copy of standard output; what others print goes to standard error from here on."""
    sys.stdout.flush()
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return descriptor


def end_with_parent() -> None:
    """Standard input is a pipe that closes when the parent dies; Linux also sends a signal, even to a busy process."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1  # <linux/prctl.h>
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    threading.Thread(target=_end_when_input_closes, daemon=True).start()


def _end_when_input_closes() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    # The checkpoint on disk is whole (it is renamed into place), so nothing is to be done first.
    os._exit(STOPPED_STATUS)


class StopRequest:
    """Becomes true when SIGTERM has come."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self._event.set()
