// Every write, synchronisation and rename of a publication fails once in every way; the catalogue is as before or has it all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { unsynchronised } from "./durability.ts";
import { enumerate } from "./enumerate.ts";
import { noInjector } from "./inject.ts";
import { memoryDirectory } from "./memoryDirectory.ts";
import { publisher, scenarios, shapeOf } from "./publication.ts";

const skip = noInjector() ?? false;

test("a publication makes the same calls each time, whether its process is new or not", {
  skip,
}, async (t) => {
  const directory = await memoryDirectory(t);
  const [scenario] = await scenarios(directory);
  const shapes: string[][] = [];
  for (const runs of [2, 1]) {
    const one = await publisher(`${directory}/publisher-${runs}`, `${directory}/compiled`);
    t.after(one.close);
    for (let i = 0; i < runs; i++) shapes.push(shapeOf((await one.run(scenario, "EIO", 0)).calls));
  }
  assert.deepEqual(shapes[1], shapes[0]);
  assert.deepEqual(shapes[2], shapes[0]);
  for (const name of [
    "create",
    "write",
    "pwrite",
    "fsync",
    "rename",
    "mkdir",
    "chmod",
    "ftruncate",
    "unlink",
  ]) {
    assert.ok(
      shapes[0].some((call) => call.startsWith(name)),
      `no ${name} was seen`,
    );
  }
});

test("whatever fails in a publication, the catalogue is as before or has all of the bundle", {
  skip,
}, async (t) => {
  const directory = await memoryDirectory(t);
  const counts = await enumerate(directory, { stride: 7 });
  for (const line of counts) t.diagnostic(line);
});

test("what is acknowledged is on the disk: each file and each name was synchronised before", {
  skip,
}, async (t) => {
  const directory = await memoryDirectory(t);
  const one = await publisher(`${directory}/publisher`, `${directory}/compiled`);
  t.after(one.close);
  for (const scenario of await scenarios(directory)) {
    const { said, calls } = await one.run(scenario, "EIO", 0);
    const acknowledged = said.find((line) => line.said === "acknowledged");
    assert.ok(acknowledged, scenario.name);
    assert.deepEqual(unsynchronised(calls, acknowledged.calls), [], scenario.name);
    // The check itself: less is on the disk a few calls earlier.
    assert.notDeepEqual(unsynchronised(calls, acknowledged.calls - 1), [], scenario.name);
  }
});
