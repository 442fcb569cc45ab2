"""`python -m driftline_trainer [--check] [job directory]`: trains what job.json says, or checks whether it could."""

import os
import sys
from pathlib import Path

from .check import architecture, check
from .job import read_job
from .lifetime import STOPPED_STATUS, StopRequest, claim_stdout, end_with_parent
from .protocol import Events


def main(arguments: list[str]) -> int:
    events = Events(claim_stdout())
    only_check = arguments[:1] == ["--check"]
    if not only_check:
        end_with_parent()
    directory = Path((arguments[only_check:] or ["."])[0]).resolve()
    try:
        job = read_job(directory / "job.json")
        check(job)
        if only_check:
            events.emit("check", architecture=architecture(job))
            return 0
        stop = StopRequest()
        stop.listen()
        use_threads(job.threads)
        from . import session
        from .training import Stopped

        try:
            session.run(job, directory, events, stop)
        except Stopped:
            events.emit("stopped", message="SIGTERM: the checkpoint is saved; start again to go on from it.")
            return STOPPED_STATUS
    except Exception as error:
        return events.failed(error)
    return 0


def use_threads(threads: int) -> None:
    """Must come before NumPy and JAX are imported: they read these once."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # The size of XLA's pools (DefaultThreadPoolSize in xla/pjrt/utils.cc), and a device for each share of a batch.
    os.environ["NPROC"] = os.environ["JAX_NUM_CPU_DEVICES"] = str(threads)
    # Shares wait for each other, and XLA gives a share up for dead after 40 s: it may be that the machine slept.
    patience = "--xla_cpu_collective_call_terminate_timeout_seconds=86400"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {patience}".strip()


if __name__ == "__main__":
    # The thread that waits for the parent's end still reads: leave without waiting for it.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
