"""Noise: the known answers of noise.ts, a million normals of the TypeScript client, and no dependence on batches."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support import HERE, ROOT, run_node

from driftline import DriftlineError, noise

VECTORS = json.loads((ROOT / "packages/client/src/noise.vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS["philox"], ids=lambda vector: vector["block"][0])
def test_philox_blocks(vector: dict) -> None:
    c0, c1, c2, c3 = (int(word, 16) for word in vector["counter"])
    k0, k1 = (int(word, 16) for word in vector["key"])
    even, odd = (np.array(words, np.uint64).reshape(2, 1, 1) for words in ((c0, c2), (c1, c3)))
    even, odd = noise.philox4x32(even, odd, (k0, k1))
    assert [f"{w.item():08x}" for w in (even[0], odd[0], even[1], odd[1])] == vector["block"]


@pytest.mark.parametrize("vector", VECTORS["streams"], ids=lambda v: f"{v['seed']}-{v['event']}-{v['row']}")
def test_streams(vector: dict) -> None:
    place = vector["seed"], int(vector["event"]), vector["row"]
    uniforms = noise.uniforms(*place, len(vector["words"]), vector["stream"])
    assert [f"{int(u * 2**32 - 0.5):08x}" for u in uniforms] == vector["words"]
    normals = noise.normals(*place, len(vector["normals"]), vector["stream"])
    assert normals.tolist() == vector["normals"]


def test_a_million_normals_are_those_of_the_typescript_client() -> None:
    events, width = 40_000, 25
    printed = run_node(str(HERE / "generate.ts"), "noise", "11", "1000", str(events), str(width))
    theirs = np.frombuffer(printed, "<f4").reshape(events, width)
    ours = noise.latents(11, np.arange(1000, 1000 + events), np.full(events, 3), width)
    # Two libraries' logarithms differ in the last place of a float64 now and then; so near a rounding
    # boundary of float32 that it shows, a few times in 10^8.
    differing = ours != theirs
    assert differing.sum() <= 2
    assert np.abs(ours - theirs).max() <= 5e-7


def test_a_row_depends_on_nothing_but_its_own_numbers() -> None:
    random = np.random.default_rng(1)
    events = random.integers(-(2**63), 2**63 - 1, 20_000)
    rows = random.integers(0, 2**32, 20_000)
    together = noise.latents(7, events, rows, 6)
    for i in (0, 1, 4095, 4096, 8191, 8192, 19_999):
        assert together[i].tolist() == noise.normals(7, int(events[i]), int(rows[i]), 6).tolist()
    pieces = [noise.latents(7, events[i : i + 7], rows[i : i + 7], 6) for i in range(0, 700, 7)]
    assert (np.concatenate(pieces) == together[:700]).all()


def test_streams_and_seeds_are_independent() -> None:
    assert not (noise.normals(1, 0, 0, 100) == noise.normals(1, 0, 0, 100, noise.BOOTSTRAP)).any()
    assert not (noise.normals(1, 0, 0, 100) == noise.normals(1 + 2**32, 0, 0, 100)).any()


@pytest.mark.parametrize("seed", [-1, 2**53, 1.5, True, "1", None])
def test_other_seeds_are_refused(seed: object) -> None:
    with pytest.raises(DriftlineError) as caught:
        noise.normals(seed, 0, 0, 4)
    assert (caught.value.code, caught.value.field) == ("usage", "seed")
