"""Makes responses.root, responses.parquet and bad.root, which the tests of this folder read.

Needs uproot, awkward, NumPy and pyarrow; run in this folder. The tests work the same numbers out again.
"""

import awkward
import numpy
import pyarrow
import pyarrow.parquet
import uproot

ENTRIES = 40


def responses():
    """Entry e has e % 4 digits; the last digit of entry 7 lies 20 pads away, outside every window."""
    e = numpy.arange(ENTRIES)
    drift = 100.25 + 0.5 * e
    pad = 30.75 + e % 5
    ipad = [
        [int(pad[i]) + k - 1 + (20 if (i, k) == (7, 2) else 0) for k in range(i % 4)]
        for i in e
    ]
    itime = [[int(drift[i]) + 2 * k - 1 for k in range(i % 4)] for i in e]
    amp = [[0.5 + k + i for k in range(i % 4)] for i in e]
    return {
        "crossing_angle_deg": -19.0 + e,
        "dip_angle_deg": 2.0 * e - 40,
        "drift_length": drift,
        "pad_coordinate": pad,
        "pad_row": (e % 53).astype(numpy.int32),
        "pt": 0.5 + e / 100,
        "ipad": awkward.values_astype(awkward.Array(ipad), numpy.int32),
        "itime": awkward.values_astype(awkward.Array(itime), numpy.int64),
        "amp": awkward.values_astype(awkward.Array(amp), numpy.float32),
    }


def changed(**columns):
    return responses() | columns


def at(name, index, value):
    """The column with one entry (or one value of one entry) replaced."""
    values = awkward.to_list(responses()[name])
    if isinstance(index, tuple):
        values[index[0]][index[1]] = value
    else:
        values[index] = value
    return {name: awkward.Array(values)}


def shorter(name, entry):
    values = awkward.to_list(responses()[name])
    values[entry] = values[entry][:-1]
    return {name: awkward.Array(values)}


def write_root(path, trees):
    """Two baskets a branch: entries 0 to 22 and the rest."""
    with uproot.recreate(path, compression=uproot.ZLIB(6)) as file:
        for name, columns in trees.items():
            arrays = awkward.Array(columns)
            tree = file.mktree(
                name, {field: arrays[field].type.content for field in arrays.fields}
            )
            for part in (arrays[:23], arrays[23:]):
                tree.extend({field: part[field] for field in part.fields})


write_root("responses.root", {"responses": responses()})
write_root(
    "bad.root",
    {
        "not_a_number": changed(**at("dip_angle_deg", 11, float("nan"))),
        "infinite": changed(**at("amp", (13, 0), float("inf"))),
        "fraction": changed(
            pad_row=numpy.where(numpy.arange(ENTRIES) == 5, 5.5, numpy.arange(ENTRIES))
        ),
        "duplicate": changed(**at("ipad", (2, 1), 31), **at("itime", (2, 1), 100)),
        "shorter": changed(**shorter("itime", 6)),
        "empty": {k: v[:0] for k, v in responses().items()},
    },
)

columns = {k: awkward.to_list(v) for k, v in responses().items()}
table = pyarrow.table(
    {
        **columns,
        "label": [f"entry {i}" for i in range(ENTRIES)],
        "nested": [[[1.0], [2.0, 3.0]]] * ENTRIES,
        "missing": [None if i == 9 else 1.0 for i in range(ENTRIES)],
    }
)
pyarrow.parquet.write_table(
    table, "responses.parquet", compression="zstd", row_group_size=17
)
