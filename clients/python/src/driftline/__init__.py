"""Driftline for Python: asks for models by conditions."""

from driftline.errors import DriftlineError
from driftline.key import Question, canonical_question

__all__ = ["DriftlineError", "Question", "canonical_question"]
