"""Canonical JSON (RFC 8785) of what keys and locks are made of: texts, whole numbers, true and false, null, lists and objects."""

from __future__ import annotations

import json
from typing import Any


def canonical_json(value: Any) -> str:
    """The one text of a value. Raises TypeError for a float: nothing that is hashed here holds one."""
    if isinstance(value, dict):
        # By UTF-16 code units, as the RFC says; Python's own order of texts is by code points.
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_text(name)}:{canonical_json(each)}" for name, each in members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(canonical_json(each) for each in value) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value)
    raise TypeError(f"canonical JSON of a {type(value).__name__}")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


class NotJson(ValueError):
    """The bytes are not JSON in UTF-8."""


def parse_json(data: bytes) -> Any:
    """What bytes of strict JSON mean; raises NotJson, saying why (also for NaN, which Python's reader lets pass)."""
    try:
        return DECODER.decode(data.decode("utf-8"))
    except RecursionError:
        raise NotJson("it is nested too deep") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def _refuse(constant: str) -> None:
    raise NotJson(f"{constant} is no JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse)
