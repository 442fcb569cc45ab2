// Runs real Python processes: events, failures, cancel, and the end of a child whose parent is gone.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DriftlineError } from "../errors/registry.ts";
import type { TrainerEnvironment } from "./environment.ts";
import { runPython, type TrainerEvent } from "./python.ts";

const environment: TrainerEnvironment = { python: "/usr/bin/env", sources: "", digest: "" };
const python = (script: string) => ["python3", "-c", script];

async function failureOf(promise: Promise<unknown>): Promise<DriftlineError> {
  const error: unknown = await promise.then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DriftlineError, String(error));
  return error;
}

test("events arrive in order, and a line that is no event becomes a log event", async () => {
  const events: TrainerEvent[] = [];
  await runPython(
    environment,
    python(
      `print('{"event": "epoch", "step": 3}'); print("plain words"); print("[1]"); print('{"event": "done"}')`,
    ),
    { onEvent: (event) => events.push(event) },
  );
  assert.deepEqual(events, [
    { event: "epoch", step: 3 },
    { event: "log", message: "plain words" },
    { event: "log", message: "[1]" },
    { event: "done" },
  ]);
});

test("a failing trainer is reported with its own words", async () => {
  const crash = await failureOf(runPython(environment, python("raise ValueError('no such tensor')")));
  assert.equal(crash.code, "trainer_failed");
  assert.match(crash.message, /status 1/);
  assert.match(crash.message, /no such tensor/);
});

test("an error event gives message, field and remedy", async () => {
  const script = `print('{"event": "error", "message": "no rows", "field": "dataset", "remedy": "give rows"}'); exit(2)`;
  const error = await failureOf(runPython(environment, python(script)));
  assert.equal(error.field, "dataset");
  assert.equal(error.remedy, "give rows");
  assert.match(error.message, /no rows/);
});

test("a flood without line ends is bounded", async () => {
  let longest = 0;
  await runPython(environment, python("import sys; sys.stdout.write('x' * 20_000_000)"), {
    onEvent: ({ message }) => {
      longest = Math.max(longest, String(message).length);
    },
  });
  assert.ok(longest > 0 && longest <= 2000, `${longest} characters in one event`);
});

test("cancelling ends a child, also one that ignores SIGTERM", async () => {
  const abort = new AbortController();
  const script =
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)";
  const started = Date.now();
  const running = runPython(environment, python(script), {
    signal: abort.signal,
    graceSeconds: () => 0.3,
    onEvent: () => abort.abort(),
  });
  assert.equal((await failureOf(running)).code, "cancelled");
  assert.ok(Date.now() - started < 5000);
});

test("a child that reads its standard input ends when the parent is killed", async () => {
  const child = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()";
  const parent = `
    import { runPython } from ${JSON.stringify(new URL("./python.ts", import.meta.url).href)};
    await runPython({ python: "/usr/bin/env", sources: "", digest: "" }, ["python3", "-c", ${JSON.stringify(child)}],
      { onEvent: ({ message }) => console.log(message) });`;
  const process_ = spawn(process.execPath, ["--input-type=module", "-e", parent], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  const pid = await new Promise<number>((resolve) => {
    process_.stdout.once("data", (text: Buffer) => resolve(Number(text.toString())));
  });
  process_.kill("SIGKILL");
  for (let i = 0; i < 100 && alive(pid); i++) await sleep(50);
  assert.equal(alive(pid), false);
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
