// Bodies of answers as servers write them, and some that make no sense.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChecksum, parseList, parsePlaces, parseRedirect, parseStat } from "./answers.ts";
import { XrootdError } from "./errors.ts";

const redirect = (port: number, text: string) => {
  const body = Buffer.alloc(4 + text.length);
  body.writeInt32BE(port);
  body.write(text, 4, "latin1");
  return parseRedirect(body, "s");
};
const isViolation = (error: unknown) => error instanceof XrootdError && error.kind === "protocol";

test("a redirect names host and port, opaque data and a token", () => {
  assert.deepEqual(redirect(1094, "host"), { host: "host", port: 1094, opaque: "", token: "" });
  assert.deepEqual(redirect(12, "[::192.168.0.1]?&a=b?tok?en"), {
    host: "192.168.0.1",
    port: 12,
    opaque: "a=b",
    token: "tok?en",
  });
  assert.deepEqual(redirect(12, "[2001:db8::1]??token"), {
    host: "2001:db8::1",
    port: 12,
    opaque: "",
    token: "token",
  });
});

test("a redirect may be a whole address", () => {
  const { host, port, tls, user, path, opaque } = redirect(-1, "roots://me@host:12//other?a=b");
  assert.deepEqual([host, port, tls, user, path, opaque], ["host", 12, true, "me", "/other", "a=b"]);
});

test("a redirect to nowhere is refused", () => {
  for (const text of ["", "a b", "a@c", "host:12", "host/x", "[::1"])
    assert.throws(() => redirect(12, text), isViolation, text);
  assert.throws(() => redirect(70_000, "host"), isViolation);
  assert.throws(() => redirect(-1, "https://host/file"), isViolation);
});

test("stat has size, flags and time, and newer servers say more", () => {
  assert.deepEqual(parseStat("140 9007199254740991 51 1700000000 1 2 0644 me us\0", "s"), {
    size: 9007199254740991,
    mtime: 1700000000,
    isDirectory: true,
    isOffline: false,
    isReadable: true,
  });
  for (const text of ["", "1 2 3", "1 -2 3 4", "1 9007199254740993 3 4", "1 a 3 4"])
    assert.throws(() => parseStat(text, "s"), isViolation, text);
});

test("a list without sizes or with paths for names is refused", () => {
  const list = (text: string) => parseList(Buffer.from(text), "s");
  assert.deepEqual(list(""), []);
  assert.deepEqual(
    list(".\n0 0 0 0\nx y\n1 2 16 3\0").map(({ name, size }) => [name, size]),
    [["x y", 2]],
  );
  for (const text of ["a\nb\0", ".\n0 0 0 0\n../x\n1 2 16 3\0", ".\n0 0 0 0\nx\0"])
    assert.throws(() => list(text), isViolation, text);
});

test("places are managers and servers that are there", () => {
  assert.deepEqual(parsePlaces(Buffer.from("Sr[::1.2.3.4]:10 Mwhost:11 sr[::2]:12\0"), "s"), [
    { isManager: false, host: "1.2.3.4", port: 10 },
    { isManager: true, host: "host", port: 11 },
  ]);
});

test("a checksum has an algorithm and digits", () => {
  assert.deepEqual(parseChecksum(Buffer.from("adler32 0A1b2c3d\0"), "s"), {
    algorithm: "adler32",
    value: "0a1b2c3d",
  });
  assert.throws(() => parseChecksum(Buffer.from("adler32 unknown"), "s"), isViolation);
});
