"""Batches from a file, by the command that streams them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from support import NODE, ROOT

from driftline.batches import Batch, batches, read_batches
from driftline.errors import DriftlineError

COMMAND = (str(NODE), str(ROOT / "packages/driftline/bin/main.mjs"))
ROWS = 2000


@pytest.fixture(scope="module")
def specification(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("batches")
    x = np.arange(ROWS)
    lines = ["x,y,kind", *(f"{i},{np.sin(i):.9g},{i % 2}" for i in x)]
    (directory / "rows.csv").write_text("\n".join(lines) + "\n")
    path = directory / "rows.yaml"
    path.write_text(
        "sources: {all: {files: rows.csv}}\nfeatures: [x, y]\nlabel: kind\nscale: none\norder: {seed: 3, rows: 512}\n"
    )
    return path


def together(read: list[Batch]) -> np.ndarray:
    return np.concatenate([batch.features[:, 0] for batch in read])


def test_every_row_of_a_part_comes_once_an_epoch_in_another_order(specification: Path) -> None:
    parts = {
        part: list(batches(specification, rows=64, part=part, command=COMMAND))
        for part in ("train", "validation", "test")
    }
    rows = np.concatenate([together(read) for read in parts.values()])
    assert sorted(rows) == list(range(ROWS))
    assert 1500 < len(together(parts["train"])) < 1700
    for batch in parts["train"]:
        np.testing.assert_allclose(batch.features[:, 1], np.sin(batch.features[:, 0]), atol=1e-6)
        np.testing.assert_array_equal(batch.label, batch.features[:, 0] % 2)
        assert batch.mask.all() and (batch.weight == 1).all()
    two = list(batches(specification, rows=64, epochs=2, command=COMMAND))
    first, second = np.split(together(two), 2)
    np.testing.assert_array_equal(first, together(parts["train"]))
    assert sorted(first) == sorted(second) and (first != second).any()


def test_a_stream_goes_on_where_it_was_left(specification: Path) -> None:
    whole = list(batches(specification, rows=100, epochs=2, command=COMMAND))
    for stopped in (3, 15, 20):
        rest = list(batches(specification, rows=100, epochs=2, start=whole[stopped].next, command=COMMAND))
        np.testing.assert_array_equal(together(rest), together(whole[stopped + 1 :]))


def test_what_the_command_says_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(DriftlineError, match=r"none\.yaml"):
        next(batches(tmp_path / "none.yaml", command=COMMAND))


def test_a_stream_that_was_cut_off_is_an_error() -> None:
    with pytest.raises(DriftlineError, match="ends before its end"):
        list(read_batches(io.BytesIO(b"\x05\0\0\0\0\0\0\0{")))
