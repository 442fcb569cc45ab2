// Bodies that are no JSON, or JSON that says one thing twice, in another encoding, or deeper than anyone reads.

import fc from "fast-check";

const texts = [
  "",
  "nul",
  "{}{}",
  "{'a':1}",
  '{"a":NaN}',
  '{"a":1,}',
  "[",
  '{"a":"\n"}',
  '{"a":01}',
  '{"a":+1}',
  "// {}",
];
const twice = '{"conditions":{},"conditions":{"x":1}}';
const misnamed = [
  '{"__proto__":{}}',
  '{"conditions":{"__proto__":1}}',
  '{"constructor":{"prototype":{}}}',
  '"\\ud800"',
];

/** From a body that is JSON: cut, with bytes put in, in other encodings; and others. */
export function badJson(body: string): fc.Arbitrary<Buffer> {
  const from = (text: string) => Buffer.from(text);
  return fc.oneof(
    fc.integer({ min: 0, max: body.length - 1 }).map((end) => from(body.slice(0, end))),
    fc
      .tuple(fc.nat(body.length), fc.uint8Array({ minLength: 1, maxLength: 4 }))
      .map(([at, put]) => Buffer.concat([from(body.slice(0, at)), put, from(body.slice(at))])),
    fc.constantFrom(...texts, twice, ...misnamed).map(from),
    fc
      .constantFrom<BufferEncoding>("utf16le", "latin1")
      .map((encoding) => Buffer.from(`\ufeff${body}é`, encoding)),
    fc.constantFrom(100, 10_000, 400_000).map((depth) => from("[".repeat(depth))),
    fc
      .constantFrom(100, 10_000, 100_000)
      .map((depth) => from(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`)),
  );
}
