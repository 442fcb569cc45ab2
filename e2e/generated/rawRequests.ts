// Bytes on a socket: requests that no HTTP library would send, whole ones that must be answered and broken ones that may be.

import fc from "fast-check";
import type { OpenApi } from "./document.ts";
import { anyText } from "./values.ts";

export interface RawRequest {
  kind: string;
  bytes: Buffer;
  /** Whether the bytes end where a request ends, so that the server owes an answer. */
  whole: boolean;
}

const jsonBody = '{"conditions":{"drift_velocity":"5.5 cm/us"}}';

function request(start: string, headers: string[], body: Buffer | string = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${start}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`),
    Buffer.from(body),
  ]);
}

const common = ["Host: 127.0.0.1", "Connection: close"];
const json = "Content-Type: application/json";

export function rawRequests({ operations }: OpenApi): fc.Arbitrary<RawRequest> {
  const starts = fc.constantFrom(...operations).map(
    ({ method, path }) =>
      // Nothing is there under these names, so no stream of events is opened that doesn't end.
      `${method} ${path.replaceAll(/\{\w+\}/g, "0123456789abcdef")} HTTP/1.1`,
  );
  const resolve = "POST /v1/families/test.tpc/resolve HTTP/1.1";
  const of = (kind: string, whole: boolean, bytes: fc.Arbitrary<Buffer>) =>
    bytes.map((each) => ({ kind, whole, bytes: each }));
  const posted = (...headers: string[]) => [...common, json, ...headers];
  const length = `Content-Length: ${jsonBody.length}`;

  const whole = fc.oneof(
    of(
      "method",
      true,
      fc
        .constantFrom("get", "GETT", "G\0T", "", "💥", "A".repeat(5_000), "TRACE", "M-SEARCH")
        .map((method) => request(`${method} /v1/models HTTP/1.1`, common)),
    ),
    of(
      "version",
      true,
      fc
        .constantFrom(
          "HTTP/1.2",
          "HTTP/9.9",
          "HTTP/0.9",
          "http/1.1",
          "HTTPS/1.1",
          "HTTP/1.1 x",
          "",
          "HTTP/2.0",
        )
        .map((version) => request(`GET /v1/models ${version}`, common)),
    ),
    of(
      "target",
      true,
      fc
        .oneof(
          anyText.map((text) => text.replaceAll(/[\r\n]/g, "")),
          fc.constantFrom(
            "*",
            "http://other/v1/models",
            "//",
            "v1/models",
            "/v1/../../../etc/passwd",
            "/v1/models/%",
            "/v1/models/%e0%80%af",
            "/v1/models?family=%zz",
            "/v1/models?family=a&family=b",
            "/v1/models?__proto__=1&constructor[prototype]=1",
            `/v1/models/${"a/".repeat(2_000)}`,
            `/${"a".repeat(20_000)}`,
          ),
        )
        .map((target) => request(`GET ${target} HTTP/1.1`, common)),
    ),
    of(
      "header",
      true,
      fc
        .oneof(
          fc
            .tuple(
              fc.constantFrom(
                "Accept",
                "Range",
                "Authorization",
                "X-A",
                "Content-Length",
                "Transfer-Encoding",
                "Host",
                "Upgrade",
                "Expect",
                "Connection",
                "Cookie",
                "Accept-Encoding",
                "If-None-Match",
                "Last-Event-ID",
              ),
              anyText.map((text) => text.replaceAll(/[\r\n]/g, "")),
            )
            .map((parts) => parts.join(": ")),
          fc.constantFrom(
            "no colon",
            ": no name",
            "Sp ace: x",
            "X\0: y",
            "X-A: \0",
            " folded: x",
            `X-A: ${"a".repeat(17_000)}`,
            "Content-Length: 0\r\nContent-Length: 0",
            "Host: a\r\nHost: b",
          ),
        )
        .map((line) => request("GET /v1/models HTTP/1.1", [...common, line])),
    ),
    of(
      "many headers",
      true,
      fc
        .integer({ min: 100, max: 3_000 })
        .map((count) =>
          request("GET /v1/models HTTP/1.1", [
            ...common,
            ...Array.from({ length: count }, (_, i) => `X-${i}: ${i}`),
          ]),
        ),
    ),
    of(
      "length",
      true,
      fc
        .constantFrom("-1", "x", "0x10", "1e2", "1.5", "+46", "99999999999999999999999", "46, 46", " ")
        .map((value) => request(resolve, posted(`Content-Length: ${value}`), jsonBody)),
    ),
    of(
      "two lengths",
      true,
      fc
        .constantFrom(
          [length, "Content-Length: 3"],
          [length, "Transfer-Encoding: chunked"],
          ["Transfer-Encoding: chunked, identity"],
          ["Transfer-Encoding: xchunked"],
        )
        .map((lines) => request(resolve, posted(...lines), jsonBody)),
    ),
    of(
      "content type",
      true,
      fc
        .oneof(
          anyText.map((text) => text.replaceAll(/[\r\n]/g, "")),
          fc.constantFrom("application/json; charset=", "application/json;;;", "application/problem+json"),
        )
        .map((type) => request(resolve, [...common, `Content-Type: ${type}`, length], jsonBody)),
    ),
    of(
      "JSON",
      true,
      brokenJson.map((body) => request(resolve, posted(`Content-Length: ${body.length}`), body)),
    ),
    of(
      "large body",
      true,
      fc
        .constantFrom(1 << 20, (1 << 20) + 1, 3 << 20)
        .map((size) =>
          request(resolve, posted(`Content-Length: ${size}`), `{"model":"${"a".repeat(size - 12)}"}`),
        ),
    ),
    of(
      "chunks",
      true,
      fc
        .tuple(fc.integer({ min: 1, max: jsonBody.length - 1 }), fc.constantFrom("", ";x=y", ";".repeat(300)))
        .map(([at, extension]) =>
          request(
            resolve,
            posted("Transfer-Encoding: chunked"),
            chunks([jsonBody.slice(0, at), jsonBody.slice(at)], extension),
          ),
        ),
    ),
    of(
      "bad chunks",
      true,
      fc
        .constantFrom(
          "zz\r\n{}\r\n0\r\n\r\n",
          "-1\r\n\r\n",
          "ffffffffffffffffff\r\n{}",
          "2 \r\n{}\r\n0\r\n\r\n",
          "2\r\n{}x\r\n0\r\n\r\n",
        )
        .map((body) => request(resolve, posted("Transfer-Encoding: chunked"), body)),
    ),
  );
  const good = fc.oneof(
    starts.map((start) => request(start, common)),
    fc.constant(request(resolve, posted(length), jsonBody)),
    fc.constant(request(resolve, posted("Transfer-Encoding: chunked"), chunks([jsonBody, jsonBody], ""))),
  );
  const broken = fc.oneof(
    of(
      "cut",
      false,
      fc
        .tuple(good, fc.double({ min: 0, max: 1, noNaN: true }))
        .map(([bytes, part]) => bytes.subarray(0, Math.floor(bytes.length * part))),
    ),
    of(
      "flipped",
      false,
      fc
        .tuple(
          good,
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        )
        .map(([bytes, flips]) => flipped(bytes, flips)),
    ),
    of(
      "too short",
      false,
      fc
        .integer({ min: jsonBody.length + 1, max: 1 << 20 })
        .map((size) => request(resolve, posted(`Content-Length: ${size}`), jsonBody)),
    ),
    of(
      "chunks without end",
      false,
      fc.constant(
        request(resolve, posted("Transfer-Encoding: chunked"), chunks([jsonBody], "").subarray(0, -5)),
      ),
    ),
    of(
      "two at once",
      false,
      fc.tuple(good, good).map((each) => Buffer.concat(each)),
    ),
    of(
      "noise",
      false,
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    ),
  );
  return fc.oneof({ weight: 3, arbitrary: whole }, { weight: 1, arbitrary: broken }).map((raw) => ({
    ...raw,
    [fc.toStringMethod]: () =>
      `${raw.kind}: ${JSON.stringify(raw.bytes.subarray(0, 600).toString("latin1"))}, ${raw.bytes.length} bytes`,
  }));
}

function chunks(parts: string[], extension: string): Buffer {
  return Buffer.from(
    `${parts.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`).join("")}0\r\n\r\n`,
  );
}

function flipped(bytes: Buffer, flips: [at: number, to: number][]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, to] of flips) copy[at % copy.length] = to;
  return copy;
}

/** A body that is no JSON, or is JSON that says one thing twice or in an encoding of its own. */
const brokenJson: fc.Arbitrary<Buffer> = fc.oneof(
  fc.integer({ min: 0, max: jsonBody.length - 1 }).map((end) => Buffer.from(jsonBody.slice(0, end))),
  fc
    .tuple(fc.nat(jsonBody.length), fc.uint8Array({ minLength: 1, maxLength: 4 }))
    .map(([at, put]) =>
      Buffer.concat([Buffer.from(jsonBody.slice(0, at)), put, Buffer.from(jsonBody.slice(at))]),
    ),
  fc
    .constantFrom(
      "",
      "nul",
      "{}{}",
      "{'a':1}",
      '{"a":NaN}',
      '{"a":1,}',
      "[",
      '{"conditions":{},"conditions":{"x":1}}',
      '{"a":"\n"}',
      '{"a":01}',
      '{"a":+1}',
      "// {}",
      '"\\ud800"',
      '{"__proto__":{}}',
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom("utf16le" as const, "latin1" as const)
    .map((encoding) => Buffer.from(`\ufeff${jsonBody}é`, encoding)),
  fc.constantFrom(100, 10_000, 400_000).map((depth) => Buffer.from("[".repeat(depth))),
  fc
    .constantFrom(100, 10_000, 100_000)
    .map((depth) => Buffer.from(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`)),
);
