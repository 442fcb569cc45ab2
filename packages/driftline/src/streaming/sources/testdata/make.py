"""Makes the Parquet and Arrow files of this folder, which the tests of sources read, and what they must give.

Needs pyarrow; run in this folder. One table with a column of each type goes into every file; types.json has
its values as Python has them, with times in seconds.
"""

import datetime
import decimal
import json

import pyarrow
import pyarrow.feather
import pyarrow.parquet

ROWS = 60
numbers = list(range(-10, ROWS - 10))


def gaps(values):
    return [None if i % 7 == 3 else v for i, v in enumerate(values)]


words = [f"word {n % 5} é{'x' * (n % 20)}" for n in numbers]
lists = [[float(n + k) for k in range(i % 4)] for i, n in enumerate(numbers)]
hits = [
    None if i == 8 else [{"x": n + k, "y": None if k == 1 else n / 4} for k in range(i % 3)]
    for i, n in enumerate(numbers)
]
times = [datetime.datetime(2026, 1, 1) + datetime.timedelta(microseconds=1001 * n) for n in numbers]
days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=n) for n in numbers]
p = pyarrow

COLUMNS = {
    "int8": (p.int8(), numbers),
    "uint16": (p.uint16(), [abs(n) for n in numbers]),
    "int32": (p.int32(), [n * 40_000_000 for n in numbers]),
    "int64": (p.int64(), [n * 2**56 + 1 for n in numbers]),
    "uint64": (p.uint64(), [2**63 + abs(n) for n in numbers]),
    "float16": (p.float16(), [n / 4 for n in numbers]),
    "float32": (p.float32(), [n / 8 for n in numbers]),
    "float64": (p.float64(), [n / 7 for n in numbers]),
    "bool": (p.bool_(), [n % 3 == 0 for n in numbers]),
    "text": (p.string(), words),
    "missing_int": (p.int32(), gaps(numbers)),
    "missing_float": (p.float32(), gaps([n / 8 for n in numbers])),
    "missing_text": (p.string(), gaps(words)),
    "decimal": (p.decimal128(12, 3), [decimal.Decimal(n * 1001).scaleb(-3) for n in numbers]),
    "wide_decimal": (p.decimal128(30, 10), gaps([decimal.Decimal(n).scaleb(-10) for n in numbers])),
    "date": (p.date32(), days),
    "time_ms": (p.timestamp("ms"), [t.replace(microsecond=t.microsecond // 1000 * 1000) for t in times]),
    "time_us": (p.timestamp("us"), times),
    "clock": (p.time32("ms"), [t.replace(microsecond=t.microsecond // 1000 * 1000).time() for t in times]),
    "list": (p.list_(p.float32()), lists),
    "gappy_list": (p.list_(p.int32()), [None if i == 5 else [None if v == 2 else int(v) for v in l] for i, l in enumerate(lists)]),
    "nested": (p.list_(p.list_(p.int16())), [[[int(v)], [], [1, 2]][: i % 4] for i, v in enumerate(numbers)]),
    "texts": (p.list_(p.string()), [[words[0]] * (i % 3) for i in range(ROWS)]),
    "point": (p.struct([("x", p.int32()), ("y", p.float64())]), [{"x": n, "y": n / 3} for n in numbers]),
    "hits": (p.list_(p.struct([("x", p.int32()), ("y", p.float32())])), hits),
    "map": (p.map_(p.string(), p.int32()), [[("a", n)] for n in numbers]),
    "bytes": (p.binary(4), [b"abcd"] * ROWS),
}
EPOCH = datetime.datetime(1970, 1, 1)


def plain(value):
    """As it is read: times in seconds, decimals as floats, gaps in numbers as NaN (null in JSON)."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1) / 1e6
    if isinstance(value, datetime.date):
        return (value - EPOCH.date()).days * 86400
    if isinstance(value, datetime.time):
        return (value.hour * 3600 + value.minute * 60 + value.second) + value.microsecond / 1e6
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def flattened(name, values):
    if name in ("map", "bytes"):
        return {}
    if name == "point":
        return {f"point.{key}": [v[key] for v in values] for key in "xy"}
    if name == "hits":
        return {f"hits.{key}": [[h[key] for h in v or []] for v in values] for key in "xy"}
    return {name: [plain(v) for v in values]}


expected = {k: v for name, (_, values) in COLUMNS.items() for k, v in flattened(name, values).items()}
for name in ("int64", "uint64"):
    expected[name] = [str(v) for v in expected[name]]
with open("types.json", "w") as file:
    json.dump(expected, file, separators=(",", ":"), ensure_ascii=False)
    file.write("\n")

table = p.table({name: p.array(values, type=kind) for name, (kind, values) in COLUMNS.items()})
write = pyarrow.parquet.write_table
small = {"row_group_size": 25, "data_page_size": 64, "write_batch_size": 7}
write(table, "plain.parquet", compression="none", use_dictionary=False, write_statistics=False, **small)
write(table, "dictionary.parquet", compression="snappy", write_page_checksum=True, **small)
write(table, "v2-lz4.parquet", compression="lz4", data_page_version="2.0", version="2.6", **small)
write(table, "v1-gzip.parquet", compression="gzip", version="1.0", use_deprecated_int96_timestamps=True, **small)
write(table, "v2-brotli.parquet", compression="brotli", data_page_version="2.0", use_dictionary=False, **small)
deltas = {n: "DELTA_BINARY_PACKED" for n in ("int32", "int64", "missing_int")}
texts = {"text": "DELTA_BYTE_ARRAY", "missing_text": "DELTA_LENGTH_BYTE_ARRAY"}
split = {n: "BYTE_STREAM_SPLIT" for n in ("float32", "float64", "missing_float")}
write(table, "deltas.parquet", compression="zstd", use_dictionary=False, column_encoding=deltas | texts | split, **small)

categories = table.append_column("category", table["missing_text"].dictionary_encode())
views = categories.append_column("view", table["missing_text"].cast(p.string_view()))
views = views.append_column("large", p.array(lists, type=p.large_list(p.float64())))
views = views.append_column("fixed", p.array([[n, n + 1] for n in numbers], type=p.list_(p.int32(), 2)))
for codec in ("uncompressed", "lz4", "zstd"):
    pyarrow.feather.write_feather(views, f"{codec}.feather", compression=codec, chunksize=25)
with p.OSFile("stream.arrows", "wb") as sink, p.ipc.new_stream(sink, views.schema) as writer:
    writer.write_table(views, max_chunksize=25)
