// Trainers that misbehave: each ends with an error that names what it did, and leaves no process.

import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { DriftlineError } from "../errors/registry.ts";
import type { RunLimits } from "./limits.ts";
import { outputLog, trimLog } from "./outputLog.ts";
import { endProcesses, processesOf } from "./processes.ts";
import type { PythonOptions } from "./python.ts";
import { assertNoneLeft, failureOf, job, scratchDirectory, scriptedTrainer } from "./testing.ts";
import { checkTraining, train } from "./trainer.ts";

const generous: RunLimits = { trainingSeconds: 60, silentSeconds: 60, memoryMiB: 4096, directoryMiB: 4096 };
const isLinux = process.platform === "linux" ? false : "needs /proc";

async function run(
  t: TestContext,
  script: string,
  limits: Partial<RunLimits> = {},
  options: Omit<PythonOptions, "limits" | "attempt"> = {},
) {
  const directory = await scratchDirectory(t);
  const environment = await scriptedTrainer(t, script);
  const attempt = join(directory, "attempt-1");
  const result = train(environment, join(attempt, "train"), job, {
    limits: { ...generous, ...limits },
    attempt,
    ...options,
  });
  return { attempt, result: result.finally(() => assertNoneLeft(`${attempt}/`)) };
}

async function failed(...args: Parameters<typeof run>): Promise<DriftlineError> {
  return failureOf((await run(...args)).result);
}

test("a trainer that does as it should", async (t) => {
  const { result } = await run(t, `say("start"); finish(); say("done")`);
  assert.equal((await result).steps, 1);
});

test("one that crashes is reported with its last words; one that is killed may be tried again", async (t) => {
  const crash = await failed(t, `raise ValueError("no such tensor")`);
  assert.equal(crash.code, "trainer_failed");
  assert.match(crash.message, /The trainer ended with status 1.*no such tensor/s);
  assert.equal(crash.data?.signal, undefined);
  const killed = await failed(t, `os.kill(os.getpid(), signal.SIGKILL)`);
  assert.match(killed.message, /SIGKILL/);
  assert.match(killed.remedy ?? "", /memory/);
  assert.equal(killed.data?.signal, "SIGKILL");
  const temporary = await failed(t, `say("error", message="disk full", remedy="make room"); sys.exit(75)`);
  assert.equal(temporary.data?.temporary, true);
  assert.equal(temporary.remedy, "make room");
});

test("what it refuses is the asker's mistake", async (t) => {
  const error = await failed(
    t,
    `say("error", message="no axis 'tim'", field="hyperparameters.shaped", remedy="say time"); sys.exit(2)`,
  );
  assert.equal(error.code, "invalid_training");
  assert.equal(error.field, "hyperparameters.shaped");
});

test("one that hangs without an event is ended; nonsense is no event", async (t) => {
  const silent = await failed(t, "time.sleep(60)", { silentSeconds: 1 });
  assert.equal(silent.field, "limits.silentSeconds");
  const nonsense = await failed(t, `while True: print("nonsense " * 10); time.sleep(0.01)`, {
    silentSeconds: 1,
  });
  assert.equal(nonsense.field, "limits.silentSeconds");
  const endless = await failed(t, `while True: say("epoch"); time.sleep(0.01)`, { trainingSeconds: 1 });
  assert.equal(endless.field, "limits.trainingSeconds");
  assert.match(endless.message, /after 1 seconds/);
});

test("a flood of output is read to its end in bounded memory, and its log is cut", async (t) => {
  const directory = await scratchDirectory(t);
  const path = join(directory, "worker.log");
  const log = outputLog(path, 1_000_000);
  const before = process.memoryUsage.rss();
  const { result } = await run(
    t,
    `
line = b"x" * 65535 + b"\\n"
for i in range(16000):
    os.write(1 + i % 2, line)
os.write(2, b"last words")
finish()`,
    {},
    { log: log.write },
  );
  await result;
  log.close();
  const grown = process.memoryUsage.rss() - before;
  // What the collector has not come to yet is among it.
  assert.ok(grown < 400e6, `grew by ${grown} bytes for 1050 MB of output`);
  const text = await readFile(path, "utf8");
  assert.ok(text.length < 1_020_000, `${text.length} characters are kept`);
  assert.match(text, /cut here: limits.logMiB/);
  assert.match(text, /104\d{7} bytes were cut/);
  trimLog(path, 1000);
  assert.ok((await stat(path)).size < 1000);
  assert.match(await readFile(path, "utf8"), /earlier bytes were cut/);
});

test("one that eats memory, in itself or in its children, is ended", { skip: isLinux }, async (t) => {
  const own = await failed(
    t,
    `kept = bytearray(400 * 2**20)\nfor i in range(0, len(kept), 4096): kept[i] = 1\ntime.sleep(60)`,
    {
      memoryMiB: 256,
    },
  );
  assert.equal(own.field, "limits.memoryMiB");
  assert.match(own.message, /MiB of memory, of 256 allowed/);
  const eat = "kept = b'1' * (180 * 2**20); import time; time.sleep(60)";
  const children = await failed(
    t,
    `
for i in range(2):
    subprocess.Popen([sys.executable, "-c", ${JSON.stringify(eat)}], start_new_session=True)
time.sleep(60)`,
    { memoryMiB: 256 },
  );
  assert.equal(children.field, "limits.memoryMiB");
});

test("memory that children share with it is counted once", { skip: isLinux }, async (t) => {
  const script = `
kept = b"1" * (150 * 2**20)
for i in range(4):
    if os.fork() == 0:
        time.sleep(60)
time.sleep(2)
finish()`;
  const { result } = await run(t, script, { memoryMiB: 400 });
  assert.equal((await result).steps, 1);
});

test("one that fills its directory is ended", async (t) => {
  const large = `
with open("junk", "wb") as file:
    while True:
        file.write(b"1" * 2**20)
        time.sleep(0.005)`;
  const one = await failed(t, large, { directoryMiB: 20 });
  assert.equal(one.field, "limits.directoryMiB");
  const many = `
os.mkdir("many")
for i in range(10**6):
    open(f"many/{i}", "w").close()
    if i % 100 == 0: time.sleep(0.01)`;
  const small = await failed(t, many, { directoryMiB: 20 });
  assert.equal(small.field, "limits.directoryMiB");
});

test("cancelling ends one that ignores SIGTERM, with children of sessions of their own", async (t) => {
  const abort = new AbortController();
  const script = `
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", child])
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
say("up")
time.sleep(60)`;
  const { attempt, result } = await run(
    t,
    script,
    {},
    { signal: abort.signal, onEvent: () => abort.abort() },
  );
  const started = Date.now();
  assert.equal((await failureOf(result)).code, "cancelled");
  assert.ok(Date.now() - started < 4000);
  assert.deepEqual(processesOf(`${attempt}/`), []);
});

test("children that stay behind end with the trainer, also those that hold its output open", async (t) => {
  const script = `
subprocess.Popen(["sleep", "60"])
subprocess.Popen(["sleep", "60"], start_new_session=True)
finish()`;
  const { attempt, result } = await run(t, script);
  await result;
  assert.deepEqual(processesOf(`${attempt}/`), []);
});

test("one that forks without end is ended", { skip: isLinux }, async (t) => {
  const script = `
for i in range(200):
    if os.fork() == 0:
        os.setsid()
        while True: time.sleep(1)
time.sleep(60)`;
  const error = await failed(t, script, { trainingSeconds: 2 });
  assert.equal(error.field, "limits.trainingSeconds");
});

test("what a dead process left running is found by its mark", { skip: isLinux }, async (t) => {
  const directory = await scratchDirectory(t);
  const environment = await scriptedTrainer(t, `say("up"); time.sleep(60)`);
  const attempt = join(directory, "attempt-1");
  const abort = new AbortController();
  const up = new Promise<void>((resolve) => {
    train(environment, join(attempt, "train"), job, {
      attempt,
      signal: abort.signal,
      onEvent: () => resolve(),
    }).catch(() => {});
  });
  await up;
  assert.equal(processesOf(`${directory}/attempt-1/`).length, 1);
  assert.deepEqual(processesOf(`${directory}/attempt-11/`), []);
  await endProcesses(`${directory}/attempt-`);
  assert.deepEqual(processesOf(`${directory}/attempt-1/`), []);
});

test("a result that is missing, broken, or names what it must not", async (t) => {
  const cases: [string, RegExp][] = [
    ["pass", /result\.json is missing/],
    [`open("result.json", "w").write('{"protocol": "driftline-tr')`, /not JSON/],
    [`open("result.json", "w").write('[]')`, /object/],
    [`finish(status="almost")`, /status/],
    [`finish(signature={})`, /signature/],
    [`finish(parity={"passed": False})`, /disagree/],
    [`finish(); open("model.onnx", "ab").write(b"more")`, /"model.onnx" does not match its SHA-256/],
    [`finish(); os.remove("model.onnx")`, /"model.onnx" cannot be used/],
    [`finish(); os.rename("model.onnx", "kept"); os.symlink("kept", "model.onnx")`, /it is a link/],
    [`finish(); os.remove("model.onnx"); os.mkfifo("model.onnx")`, /no plain file/],
    [`finish(); os.remove("model.onnx"); os.mkdir("model.onnx")`, /no plain file/],
    [`finish(); os.truncate("model.onnx", 2**40)`, /at most 268435456 are read/],
    [`finish(); os.truncate("result.json", 2**40)`, /at most/],
    [`finish(); os.rename("result.json", "r"); os.symlink("r", "result.json")`, /it is a link/],
    [`finish(names="../job.json")`, /no plain file name/],
    [`finish(names="/etc/passwd")`, /no plain file name/],
    [
      `finish(weights={"file": "model.onnx", "sha256": "0", "architecture": "a" * 64})`,
      /not match its SHA-256/,
    ],
    [`finish(weights={"file": "model.onnx", "sha256": "0", "architecture": "a"})`, /weights\.architecture/],
  ];
  for (const [script, says] of cases) {
    await t.test(script, async (t) => {
      const error = await failed(t, script);
      assert.equal(error.code, "trainer_failed");
      assert.match(error.message, says);
      assert.ok(error.remedy);
    });
  }
});

test("one that was given weights has to say that it started from them", async (t) => {
  const parent = { weights: "/nowhere", sha256: "a".repeat(64) };
  const start = async (script: string) =>
    train(await scriptedTrainer(t, script), await scratchDirectory(t), { ...job, parent });
  assert.equal((await start(`finish(parent={"sha256": "${parent.sha256}"})`)).status, "done");
  for (const script of ["finish()", `finish(parent=None)`, `finish(parent={"sha256": "0"})`]) {
    const error = await failureOf(start(script));
    assert.deepEqual([error.code, error.field], ["trainer_failed", "parent"]);
  }
});

test("a result of an earlier attempt is not taken for this one's", async (t) => {
  const directory = await scratchDirectory(t);
  await mkdir(join(directory, "train"));
  await writeFile(join(directory, "train", "result.json"), "{}");
  const environment = await scriptedTrainer(t, "pass");
  assert.match((await failureOf(train(environment, join(directory, "train"), job))).message, /missing/);
});

test("a check names the mistake; where the trainer cannot be asked nothing is said", async (t) => {
  const refusing = await scriptedTrainer(
    t,
    `assert sys.argv[1:] == ["--check"] and os.path.exists("job.json")
say("error", message="no such model", field="model", remedy="another"); sys.exit(2)`,
  );
  const error = await failureOf(checkTraining(refusing, job));
  assert.deepEqual([error.code, error.field], ["invalid_training", "model"]);
  const saying = async (script: string) => checkTraining(await scriptedTrainer(t, script), job);
  assert.equal(await saying(`say("check", architecture="${"a".repeat(64)}")`), "a".repeat(64));
  for (const script of ["pass", `say("check", architecture=5)`, "raise ImportError('jax')"]) {
    assert.equal(await saying(script), null);
  }
  assert.equal(await checkTraining({ python: "/nowhere/python", sources: "", digest: "" }, job), null);
});
