// The injector itself: each fault does what its name says, and only to the call that it is meant for.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Fault, injector, noInjector } from "./inject.ts";
import { memoryDirectory } from "./memoryDirectory.ts";

const skip = noInjector() ?? false;

test("each fault befalls the call that it is meant for", { skip }, async (t) => {
  const directory = await memoryDirectory(t);
  const faults = await injector(directory);
  t.after(() => faults.close());
  // Calls 1 and 2 make and write the first file, 3 and 4 the second, 5 removes the first. What is elsewhere isn't counted.
  const script = `
    const fs = require("node:fs");
    const attempt = (work) => { try { work(); } catch (error) { fs.writeSync(1, error.code + " "); } };
    fs.mkdirSync(${JSON.stringify(directory)}, { recursive: true });
    attempt(() => fs.writeFileSync(${JSON.stringify(join(directory, "a"))}, "0123456789"));
    attempt(() => fs.writeFileSync(${JSON.stringify(join(directory, "b"))}, "0123456789"));
    attempt(() => fs.unlinkSync(${JSON.stringify(join(directory, "a"))}));`;
  const run = () => {
    const { stdout, signal } = spawnSync(process.execPath, ["-e", script], {
      env: { ...process.env, ...faults.environment },
      encoding: "utf8",
    });
    return { stdout: stdout.trim(), signal };
  };
  const content = (name: string) => readFile(join(directory, name), "utf8").catch(() => null);
  const cases: [
    fault: Fault,
    at: number,
    stdout: string,
    signal: string | null,
    a: string | null,
    b: string | null,
    calls: number,
  ][] = [
    ["EIO", 0, "", null, null, "0123456789", 5],
    ["kill before", 2, "", "SIGKILL", "", null, 2],
    ["kill after", 2, "", "SIGKILL", "0123456789", null, 2],
    ["torn write", 2, "", "SIGKILL", "01234", null, 2],
    // The rest is written with a further call.
    ["short write", 2, "", null, null, "0123456789", 6],
    ["ENOSPC", 2, "ENOSPC", null, null, "0123456789", 5],
    ["EIO", 5, "EIO", null, "0123456789", "0123456789", 5],
    // Nothing more can be made or written; deleting still works.
    ["full disk", 2, "ENOSPC ENOSPC", null, null, null, 4],
  ];
  for (const [fault, at, stdout, signal, a, b, calls] of cases) {
    faults.arm(fault, at);
    const what = `${fault} at ${at}`;
    assert.deepEqual(run(), { stdout, signal }, what);
    assert.deepEqual([await content("a"), await content("b")], [a, b], what);
    assert.deepEqual(
      faults.takeCalls().map(({ number }) => number),
      Array.from({ length: calls }, (_, i) => i + 1),
      what,
    );
    assert.equal(faults.fired() > 0, at > 0, what);
    for (const name of ["a", "b"]) await rm(join(directory, name), { force: true });
  }
});

test("processes count together, and their clock is shifted while they run", { skip }, async (t) => {
  const directory = await memoryDirectory(t);
  const faults = await injector(directory);
  t.after(() => faults.close());
  faults.arm("EIO", 3);
  const script = `
    const path = ${JSON.stringify(directory)} + "/" + process.pid;
    let failed = "";
    try { require("node:fs").writeFileSync(path, "x"); } catch (error) { failed = error.code; }
    console.log(failed, Date.now());`;
  const run = () => {
    const env = { ...process.env, ...faults.environment };
    const [failed, time] = spawnSync(process.execPath, ["-e", script], {
      env,
      encoding: "utf8",
    }).stdout.split(" ");
    return { failed, aheadS: (Number(time) - Date.now()) / 1000 };
  };
  const [first, second] = [run(), run()];
  assert.deepEqual([first.failed, second.failed], ["", "EIO"]);
  assert.ok(Math.abs(first.aheadS) < 5, `${first.aheadS} s`);
  for (const shift of [3600, -3600]) {
    faults.shiftClock(shift);
    assert.ok(Math.abs(run().aheadS - shift) < 5);
  }
});
