"""`python -m driftline_trainer [job directory]`: trains what job.json there asks for."""

import os
import sys
import traceback
from pathlib import Path

from .job import read_job
from .lifetime import STOPPED_STATUS, StopRequest, claim_stdout, end_with_parent
from .protocol import Events, TrainerError


def main() -> int:
    events = Events(claim_stdout())
    end_with_parent()
    stop = StopRequest()
    stop.listen()
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    try:
        job = read_job(directory / "job.json")
        use_threads(job.threads)
        from . import session
        from .training import Stopped

        try:
            session.run(job, directory, events, stop)
        except Stopped:
            events.emit("stopped", message="SIGTERM: the checkpoint is saved; start again to go on from it.")
            return STOPPED_STATUS
    except TrainerError as error:
        events.error(error)
        return error.status
    except Exception as error:
        traceback.print_exc()
        events.emit(
            "error",
            code="trainer_internal",
            message=f"The trainer failed: {type(error).__name__}: {error}",
            remedy="This is a fault of the trainer; its standard error has the traceback. Please report it.",
        )
        return 1
    return 0


def use_threads(threads: int) -> None:
    """Must come before NumPy and JAX are imported: they read these once."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    # The size of XLA's pools (DefaultThreadPoolSize in xla/pjrt/utils.cc), and a device for each share of a batch.
    os.environ["NPROC"] = os.environ["JAX_NUM_CPU_DEVICES"] = str(threads)
    # Shares wait for each other, and XLA gives a share up for dead after 40 s: it may be that the machine slept.
    patience = "--xla_cpu_collective_call_terminate_timeout_seconds=86400"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {patience}".strip()


if __name__ == "__main__":
    # The warm-up thread may still be importing: leave without waiting for it.
    status = main()
    sys.stderr.flush()
    os._exit(status)
