// Which failures are tried again, and when.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fail } from "../../errors/registry.ts";
import { longestDelayMs, maximumRetries, passingReason, retryDelayMs } from "./failures.ts";

const system = (code: string) => Object.assign(new Error(code), { code });
const sqlite = (errcode: number) => Object.assign(new Error("sqlite"), { code: "ERR_SQLITE_ERROR", errcode });

test("what the machine did may pass, wherever it lies in the chain of causes", () => {
  for (const code of ["ENOSPC", "EDQUOT", "EIO", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE"]) {
    assert.ok(passingReason(system(code)), code);
    assert.ok(passingReason(fail("invalid_data", "x", { cause: system(code) })), code);
  }
  // SQLITE_FULL, SQLITE_IOERR_WRITE (10 | 3 << 8), SQLITE_NOMEM, SQLITE_BUSY_SNAPSHOT (5 | 2 << 8)
  for (const code of [13, 778, 7, 517]) assert.ok(passingReason(sqlite(code)), String(code));
  assert.match(passingReason(fail("trainer_failed", "x", { data: { signal: "SIGKILL" } })) ?? "", /SIGKILL/);
  assert.ok(passingReason(fail("trainer_failed", "x", { data: { temporary: true } })));
  assert.ok(passingReason(fail("busy", "x")));
});

test("what will be the same next time is not tried again", () => {
  for (const error of [
    fail("invalid_training", "no such hyperparameter"),
    fail("trainer_failed", "diverged"),
    fail("trainer_failed", "too much memory", { field: "limits.memoryMiB" }),
    fail("refused", "gate"),
    fail("cancelled", "x"),
    fail("damaged", "x"),
    system("ENOENT"),
    system("EACCES"),
    // SQLITE_CORRUPT
    sqlite(11),
    new TypeError("a fault"),
    "no error",
  ]) {
    assert.equal(passingReason(error), null, String(error));
  }
  const ring = new Error("a");
  ring.cause = ring;
  assert.equal(passingReason(ring), null, "a cause that is its own cause");
});

test("tries come after 2, 8 and 32 seconds, a quarter more or less", () => {
  const middle = [1, 2, 3].map((retry) => retryDelayMs(retry, () => 0.5));
  assert.deepEqual(middle, [2000, 8000, 32_000]);
  assert.equal(middle.length, maximumRetries);
  for (const random of [0, 0.999]) {
    const delay = retryDelayMs(1, () => random);
    assert.ok(delay >= 1500 && delay <= 2500, String(delay));
  }
  assert.ok(retryDelayMs(3, () => 1) <= longestDelayMs);
});
