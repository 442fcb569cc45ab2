// Addresses taken apart, and opaque data joined.

import assert from "node:assert/strict";
import { test } from "node:test";
import { XrootdError } from "./errors.ts";
import { hostPort, joinOpaque, parseUrl } from "./url.ts";

const cases: [string, Partial<ReturnType<typeof parseUrl>>][] = [
  [
    "root://host//a/b.root",
    { host: "host", port: 1094, user: "", tls: false, path: "/a/b.root", opaque: "" },
  ],
  ["roots://host:1095//a", { port: 1095, tls: true, path: "/a" }],
  ["xroot://host//a", { tls: false }],
  ["xroots://host//a", { tls: true }],
  ["root://me@host.cern.ch:12//a?x=1&y=2?3", { user: "me", host: "host.cern.ch", opaque: "x=1&y=2?3" }],
  ["root://[2001:db8::1]:1094//a", { host: "2001:db8::1", port: 1094 }],
  ["root://[::1]//a%20b c", { host: "::1", path: "/a%20b c" }],
  ["root://host/relative", { path: "relative" }],
  ["root://host", { path: "", opaque: "" }],
];
for (const [url, parts] of cases) {
  test(`${url} is understood`, () => {
    const parsed = parseUrl(url);
    for (const [name, value] of Object.entries(parts))
      assert.equal(parsed[name as keyof typeof parsed], value, name);
    assert.equal(parsed.url, url);
  });
}

for (const url of [
  "",
  "http://host//a",
  "root:host//a",
  "root:///a",
  "root://host:0//a",
  "root://host:65536//a",
  "root://host:x//a",
  "root://[::1//a",
  "root://a@b@c//d",
  "root://a b//d",
  "root://host//a\nb",
]) {
  test(`${JSON.stringify(url)} is no address`, () => {
    assert.throws(
      () => parseUrl(url),
      (error) => error instanceof XrootdError && error.kind === "invalid",
    );
  });
}

test("the later of two values stands", () => {
  assert.equal(joinOpaque("a=1&b=2", "", "b=3&c"), "a=1&b=3&c");
});

test("an IPv6 address has brackets before its port", () => {
  assert.equal(hostPort({ host: "::1", port: 5 }), "[::1]:5");
});
