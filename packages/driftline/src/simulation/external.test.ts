// The adapter for external simulators, with small programs that behave and misbehave. The file that they write here is JSON
// and read by a function of the test: real ROOT and Parquet files are a test of lifecycle, which has the reader.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResponseBatch } from "../family/responses.ts";
import { makeImage, makeInput } from "../family/testing.ts";
import { type SimulationOptions, simulate } from "./simulate.ts";

const inputs = [makeInput("drift", "bin", 1, 3), makeInput("pt", "GeV/c", 1, 3)];
const output = makeImage([
  { name: "pad", size: 1, coordinate: "drift", first: 0 },
  { name: "time", size: 2, coordinate: "drift", first: 0 },
]);

/** A program in Node: the parsed request is `request`, the rows of its inputs `rows`, `write(rows)` writes the file. */
function options(
  program: string,
  more: Partial<SimulationOptions> = {},
): SimulationOptions & { rows: number } {
  const source = `
    const { readFileSync, writeFileSync } = require("node:fs");
    const request = JSON.parse(readFileSync(process.argv[1], "utf8"));
    const rows = readFileSync(request.inputs.file, "utf8").trim().split("\\n").slice(1).map((l) => l.split(",").map(Number));
    const write = (rows) => writeFileSync(request.output.file, JSON.stringify(rows));
    ${program}`;
  return {
    simulator: { name: "toy", version: 3, command: [process.execPath, "-e", source], format: "root" },
    conditions: { gas: "Ar", field: "0.5" },
    software: { geometry: "toy/1" },
    inputs,
    output,
    seed: 4,
    rows: 5,
    readResponses: async (file) => {
      const rows: number[][] = JSON.parse(await readFile(file, "utf8"));
      const batch: ResponseBatch = {
        rows: rows.length,
        features: Float32Array.from(rows.flatMap((row) => row.slice(1, 3))),
        responses: Float32Array.from(rows.flatMap((row) => row.slice(3))),
        ids: new BigInt64Array(rows.length),
      };
      return batch;
    },
    ...more,
  };
}

test("a program gets the request and the inputs, and its file becomes the responses", async () => {
  const folders: string[] = [];
  const given = options(`
    const { conditions, software, seed, scheme, inputs, output } = request;
    const checks = [scheme === "driftline-simulation/1", conditions.field === "0.5", software.geometry === "toy/1", seed === 4,
      inputs.columns[1].unit === "GeV/c", output.image.axes[1].size === 2, request.rows === rows.length];
    console.log("simulating");
    write(rows.map((row) => [...row, row[0], checks.every(Boolean) ? 1 : 0]));`);
  const read = given.readResponses!;
  const messages: (string | null)[] = [];
  const batch = await simulate({
    ...given,
    firstEvent: 100,
    onProgress: (_, message) => messages.push(message),
    readResponses: (file) => {
      folders.push(dirname(file));
      return read(file);
    },
  });
  assert.deepEqual([...batch.responses], [100, 1, 101, 1, 102, 1, 103, 1, 104, 1]);
  assert.deepEqual([...batch.ids], [100n, 101n, 102n, 103n, 104n]);
  assert.ok(messages.includes("simulating"));
  assert.equal(existsSync(folders[0]), false, "its folder is removed");
});

test("rows that are too few, or not those asked for, are refused with the row and the input", async () => {
  const wanted = { code: "simulator_failed" };
  const program = (rows: string) => simulate(options(`write(${rows})`));
  await assert.rejects(program("rows.slice(1).map((r) => [...r, 0, 0])"), {
    ...wanted,
    message: /wrote 4 rows; 5 were asked for/,
  });
  await assert.rejects(program("rows.map((r, i) => [r[0], r[1], i === 2 ? 9 : r[2], 0, 0])"), {
    ...wanted,
    message: /row 2 has pt 9/,
    field: "pt",
  });
  await assert.rejects(simulate(options("")), { ...wanted, message: /wrote no file/ });
});

test("a program that fails is shown with the last lines of its standard error, and no more", async () => {
  const program = `for (let i = 0; i < 50000; i++) console.error("line " + i); process.exitCode = 7;`;
  await assert.rejects(simulate(options(program)), (error: Error & { code: string }) => {
    assert.equal(error.code, "simulator_failed");
    assert.match(error.message, /exit code 7/);
    assert.match(error.message, /line 49999/);
    assert.ok(error.message.length < 1000);
    return true;
  });
});

test("one that is killed says so, for another try may help", async () => {
  await assert.rejects(simulate(options(`process.kill(process.pid, "SIGKILL");`)), {
    code: "simulator_failed",
    data: { signal: "SIGKILL" },
  });
});

test("a command that is not there, and one without a reader, are said", async () => {
  const given = options("");
  const simulator = { ...given.simulator, command: ["/no/such/simulator"] };
  await assert.rejects(simulate({ ...given, simulator }), {
    code: "simulator_failed",
    message: /\/no\/such\/simulator cannot be started: there is no such program/,
    field: "data.simulator.command",
  });
  await assert.rejects(simulate({ ...given, readResponses: undefined }), { code: "invalid_family" });
});

test("cancelling ends the program and what it started", async () => {
  const controller = new AbortController();
  const marks: string[] = [];
  const program = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const running = simulate({
    ...options(program),
    signal: controller.signal,
    onProgress: (_, message) => {
      marks.push(message ?? "");
      controller.abort();
    },
  });
  await assert.rejects(running, { code: "cancelled" });
  const pid = Number(marks[0]);
  assert.ok(pid > 0);
  for (let i = 0; i < 50 && isAlive(pid); i++) await sleep(100);
  assert.equal(isAlive(pid), false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
