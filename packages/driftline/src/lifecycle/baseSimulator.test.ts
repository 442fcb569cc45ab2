// What an external simulator wrote is read to the end, however many entries there are.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readResponses } from "../streaming/readResponses.ts";
import { collect, family, reading, skipWithoutV4, v4 } from "../streaming/testdata.ts";
import { baseSimulator } from "./baseSimulator.ts";

test("a ROOT file of 5,000 entries, which are read in several pieces", { skip: skipWithoutV4 }, async () => {
  const wanted = await collect(readResponses(reading([v4])));
  const copy = `
    const request = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"));
    require("node:fs").copyFileSync(${JSON.stringify(v4)}, request.output.file);`;
  const simulator = baseSimulator({
    family,
    simulator: { name: "toy", version: 1, command: [process.execPath, "-e", copy], format: "root" },
    question: { conditions: {}, software: {} },
    saturation: null,
    threads: 1,
    signal: new AbortController().signal,
  });
  const responses = await simulator.respond(wanted.features, 5000, 1);
  assert.equal(responses.length, 5000 * 128);
  assert.deepEqual(responses, wanted.responses);
});
