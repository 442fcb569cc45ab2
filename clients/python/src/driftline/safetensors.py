"""Named tensors in the safetensors format, read and written: an 8-byte header length, a JSON header, then the raw values."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline.canonical import NotJson, parse_json
from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "u1"}
#: The reference implementation's limit on the length of the header.
MAXIMUM_HEADER_BYTES = 100_000_000


def decode_safetensors(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Tensors of such bytes, read-only; raises ``damaged`` naming ``source`` and the tensor."""
    if len(data) < 8:
        raise _damaged(source, f"it has {len(data)} bytes; a safetensors file has at least 8")
    length = int.from_bytes(data[:8], "little")
    if length > min(MAXIMUM_HEADER_BYTES, len(data) - 8):
        raise _damaged(source, f"it gives a header of {length} bytes but has only {len(data)} in all")
    try:
        header = parse_json(data[8 : 8 + length])
    except NotJson as error:
        raise _damaged(source, f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise _damaged(source, "its header is not a JSON object")
    header.pop("__metadata__", None)
    start = 8 + length
    tensors: dict[str, NDArray[Any]] = {}
    at = 0
    for name, begin, end, dtype, shape in sorted(
        (_entry(name, member, source) for name, member in header.items()), key=lambda entry: entry[1:3]
    ):
        if begin != at:
            what = "overlaps the one before it" if begin < at else "comes after a gap"
            raise _damaged(source, f'tensor "{name}" {what}')
        if start + end > len(data):
            raise _damaged(source, f'tensor "{name}" goes beyond the end of the file')
        count = math.prod(shape)
        values = (
            np.frombuffer(data, DTYPES[dtype], count, start + begin) if count else np.empty(0, DTYPES[dtype])
        )
        if dtype == "BOOL" and (values > 1).any():
            raise _damaged(source, f'tensor "{name}" is BOOL but holds bytes other than 0 and 1')
        tensors[name] = values.reshape(shape)
        at = end
    if start + at != len(data):
        raise _damaged(source, f"{len(data) - start - at} bytes after the last tensor belong to none")
    return tensors


def _entry(name: str, member: Any, source: str) -> tuple[str, int, int, str, list[int]]:
    def whole(numbers: Any) -> bool:
        return isinstance(numbers, list) and all(type(n) is int and 0 <= n < 2**53 for n in numbers)

    dtype, shape, offsets = (
        (member.get("dtype"), member.get("shape"), member.get("data_offsets"))
        if isinstance(member, dict)
        else (None, None, None)
    )
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _damaged(
            source, f'tensor "{name}" has the dtype {dtype!r:.40}; this reader knows {", ".join(DTYPES)}'
        )
    if not whole(shape) or not whole(offsets) or len(offsets) != 2:
        raise _damaged(source, f'tensor "{name}" has no valid shape and data_offsets')
    begin, end = offsets
    if end - begin != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
        raise _damaged(
            source, f'tensor "{name}" is {dtype} {shape}, but its offsets span {end - begin} bytes'
        )
    return name, begin, end, dtype, shape


def _damaged(source: str, what: str) -> DriftlineError:
    return DriftlineError(
        "damaged",
        f"Cannot read {source} as safetensors: {what}.",
        field=source,
        remedy="Make or fetch the file again.",
    )


def _number(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return np.asarray(value).item()


def write_sample(
    path: str | os.PathLike[str], features: ArrayLike, response: ArrayLike, provenance: Mapping[str, Any]
) -> None:
    """Writes a sample as `driftline generate` does: `driftline samples register` takes it, and a recall finds it.

    ``features`` [n, inputs], ``response`` [n, …], both as float32; ``provenance`` is ``model.provenance(seed)``. The
    file appears with its last byte.
    """
    tensors = {"features": np.asarray(features, "<f4"), "response": np.asarray(response, "<f4")}
    metadata = {
        name: value if isinstance(value, str) else json.dumps(value, default=_number)
        for name, value in provenance.items()
    }
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(8).hex()}")
    try:
        with open(beside, "xb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for tensor in tensors.values():
                file.write(np.ascontiguousarray(tensor).data)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
