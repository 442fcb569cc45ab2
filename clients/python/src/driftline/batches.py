"""Training batches straight from an experiment's files: what ``driftline data stream`` writes, as NumPy arrays."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from driftline.errors import DriftlineError
from driftline.safetensors import decode_safetensors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = "driftline-batches/1"


@dataclass(frozen=True)
class Batch:
    """Rows of a dataset: ``features`` and ``mask`` are [rows, columns], the others [rows]."""

    features: NDArray[np.float32]
    """Scaled; 0 where ``mask`` is 0."""
    mask: NDArray[np.uint8]
    """1 where there is a value, 0 where a list is shorter or a value is not finite."""
    label: NDArray[np.float32]
    weight: NDArray[np.float32]
    id: NDArray[np.int64]
    """Identity of each row, the same in every epoch."""
    next: str
    """Where the next batch begins: ``start`` of a stream that goes on after this one."""


def batches(
    specification: str | os.PathLike[str],
    *,
    rows: int = 1024,
    part: str = "train",
    epochs: int = 1,
    start: str | None = None,
    command: Sequence[str] = ("driftline",),
) -> Iterator[Batch]:
    """Batches of a specification, shuffled anew in each epoch; the last one of an epoch may be smaller.

    Runs ``driftline data stream`` beside this process and reads ahead as far as a pipe holds. Raises ``DriftlineError``
    with what the command says where it fails; leaving the loop ends the command.
    """
    words = [*command, "data", "stream", os.fspath(specification), "--quiet", "--rows", str(rows)]
    words += ["--part", part, "--epochs", str(epochs)]
    if start is not None:
        words += ["--from", start]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stderr is not None
        yield from read_batches(process.stdout, process)
    finally:
        process.terminate()
        process.communicate()


def read_batches(stream: BinaryIO, process: subprocess.Popen[bytes] | None = None) -> Iterator[Batch]:
    """The batches of a stream that ``driftline data stream`` writes, such as standard input."""
    head = _frame(stream, process)
    if head is None or json.loads(head).get("format") != FORMAT:
        raise _broken("it does not begin as one", process)
    while (content := _frame(stream, process)) is not None:
        tensors = decode_safetensors(content, "a batch")
        yield Batch(**tensors, next=_metadata(content)["next"])


def _metadata(content: bytearray) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


def _frame(stream: BinaryIO, process: subprocess.Popen[bytes] | None) -> bytearray | None:
    """None at the end, which the stream says itself: one that was cut off is an error."""
    length = int.from_bytes(_bytes(stream, 8, process), "little")
    return _bytes(stream, length, process) if length > 0 else None


def _bytes(stream: BinaryIO, count: int, process: subprocess.Popen[bytes] | None) -> bytearray:
    content = bytearray(count)
    view = memoryview(content)
    while view:
        read = stream.readinto(view)
        if not read:
            raise _broken("it ends before its end", process)
        view = view[read:]
    return content


def _broken(what: str, process: subprocess.Popen[bytes] | None) -> DriftlineError:
    said = process.communicate()[1].decode(errors="replace").strip() if process else ""
    return DriftlineError(
        "invalid_data",
        f"Reading a stream of batches: {said or what}.",
        remedy="Run `driftline data stream` by itself to see what is wrong.",
    )
