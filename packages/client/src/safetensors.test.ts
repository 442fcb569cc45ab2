// safetensors: round trips, bytes equal to the reference implementation's, and every way a file can be wrong.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import type { DriftlineError } from "./error.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type Tensor,
  writeSafetensors,
} from "./safetensors.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-safetensors-"));
after(() => rmSync(directory, { recursive: true }));

const sample: Record<string, Tensor> = {
  flag: { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) },
  split: { dtype: "U8", shape: [2], data: Uint8Array.of(2, 255) },
  count: { dtype: "I32", shape: [1, 2], data: Int32Array.of(-1, 7) },
  amplitude: { dtype: "F32", shape: [2, 2], data: Float32Array.of(0.1, Number.NaN, -0, 3e38) },
  mean: { dtype: "F64", shape: [], data: Float64Array.of(Math.PI) },
  id: { dtype: "I64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n) },
  "é none": { dtype: "F64", shape: [0, 4], data: new Float64Array(0) },
};

test("tensors come back to the bit, from bytes and from a file, whatever order they were given in", async () => {
  const bytes = encodeSafetensors(sample, { b: "2", a: "1" });
  const reversed = Object.fromEntries(Object.entries(sample).reverse());
  assert.deepEqual(encodeSafetensors(reversed, { a: "1", b: "2" }), bytes);
  assert.equal(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0);
  const path = join(directory, "sample.safetensors");
  await writeSafetensors(path, sample, { b: "2", a: "1" });
  assert.deepEqual(new Uint8Array(readFileSync(path)), bytes);
  assert.deepEqual(readdirSync(directory), ["sample.safetensors"], "no temporary file stays behind");
  for (const read of [decodeSafetensors(bytes), await readSafetensors(path)]) {
    assert.deepEqual(read.metadata, { a: "1", b: "2" });
    assert.deepEqual(read.tensors, sample);
  }
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual(decodeSafetensors(shifted.subarray(1)).tensors, sample, "bytes at an odd offset");
});

test("any float64 tensor with any name comes back", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ unit: "binary" }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
        fc.float64Array({ maxLength: 20 }),
      ),
      (arrays) => {
        const tensors = Object.fromEntries(
          Object.entries(arrays).map(([name, data]): [string, Tensor] => [
            name,
            { dtype: "F64", shape: [data.length], data },
          ]),
        );
        assert.deepEqual(decodeSafetensors(encodeSafetensors(tensors)).tensors, tensors);
      },
    ),
    { seed: 3 },
  );
});

test("a damaged file is refused, never read wrongly: any one byte of the header changed or the end cut", () => {
  const bytes = encodeSafetensors(sample);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeSafetensors(bytes.subarray(0, length), "f"), { code: "damaged" });
  const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  fc.assert(
    fc.property(fc.nat(header - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.slice();
      changed[at] ^= flip;
      try {
        decodeSafetensors(changed, "f");
      } catch (error) {
        assert.equal((error as DriftlineError).code, "damaged");
      }
    }),
    { seed: 3, numRuns: 2000 },
  );
});

function file(header: unknown, dataBytes: number): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const x = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
const hostile: [string, Uint8Array, RegExp][] = [
  ["empty", new Uint8Array(0), /0 bytes/],
  ["huge header", new Uint8Array(8).fill(255), /18446744073709551615 bytes; at most/],
  ["header past the end", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 123), /9 bytes but has only 9/],
  ["not JSON", file("{x", 0), /not JSON/],
  ["not UTF-8", file("{}", 0).map((byte) => (byte === 123 ? 255 : byte)), /not JSON/],
  ["array", file([], 0), /not a JSON object/],
  ["metadata", file({ __metadata__: { a: 1 } }, 0), /__metadata__/],
  ["not an object", file({ x: 3 }, 0), /"x" is not described/],
  ["dtype", file({ x: { ...x, dtype: "BF16" } }, 8), /"x" has the dtype "BF16"; this reader knows F32/],
  ["negative shape", file({ x: { ...x, shape: [-2] } }, 8), /"x" has no valid shape/],
  ["overflowing shape", file({ x: { ...x, shape: [2 ** 40, 2 ** 40] } }, 8), /"x" has no valid shape/],
  ["offsets", file({ x: { ...x, data_offsets: [0.5, 8] } }, 8), /"x" has no valid data_offsets/],
  ["size", file({ x: { ...x, data_offsets: [0, 12] } }, 12), /\[2\] = 8 bytes, but its offsets span 12/],
  ["past the end", file({ x }, 7), /"x" ends at byte 8, but there are 7/],
  ["overlap", file({ x, y: { ...x, data_offsets: [4, 12] } }, 12), /"y" overlaps/],
  ["gap", file({ x, y: { ...x, data_offsets: [12, 20] } }, 20), /gap of 4 bytes before tensor "y"/],
  ["trailing", file({ x }, 9), /1 bytes after the last tensor/],
  ["bool", file({ x: { dtype: "BOOL", shape: [1], data_offsets: [0, 1] } }, 1).fill(2, -1), /other than 0/],
];
for (const [name, bytes, message] of hostile)
  test(`refused: ${name}`, async () => {
    assert.throws(() => decodeSafetensors(bytes, "bad"), { code: "damaged", message });
    const path = join(directory, "bad.safetensors");
    writeFileSync(path, bytes);
    await assert.rejects(readSafetensors(path), { code: "damaged", message, field: path });
  });

test("a path that is no file is named with the remedy", async () => {
  for (const [path, message] of [
    [join(directory, "nowhere"), /nowhere: there is no such file$/],
    [directory, /it is not a plain file$/],
  ] as const) {
    await assert.rejects(readSafetensors(path), {
      code: "invalid_data",
      message,
      remedy: /safetensors file/,
    });
  }
});

test("tensors that contradict themselves are not written", async () => {
  const wrong = (tensor: Partial<Tensor>, name = "x") => {
    const tensors = { [name]: { dtype: "F32", shape: [1], data: Float32Array.of(1), ...tensor } as Tensor };
    return writeSafetensors(join(directory, "wrong.safetensors"), tensors);
  };
  const refused = (message: RegExp) => ({ code: "invalid_data", message });
  await assert.rejects(
    wrong({ shape: [2] }),
    refused(/"x" has the shape \[2\] = 2 values, but 1 were given/),
  );
  await assert.rejects(wrong({ dtype: "F64" }), refused(/"x" is F64 but its data are a Float32Array/));
  await assert.rejects(wrong({ dtype: "F16" as "F32" }), refused(/dtype F16; allowed are F32/));
  await assert.rejects(wrong({ shape: [1.5] }), refused(/dimensions are integers/));
  await assert.rejects(wrong({ dtype: "BOOL", data: Uint8Array.of(2) }), refused(/other than 0 and 1/));
  await assert.rejects(wrong({}, "__metadata__"), refused(/reserved/));
  assert.ok(!existsSync(join(directory, "wrong.safetensors")));
  await assert.rejects(
    readSafetensors(join(directory, "absent")),
    refused(/cannot read .*absent: there is no such file/),
  );
});

const python = join(import.meta.dirname, "../../../trainer/.venv/bin/python");
test("the bytes are those of Python's safetensors, and it reads them", {
  skip: existsSync(python) ? false : "trainer/.venv is absent: not compared with Python's safetensors",
}, async () => {
  const path = join(directory, "from-node.safetensors");
  await writeSafetensors(path, sample, { made: "here" });
  const script = `
import sys, numpy as np
from safetensors.numpy import load_file, save_file
t = load_file(sys.argv[1])
assert t["flag"].tolist() == [True, False, True] and t["id"].tolist() == [-2**63, 2**53 + 1]
assert t["mean"].shape == () and t["mean"] == np.pi and t["amplitude"].shape == (2, 2) and np.isnan(t["amplitude"][0, 1])
save_file(t, sys.argv[2], metadata={"made": "here"})`;
  const back = join(directory, "from-python.safetensors");
  execFileSync(python, ["-c", script, path, back]);
  assert.deepEqual(readFileSync(back), readFileSync(path));
  assert.deepEqual((await readSafetensors(back)).tensors, sample);
});
