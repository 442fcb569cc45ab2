"""Where a model was shown to be good, and which rows of inputs leave that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from driftline.manifest import Range


class OutsideDomainWarning(UserWarning):
    """Inputs left the domain in which the model passed its gates; ``outside`` says which, how far, and in which rows."""

    def __init__(self, outside: Outside):
        super().__init__(f"inputs outside the domain in which the model was validated: {outside}")
        self.outside = outside


@dataclass(frozen=True)
class OutsideInput:
    """An input that left the domain in some rows."""

    input: str
    limits: Range
    #: Rows below the lower limit, above the upper one, and not a number.
    below: int
    above: int
    not_a_number: int
    #: The value furthest out.
    furthest: float

    def __str__(self) -> str:
        low, high, unit = self.limits.low, self.limits.high, self.limits.unit
        parts = [
            f"{count} {where}"
            for count, where in (
                (self.below, f"below {low:g} {unit}"),
                (self.above, f"above {high:g} {unit}"),
                (self.not_a_number, "not a number"),
            )
            if count
        ]
        return f"{self.input}: {', '.join(parts)} (furthest {self.furthest:g})"


@dataclass(frozen=True)
class Outside:
    """Rows that leave the domain: false where there are none, and iterates over the inputs that do."""

    #: True where a row has an input outside, [n].
    rows: NDArray[np.bool_]
    inputs: tuple[OutsideInput, ...]

    def __bool__(self) -> bool:
        return bool(self.inputs)

    def __iter__(self) -> Iterator[OutsideInput]:
        return iter(self.inputs)

    def __str__(self) -> str:
        return "; ".join(str(each) for each in self.inputs) or "nothing outside"

    def __repr__(self) -> str:
        return f"<Outside {int(self.rows.sum())} of {len(self.rows)} rows: {self}>"


@dataclass(frozen=True, repr=False)
class Domain:
    """The limits in which a model passed its gates, by condition and by input."""

    conditions: Mapping[str, Range]
    inputs: Mapping[str, Range]

    def __repr__(self) -> str:
        lines = [
            f"  {name}: {limits}" for part in (self.conditions, self.inputs) for name, limits in part.items()
        ]
        return "\n".join(["<Domain", *lines, ">"])

    def outside(self, features: ArrayLike | Mapping[str, ArrayLike]) -> Outside:
        """Which of the inputs leave the domain, and in which rows. ``features`` as ``Model.generate`` takes them."""
        return self.outside_matrix(feature_matrix(features, tuple(self.inputs)))

    def outside_matrix(self, matrix: NDArray[np.float32]) -> Outside:
        """As ``outside``, of float32 rows [n, inputs]."""
        # Features are float32: a value on the limit must not count as beyond it.
        lows = np.array([limits.low for limits in self.inputs.values()], np.float32)
        highs = np.array([limits.high for limits in self.inputs.values()], np.float32)
        out = ~((matrix >= lows) & (matrix <= highs))
        rows = out.any(axis=1)
        found: list[OutsideInput] = []
        if not rows.any():
            return Outside(rows, ())
        for i, (name, limits) in enumerate(self.inputs.items()):
            beyond = matrix[out[:, i], i]
            if not len(beyond):
                continue
            distance = np.where(np.isnan(beyond), np.inf, np.maximum(lows[i] - beyond, beyond - highs[i]))
            found.append(
                OutsideInput(
                    input=name,
                    limits=limits,
                    below=int((beyond < lows[i]).sum()),
                    above=int((beyond > highs[i]).sum()),
                    not_a_number=int(np.isnan(beyond).sum()),
                    furthest=float(beyond[distance.argmax()]),
                )
            )
        return Outside(rows, tuple(found))


def feature_matrix(
    features: ArrayLike | Mapping[str, ArrayLike], names: tuple[str, ...]
) -> NDArray[np.float32]:
    """Rows of inputs as float32 [n, len(names)], in the order of ``names``; raises ``usage``.

    An array [n, inputs] is taken as it is. Columns by name (a mapping, a structured array, a DataFrame) are put in
    order; a single number stands for a whole column.
    """
    columns = _columns(features)
    if columns is None:
        matrix = np.ascontiguousarray(_real(features, "features"), np.float32)
        if matrix.ndim != 2 or matrix.shape[1] != len(names):
            raise _usage(
                f"features has the shape {list(matrix.shape)}; it must be [n, {len(names)}]",
                f"Columns: {', '.join(names)}.",
            )
        return matrix
    given, column = columns
    missing = [name for name in names if name not in given]
    unknown = [str(name) for name in given if name not in names]
    if missing or unknown:
        parts = [
            f"{what} {', '.join(which)}"
            for what, which in (("lacks", missing), ("has unknown", unknown))
            if which
        ]
        raise _usage(f"features {' and '.join(parts)}", f"Give exactly: {', '.join(names)}.")
    values = [_real(column(name), name) for name in names]
    try:
        together = np.broadcast_arrays(*values)
    except ValueError:
        lengths = ", ".join(f"{name} {list(value.shape)}" for name, value in zip(names, values))
        raise _usage(
            f"columns of features have different lengths: {lengths}", "Give columns of one length."
        ) from None
    if together[0].ndim != 1:
        raise _usage(
            f"columns of features have the shape {list(together[0].shape)}",
            "Give at least one column as a list of values, [n].",
        )
    return np.stack(together, axis=1).astype(np.float32, copy=False)


def _columns(features: object):
    """Names and a function from a name to its column, where features have names; None for a plain array."""
    if isinstance(features, Mapping):
        return list(features), features.__getitem__
    if isinstance(features, np.ndarray):
        return (features.dtype.names, features.__getitem__) if features.dtype.names else None
    # DataFrames of pandas and polars: as plain arrays they would lose their names.
    if hasattr(features, "columns") and hasattr(features, "__getitem__"):
        return list(features.columns), features.__getitem__
    return None


def _real(values: object, name: str) -> NDArray[np.generic]:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise _usage(f"{name} holds values of type {array.dtype}", "Give numbers.")
    return array


def _usage(what: str, remedy: str) -> DriftlineError:
    return DriftlineError("usage", f"{what[0].upper()}{what[1:]}.", field="features", remedy=remedy)
