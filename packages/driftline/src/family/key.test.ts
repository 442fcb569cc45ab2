// Condition keys as text: what is a key or a prefix of one, and what is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatKey, parseKeyPrefix } from "./key.ts";

const digits = "0123456789abcdef".repeat(4);

test("keys and prefixes are read with or without k1-", () => {
  assert.equal(parseKeyPrefix(formatKey(digits)), `k1-${digits}`);
  assert.equal(parseKeyPrefix("k1-01234567"), "k1-01234567");
  assert.equal(parseKeyPrefix("01234567"), "k1-01234567");
});

test("anything else is refused", () => {
  for (const text of [
    "",
    "k1-",
    "k1-0123456",
    "k2-01234567",
    "k1-0123456G",
    "k1-0123ABCD",
    `k1-${digits}0`,
    "k1-01234567\n",
  ]) {
    assert.throws(() => parseKeyPrefix(text), { code: "usage", field: "key" }, JSON.stringify(text));
  }
});
