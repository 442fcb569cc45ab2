// Shortened numbers against values worked out by hand, and type names taken apart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCppType, parseCppType } from "./cppTypes.ts";
import { decodeNumbers, plainFormat, shortened } from "./numbers.ts";

const decode = (format: ReturnType<typeof shortened>, bytes: number[]) =>
  Array.from(decodeNumbers(Uint8Array.from(bytes), format) as ArrayLike<number>);

test("big-endian words", () => {
  assert.deepEqual(decode(plainFormat("int16"), [0xff, 0xfe, 0, 1]), [-2, 1]);
  assert.deepEqual(decode(plainFormat("float64"), [0x40, 9, 0, 0, 0, 0, 0, 0]), [3.125]);
});

test("Double32_t and Float16_t: steps of a range, a float, or an exponent and a short mantissa", () => {
  // Eight bits over 0 to 16: steps of 1/16.
  assert.deepEqual(decode(shortened("float64", "[0,16,8]"), [0, 0, 0, 40]), [2.5]);
  // After the lengths of an array, and with multiples of pi: 2^31 of 2^32 - 1 steps.
  const [angle] = decode(shortened("float64", "phi[n][-pi,pi]"), [0x80, 0, 0, 0]);
  assert.ok(Math.abs(angle - Math.PI / 0xffffffff) < 1e-12, `${angle}`);
  assert.deepEqual(decode(shortened("float64", "no range"), [0x3f, 0x80, 0, 0]), [1]);
  // 1.5: exponent 127, the first of 12 bits of mantissa; the sign is the bit above the 13 that are kept.
  assert.deepEqual(decode(shortened("float32", ""), [127, 0x08, 0x00]), [1.5]);
  assert.deepEqual(decode(shortened("float32", ""), [127, 0x28, 0x00]), [-1.5]);
  assert.deepEqual(decode(shortened("float64", "[0,0,10]"), [128, 0x02, 0x00]), [3]);
});

test("C++ types", () => {
  const type = parseCppType("std::vector<std::pair<const int, std::vector<ElementLink<xAOD::X_v1> > > >")!;
  assert.equal(formatCppType(type), "vector<pair<int,vector<ElementLink<xAOD::X_v1>>>>");
  assert.equal(parseCppType("vector<int"), null);
  assert.equal(parseCppType("unsigned  int")?.name, "unsigned int");
});
