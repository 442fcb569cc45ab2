"""Driftline for Python: finds a model by conditions, verifies it, and generates detector responses.

import driftline

catalogue = driftline.open("/cvmfs/…/snapshot")  # or a bundle directory, or "http://…"
model = catalogue.model("mpd.tpc", {"drift_velocity": "5.50 cm/us"}, accept="compatible")
responses = model.generate(features, seed=1, event=42)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline.answer import Answer, Difference
from driftline.bundle import Bundle
from driftline.catalogue import Catalogue
from driftline.catalogue import open_catalogue as open
from driftline.errors import CODES, DriftlineError
from driftline.family import Family
from driftline.key import Question, canonical_question
from driftline.lock import Lock

if TYPE_CHECKING:
    from driftline.domain import Domain, Outside, OutsideDomainWarning
    from driftline.model import Model
    from driftline.safetensors import write_sample

__all__ = [
    "CODES",
    "Answer",
    "Bundle",
    "Catalogue",
    "Difference",
    "Domain",
    "DriftlineError",
    "Family",
    "Lock",
    "Model",
    "Outside",
    "OutsideDomainWarning",
    "Question",
    "canonical_question",
    "open",
    "write_sample",
]

_LATER = {
    "Domain": "domain",
    "Outside": "domain",
    "OutsideDomainWarning": "domain",
    "Model": "model",
    "write_sample": "safetensors",
}


def __getattr__(name: str) -> Any:
    """What needs NumPy is loaded when it is used: keys and bundles do without."""
    if name not in _LATER:
        raise AttributeError(f"module 'driftline' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"driftline.{_LATER[name]}"), name)
