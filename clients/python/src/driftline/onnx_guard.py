"""Refuses ONNX bytes that would make the runtime read other files, before the runtime sees them.

ONNX Runtime follows external data of a model loaded from bytes relative to the working directory, so what it would
compute with was never verified. This walks the messages of onnx.proto (ONNX 1.23, IR version 14) down to every
TensorProto. Messages that a protobuf parser would read otherwise than this walk (groups, long tags) are refused.
"""

from __future__ import annotations

import json

from driftline.errors import DriftlineError

#: Field numbers that lead to tensors, by message.
CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
TENSOR_NAME = 8
TENSOR_EXTERNAL_DATA = 13
TENSOR_DATA_LOCATION = 14
#: Subgraphs within subgraphs; the protobuf parser's own limit on nested messages is 100.
MAXIMUM_DEPTH = 100


def refuse_external_data(data: bytes, source: str) -> None:
    """Raises ``invalid_bundle`` if the model refers to data in other files or is not a plain ONNX protobuf."""
    # The runtime also takes its own flatbuffer format, known by this mark.
    if data[4:8] == b"ORTM":
        raise _malformed(source, "it is in ONNX Runtime's own format")
    _walk(data, 0, len(data), "model", 0, source)


def _walk(data: bytes, start: int, end: int, kind: str, depth: int, source: str) -> None:
    if depth > MAXIMUM_DEPTH:
        raise _malformed(source, f"messages are nested more than {MAXIMUM_DEPTH} deep")
    name = ""
    external = False
    at = start
    while at < end:
        tag, at = _varint(data, at, end, 5, source)
        field, wire = tag >> 3, tag & 7
        if tag >= 2**32 or field == 0:
            raise _malformed(source, f"bad field tag at byte {at}")
        if wire == 0:
            value, at = _varint(data, at, end, 10, source)
            external |= kind == "tensor" and field == TENSOR_DATA_LOCATION and value != 0
        elif wire == 2:
            length, at = _varint(data, at, end, 5, source)
            if at + length > end:
                raise _malformed(source, f"a field at byte {at} goes beyond its message")
            child = CHILDREN[kind].get(field)
            if child is not None:
                _walk(data, at, at + length, child, depth + 1, source)
            if kind == "tensor":
                external |= field == TENSOR_EXTERNAL_DATA
                if field == TENSOR_NAME:
                    name = data[at : at + min(length, 200)].decode("utf-8", "replace")
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
            if at > end:
                raise _malformed(source, f"a field at byte {at} goes beyond its message")
        else:
            raise _malformed(source, f"field of wire type {wire} at byte {at}")
    if external:
        raise DriftlineError(
            "invalid_bundle",
            f"{source} keeps tensor {json.dumps(name)} in another file.",
            field=source,
            remedy="Export the model with all its weights inside the one ONNX file.",
        )


def _varint(data: bytes, at: int, end: int, longest: int, source: str) -> tuple[int, int]:
    value = 0
    for i in range(min(longest, end - at)):
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    raise _malformed(source, f"cut off or bad number at byte {at}")


def _malformed(source: str, what: str) -> DriftlineError:
    return DriftlineError(
        "invalid_bundle",
        f"{source} is not a plain ONNX file: {what}.",
        field=source,
        remedy="Export the model as ONNX with opset 18, with all its weights inside.",
    )
