// Bytes on a socket: requests that no HTTP library would send, whole ones that must be answered and broken ones that may be.

import fc from "fast-check";
import { badJson } from "./badJson.ts";
import type { OpenApi } from "./document.ts";
import { anyText } from "./values.ts";

export interface RawRequest {
  kind: string;
  bytes: Buffer;
  /** Whether the bytes end where a request ends, so that the server owes an answer. */
  whole: boolean;
}

const body = '{"conditions":{"drift_velocity":"5.5 cm/us"}}';
const length = `Content-Length: ${body.length}`;
const common = ["Host: 127.0.0.1", "Connection: close"];

function request(start: string, headers: string[], content: Buffer | string = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`${start}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`),
    Buffer.from(content),
  ]);
}

function get(target: string, ...headers: string[]): Buffer {
  return request(`GET ${target} HTTP/1.1`, [...common, ...headers]);
}

function post(headers: string[], content: Buffer | string = body): Buffer {
  const all = [...common, "Content-Type: application/json", ...headers];
  return request("POST /v1/families/test.tpc/resolve HTTP/1.1", all, content);
}

function chunks(parts: string[], extension = ""): string {
  const each = parts.map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`);
  return `${each.join("")}0\r\n\r\n`;
}

/** Any text that stays on its line. */
const line = anyText.map((text) => text.replaceAll(/[\r\n]/g, ""));
const words = (text: string) => fc.constantFrom(...text.split(" "));

const targets = fc.oneof(
  line,
  words("* http://other/v1/models // v1/models /v1/../../../etc/passwd /v1/models/% /v1/models/%e0%80%af"),
  words("/v1/models?family=%zz /v1/models?family=a&family=b /v1/models?__proto__=1&constructor[prototype]=1"),
  fc.constantFrom(`/v1/models/${"a/".repeat(2_000)}`, `/${"a".repeat(20_000)}`),
);

const headerNames = words(
  "Accept Range Authorization X-A Content-Length Transfer-Encoding Host Upgrade Expect Connection Cookie Accept-Encoding If-None-Match Last-Event-ID",
);
const headerLines = fc.oneof(
  fc.tuple(headerNames, line).map((parts) => parts.join(": ")),
  fc.constantFrom(
    "no colon",
    ": no name",
    "Sp ace: x",
    "X\0: y",
    "X-A: \0",
    " folded: x",
    `X-A: ${"a".repeat(17_000)}`,
  ),
  fc.constantFrom("Content-Length: 0\r\nContent-Length: 0", "Host: a\r\nHost: b"),
);

const whole: Record<string, fc.Arbitrary<Buffer>> = {
  method: fc
    .oneof(words("get GETT G\0T 💥 TRACE M-SEARCH"), fc.constantFrom("", "A".repeat(5_000)))
    .map((method) => request(`${method} /v1/models HTTP/1.1`, common)),
  version: words("HTTP/1.2 HTTP/9.9 HTTP/0.9 http/1.1 HTTPS/1.1 HTTP/2.0 x").map((version) =>
    request(`GET /v1/models ${version}`, common),
  ),
  target: targets.map((target) => get(target)),
  header: headerLines.map((header) => get("/v1/models", header)),
  "no host": words("/healthz /v1/models /v1/nothing").map((target) =>
    request(`GET ${target} HTTP/1.1`, ["Connection: close"]),
  ),
  "many headers": fc
    .integer({ min: 100, max: 3_000 })
    .map((count) => get("/v1/models", ...Array.from({ length: count }, (_, i) => `X-${i}: ${i}`))),
  length: fc
    .constantFrom("-1", "x", "0x10", "1e2", "1.5", "+46", "99999999999999999999999", "46, 46", " ")
    .map((value) => post([`Content-Length: ${value}`])),
  "two lengths": fc
    .constantFrom<string[]>(
      [length, "Content-Length: 3"],
      [length, "Transfer-Encoding: chunked"],
      ["Transfer-Encoding: chunked, identity"],
      ["Transfer-Encoding: xchunked"],
    )
    .map((headers) => post(headers)),
  "content type": fc
    .oneof(line, words("application/json;charset= application/json;;; application/problem+json"))
    .map((type) =>
      request(
        "POST /v1/families/test.tpc/resolve HTTP/1.1",
        [...common, `Content-Type: ${type}`, length],
        body,
      ),
    ),
  JSON: badJson(body).map((content) => post([`Content-Length: ${content.length}`], content)),
  "large body": fc
    .constantFrom(1 << 20, (1 << 20) + 1)
    .map((size) => post([`Content-Length: ${size}`], `{"model":"${"a".repeat(size - 12)}"}`)),
  chunks: fc
    .tuple(fc.integer({ min: 1, max: body.length - 1 }), fc.constantFrom("", ";x=y", ";".repeat(300)))
    .map(([at, extension]) =>
      post(["Transfer-Encoding: chunked"], chunks([body.slice(0, at), body.slice(at)], extension)),
    ),
  "bad chunks": fc
    .constantFrom(
      "zz\r\n{}\r\n0\r\n\r\n",
      "-1\r\n\r\n",
      "ffffffffffffffffff\r\n{}",
      "2 \r\n{}\r\n0\r\n\r\n",
      "2\r\n{}x\r\n0\r\n\r\n",
    )
    .map((content) => post(["Transfer-Encoding: chunked"], content)),
};

export function rawRequests({ operations }: OpenApi): fc.Arbitrary<RawRequest> {
  const good = fc.oneof(
    fc.constantFrom(...operations).map(({ method, path }) =>
      // Nothing is there under this name, so no stream of events is opened that doesn't end.
      request(`${method} ${path.replaceAll(/\{\w+\}/g, "0123456789abcdef")} HTTP/1.1`, common),
    ),
    fc.constant(post([length])),
    fc.constant(post(["Transfer-Encoding: chunked"], chunks([body]))),
  );
  const broken: Record<string, fc.Arbitrary<Buffer>> = {
    cut: fc
      .tuple(good, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([bytes, part]) => bytes.subarray(0, Math.floor(bytes.length * part))),
    flipped: fc
      .tuple(
        good,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
      )
      .map(([bytes, flips]) => flipped(bytes, flips)),
    "too short": fc
      .integer({ min: body.length + 1, max: 1 << 20 })
      .map((size) => post([`Content-Length: ${size}`])),
    "chunks without end": fc.constant(post(["Transfer-Encoding: chunked"], chunks([body]).slice(0, -5))),
    "two at once": fc.tuple(good, good).map((each) => Buffer.concat(each)),
    // Node hangs up on it: there is nothing to be connected to.
    CONNECT: fc.constant(request("CONNECT 127.0.0.1:80 HTTP/1.1", common)),
    // Refused before it has come, and what still comes can undo the answer.
    "very large body": fc.constant(post([`Content-Length: ${3 << 20}`], "a".repeat(3 << 20))),
    noise: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  };
  return fc.oneof(
    { weight: 3, arbitrary: ofKinds(whole, true) },
    { weight: 1, arbitrary: ofKinds(broken, false) },
  );
}

function ofKinds(kinds: Record<string, fc.Arbitrary<Buffer>>, isWhole: boolean): fc.Arbitrary<RawRequest> {
  const each = Object.entries(kinds).map(([kind, all]) =>
    all.map((bytes) => ({
      kind,
      bytes,
      whole: isWhole,
      [fc.toStringMethod]: () => shownBytes(kind, bytes),
    })),
  );
  return fc.oneof(...each);
}

function shownBytes(kind: string, bytes: Buffer): string {
  return `${kind}: ${JSON.stringify(bytes.subarray(0, 600).toString("latin1"))}, ${bytes.length} bytes`;
}

function flipped(bytes: Buffer, flips: [at: number, to: number][]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, to] of flips) copy[at % copy.length] = to;
  return copy;
}
