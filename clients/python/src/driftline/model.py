"""A model that was verified: responses for rows of features, the same for any batching and number of threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from driftline import noise
from driftline.answer import Answer
from driftline.domain import Domain, Outside, OutsideDomainWarning, feature_matrix
from driftline.errors import DriftlineError
from driftline.manifest import MODEL_FILE, REFERENCE_FILE, Manifest, Range
from driftline.safetensors import decode_safetensors
from driftline.session import Session, open_session, replay

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from driftline.bundle import Bundle

    Features = ArrayLike | Mapping[str, ArrayLike]

OnOutside = Literal["warn", "raise", "ignore"]


class Running(NamedTuple):
    """A session, with how many threads it was made and in which process."""

    threads: int
    session: Session
    process: int
    parents: Session | None = None


class Model:
    """A model handed out by a catalogue or a bundle. Threads can share it."""

    def __init__(self, manifest: Manifest, data: bytes, session: Session, threads: int, answer: Answer):
        self.manifest = manifest
        self.answer = answer
        self._data = data
        self._running = Running(threads, session, os.getpid())
        columns = manifest.columns
        self.domain = Domain(
            manifest.domain_conditions,
            {name: manifest.domain_inputs.get(name, limits) for name, limits in columns.items()},
        )

    @property
    def digest(self) -> str:
        """SHA-256 of bundle.json: names the bundle."""
        return self.manifest.digest

    @property
    def conditions(self) -> Mapping[str, str]:
        """What the model was made for, canonical."""
        return self.manifest.conditions

    @property
    def inputs(self) -> Mapping[str, Range]:
        """Columns of the features in order, with units and the limits of the domain."""
        return self.domain.inputs

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one response, such as (8, 16)."""
        return self._running.session.output_shape

    @property
    def output_unit(self) -> str:
        """Unit of the responses."""
        return self.manifest.output_unit

    @property
    def latent_width(self) -> int:
        """Random numbers of one response; 0 for a model that predicts and does not generate."""
        return self._running.session.latent_width

    @property
    def threads(self) -> int:
        """Threads of ONNX Runtime within an operator. One is fastest for small networks; the results are the same."""
        return self._running.threads

    @threads.setter
    def threads(self, threads: int) -> None:
        # Calls that are under way end on the session that they began with.
        if threads != self._running.threads:
            self._running = Running(threads, open_session(self._data, threads), os.getpid())

    def _session(self) -> Session:
        """The session of this process: after a fork the threads of the other one are not here."""
        running = self._running
        if running.process != os.getpid():
            session = open_session(self._data, running.threads)
            # The parent's is kept: to give it back would be to wait for its threads.
            self._running = running = Running(running.threads, session, os.getpid(), running.session)
        return running.session

    def generate(
        self,
        features: Features,
        *,
        seed: int,
        event: int | ArrayLike | None = None,
        row: int | ArrayLike | None = None,
        outside: OnOutside = "warn",
    ) -> NDArray[np.float32]:
        """Responses [n, *output_shape], in ``output_unit``, of n rows of features.

        ``features``: an array [n, inputs] in the order and units of ``inputs``, or columns by name (a mapping, a
        structured array, a DataFrame).

        A response's noise depends on (seed, event, row) alone: not on batches, threads or language. Without ``event``
        response i is event i, row 0. One number says that all belong to this event: response i is its row i. Event
        numbers of each response, [n], must differ, unless ``row`` [n] tells those of one event apart. Events are
        64-bit, rows 32-bit, seeds from 0 to 2^53 - 1.

        Inputs outside the domain still get a response: with ``outside="warn"`` an OutsideDomainWarning a call says
        which, with "raise" nothing is generated (``out_of_range``). ``domain.outside(features).rows`` gives the rows.

        Raises ``usage``.
        """
        matrix = self._checked(features, outside)
        if not self.latent_width:
            raise DriftlineError(
                "usage",
                "This model takes no noise, so it generates nothing.",
                remedy="Call predict(features).",
            )
        events, rows = _stream_numbers(len(matrix), event, row)
        session = self._session()
        return session.run(matrix, noise.latents(seed, events, rows, session.latent_width))

    def predict(self, features: Features, *, outside: OnOutside = "warn") -> NDArray[np.float32]:
        """Outputs [n, *output_shape] of a model without noise; ``features`` and ``outside`` as for ``generate``."""
        matrix = self._checked(features, outside)
        if self.latent_width:
            raise DriftlineError(
                "usage", "The outputs of this model are random.", remedy="Call generate(features, seed=…)."
            )
        return self._session().run(matrix, np.empty((len(matrix), 0), np.float32))

    def provenance(self, seed: int, **more: Any) -> dict[str, Any]:
        """What a sample of this model should carry, as `driftline generate` writes it; ``more`` is added.

        See ``driftline.write_sample``.
        """
        answer = self.answer
        lock = {"lock": answer.lock, "tag": answer.tag, "run": answer.run}
        return {
            "family": self.manifest.family,
            "key": answer.key,
            "seed": seed,
            **{name: value for name, value in lock.items() if value is not None},
            **more,
            "source": "model",
            "bundle": self.digest,
            "match": answer.match,
            "distance": answer.distance,
        }

    def _checked(self, features: Features, outside: OnOutside) -> NDArray[np.float32]:
        if outside not in ("warn", "raise", "ignore"):
            raise DriftlineError(
                "usage",
                f"There is nothing called {outside!r:.80} to do about inputs outside the domain.",
                field="outside",
                remedy='Give outside="warn", "raise" or "ignore".',
            )
        matrix = feature_matrix(features, tuple(self.inputs))
        if outside == "ignore":
            return matrix
        found: Outside = self.domain.outside_matrix(matrix)
        if found and outside == "raise":
            raise DriftlineError(
                "out_of_range",
                f"{found.rows.sum()} of {len(matrix)} rows are outside the domain of model {self.digest[:12]}: {found}.",
                field=found.inputs[0].input,
                remedy="Use the base simulator for the rows of domain.outside(features).rows.",
            )
        if found:
            warnings.warn(OutsideDomainWarning(found), stacklevel=3)
        return matrix

    def __reduce__(self) -> tuple[Any, ...]:
        # A session cannot be pickled; another process (multiprocessing, Dask) makes its own from the same bytes.
        return _remake, (self.manifest, self._data, self.threads, self.answer)

    def __repr__(self) -> str:
        manifest = self.manifest
        conditions = ", ".join(f"{name} {value}" for name, value in manifest.conditions.items())
        shape = " × ".join(map(str, self.output_shape))
        near = (
            ""
            if self.answer.match == "exact"
            else f", compatible with what was asked ({self.answer.distance} away)"
        )
        return (
            f"<Model {self.digest[:12]} of {manifest.family} {manifest.family_version} at {conditions}{near}: "
            f"{', '.join(self.inputs)} -> {manifest.output_name} {shape} {manifest.output_unit}>"
        )


def load_model(bundle: Bundle, threads: int = 1, answer: Answer | None = None) -> Model:
    """The model of a bundle: its files' digests are checked and the reference is replayed before it is handed out."""
    manifest = bundle.manifest
    data = bundle.read(MODEL_FILE)
    session = open_session(data, threads)
    if len(manifest.columns) != session.feature_width:
        raise DriftlineError(
            "invalid_bundle",
            f"bundle.json of {bundle.digest[:12]} names {len(manifest.columns)} columns of features, "
            f"{MODEL_FILE} takes {session.feature_width}.",
            field="signature",
        )
    tensors = decode_safetensors(bundle.read(REFERENCE_FILE), REFERENCE_FILE)
    try:
        deviation = replay(session, tensors, manifest.absolute, manifest.relative)
    except ValueError as error:
        raise bundle.bad_reference(str(error)) from None
    if deviation is not None:
        raise bundle.replay_failed(*deviation)
    answer = answer or Answer(manifest.digest, "exact", 0.0, manifest.key, manifest.key)
    return Model(manifest, data, session, threads, answer)


def _remake(manifest: Manifest, data: bytes, threads: int, answer: Answer) -> Model:
    return Model(manifest, data, open_session(data, threads), threads, answer)


def _stream_numbers(
    count: int, event: int | ArrayLike | None, row: int | ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Event and row number of each response."""
    if event is None:
        events, is_one = np.arange(count, dtype=np.int64), False
    else:
        events, is_one = _numbers("event", event, count, -(2**63), 2**64 - 1)
    if row is not None:
        return events, _numbers("row", row, count, 0, 2**32 - 1)[0]
    if is_one:
        return events, np.arange(count, dtype=np.int64)
    if event is not None and len(np.unique(events)) < count:
        raise DriftlineError(
            "usage",
            "Some responses have the same event number: they would get the same noise.",
            field="event",
            remedy="Give `row` too: the number of each response within its event.",
        )
    return events, np.zeros(count, np.int64)


def _numbers(
    name: str, given: int | ArrayLike, count: int, low: int, high: int
) -> tuple[NDArray[np.int64], bool]:
    """Whole numbers as int64 bits [count], and whether one was given for all."""
    array = np.asarray(given)
    is_one = array.ndim == 0
    if array.dtype.kind not in "iu" and array.size > 0:
        raise _bad_numbers(name, f"holds values of type {array.dtype}", low, high)
    if array.ndim > 1 or not (is_one or len(array) == count):
        raise _bad_numbers(name, f"has the shape {list(array.shape)} for {count} rows of features", low, high)
    for value in (int(array.min()), int(array.max())) if array.size else ():
        if not low <= value <= high:
            raise _bad_numbers(name, f"has {value}", low, high)
    bits = array.astype(np.uint64).view(np.int64) if array.dtype.kind == "u" else array.astype(np.int64)
    return (np.full(count, bits) if is_one else bits), is_one


def _bad_numbers(name: str, what: str, low: int, high: int) -> DriftlineError:
    return DriftlineError(
        "usage",
        f"`{name}` {what}.",
        field=name,
        remedy=f"Give one whole number, or one for each row, from {low} to {high}.",
    )
