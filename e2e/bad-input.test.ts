// Bad input at the command line and over HTTP: the field, the remedy, the exit code, the status, and nothing half made.

import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Job, Problem } from "@driftline/client";
import { driftline, driftlineJson, serve, temporaryDirectory, testFamilies } from "./support.ts";

interface Bad {
  what: string;
  args: string[];
  exit: number;
  code: string;
  says: RegExp;
}

const commandLines: Bad[] = [
  { what: "no such command", args: ["resolv"], exit: 2, code: "usage", says: /resolve/ },
  {
    what: "no such option",
    args: ["resolve", "test.tpc", "--att", "x=1"],
    exit: 2,
    code: "usage",
    says: /--at\b/,
  },
  { what: "a family left out", args: ["resolve"], exit: 2, code: "usage", says: /FAMILY/ },
  { what: "a word too many", args: ["resolve", "test.tpc", "5.5"], exit: 2, code: "usage", says: /5\.5/ },
  {
    what: "an unknown family",
    args: ["resolve", "test.tcp"],
    exit: 2,
    code: "unknown_family",
    says: /test\.tpc/,
  },
  {
    what: "an unknown condition",
    args: ["resolve", "test.tpc", "--at", "drift_velocty=5.5"],
    exit: 2,
    code: "unknown_condition",
    says: /drift_velocity/,
  },
  {
    what: "a wrong unit",
    args: ["resolve", "test.tpc", "--at", "drift_velocity=5.5m"],
    exit: 2,
    code: "wrong_unit",
    says: /cm\/us/,
  },
  {
    what: "out of range",
    args: ["resolve", "test.tpc", "--at", "drift_velocity=55cm/us"],
    exit: 2,
    code: "out_of_range",
    says: /3.*8/s,
  },
  {
    what: "not a number",
    args: ["ensure", "test.tpc", "--at", "drift_velocity=NaN"],
    exit: 2,
    code: "invalid_quantity",
    says: /drift_velocity/,
  },
  {
    what: "no value",
    args: ["resolve", "test.tpc", "--at", "drift_velocity"],
    exit: 2,
    code: "usage",
    says: /NAME=VALUE/,
  },
  {
    what: "a condition twice",
    args: ["resolve", "test.tpc", "--at", "noise=1", "--at", "noise=2"],
    exit: 2,
    code: "usage",
    says: /noise/,
  },
  {
    what: "an unknown species",
    args: ["resolve", "test.tpc", "--at", "particle=pi"],
    exit: 2,
    code: "invalid_label",
    says: /pion/,
  },
  {
    what: "software without a version",
    args: ["resolve", "test.tpc", "--software", "simulator=mpdroot"],
    exit: 2,
    code: "invalid_software",
    says: /mpdroot/,
  },
  {
    what: "a file that is not there",
    args: ["ensure", "test.tpc", "--data", "nowhere.root"],
    exit: 2,
    code: "invalid_data",
    says: /nowhere\.root/,
  },
  {
    what: "rows that are no number",
    args: ["ensure", "test.tpc", "--rows", "many"],
    exit: 2,
    code: "usage",
    says: /--rows/,
  },
  {
    what: "a hyperparameter that cannot be",
    args: ["ensure", "test.tpc", "--hyperparameter", 'shaped=["tim"]'],
    exit: 2,
    code: "invalid_training",
    says: /hyperparameters\.shaped.*'time'/,
  },
  {
    what: "an unknown model of the trainer",
    args: ["ensure", "test.tpc", "--model", "energyscore"],
    exit: 2,
    code: "invalid_training",
    says: /'energy-score'/,
  },
  {
    what: "an unknown model",
    args: ["pull", "0123456789"],
    exit: 2,
    code: "unknown_model",
    says: /0123456789/,
  },
  { what: "an unknown job", args: ["jobs", "nobody"], exit: 2, code: "unknown_job", says: /nobody/ },
  { what: "no model to pull", args: ["pull", "test.tpc"], exit: 4, code: "no_model", says: /ensure/ },
  {
    what: "Python that is not there",
    args: ["ensure", "test.tpc", "--at", "noise=1ADC"],
    exit: 1,
    code: "python_missing",
    says: /DRIFTLINE_PYTHON/,
  },
];

test("the command says what is wrong, where, and what to do", async (t) => {
  const directory = await temporaryDirectory(t);
  const here = ["--data-dir", join(directory, "data")];
  for (const { what, args, exit, code, says } of commandLines) {
    await t.test(what, async () => {
      const env: Record<string, string> =
        code === "python_missing" ? { DRIFTLINE_PYTHON: join(directory, "no-python") } : {};
      const run = await driftline([...args, ...(args.length > 1 ? here : [])], env);
      assert.equal(run.code, exit, run.stderr);
      assert.match(run.stderr, says);
      assert.match(run.stderr, /remedy:/);
      assert.doesNotMatch(run.stderr, /\n {4}at /, "no stack trace");
      if (args.length > 1) {
        const problem = await driftline([...args, ...here, "--json"], env);
        assert.equal((JSON.parse(problem.stdout) as Problem).code, code);
      }
    });
  }
  assert.deepEqual(await driftlineJson<Job[]>(["jobs", ...here]), [], "nothing half made");
});

test("broken YAML and wrong fields of a family are named with file and line", async (t) => {
  const directory = await temporaryDirectory(t);
  const folder = join(directory, "families", "test.tpc");
  await mkdir(folder, { recursive: true });
  await cp(join(testFamilies, "test.tpc"), folder, { recursive: true });
  const path = join(folder, "family.yaml");
  const good = await readFile(path, "utf8");
  const env = {
    DRIFTLINE_FAMILIES: join(directory, "families"),
    DRIFTLINE_DATA_DIR: join(directory, "data"),
  };
  const broken: [string, string, RegExp][] = [
    ["title: Pad-row response for tests", "title: [unclosed", /family\.yaml/],
    ["    corners: 1", "    cornrs: 1", /corners/],
    ["nominal: 5.50, grid: 0.01", "nominal: 50, grid: 0.01", /drift_velocity/],
  ];
  for (const [from, to, says] of broken) {
    assert.ok(good.includes(from));
    await writeFile(path, good.replace(from, to));
    const run = await driftline(["families"], env);
    assert.equal(run.code, 2, run.stderr);
    assert.match(run.stderr, says);
    assert.match(run.stderr, /family\.yaml:\d+|line \d+/, run.stderr);
  }
  await writeFile(path, good);
  assert.equal((await driftline(["families"], env)).code, 0);
});

test("HTTP gives problem documents with the right status", async (t) => {
  const directory = await temporaryDirectory(t);
  const { url } = await serve(t, join(directory, "data"));
  const post = (path: string, body: string) =>
    fetch(`${url}/v1/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const cases: [string, Promise<Response>, number, string][] = [
    ["unknown family", post("families/nope/resolve", "{}"), 404, "unknown_family"],
    [
      "unknown condition",
      post("families/test.tpc/resolve", '{"conditions":{"x":1}}'),
      400,
      "unknown_condition",
    ],
    ["wrong unit", post("families/test.tpc/ensure", '{"conditions":{"noise":"1 mm"}}'), 400, "wrong_unit"],
    ["out of range", post("families/test.tpc/ensure", '{"conditions":{"noise":-1}}'), 400, "out_of_range"],
    [
      "unknown hyperparameter",
      post("families/test.tpc/ensure", '{"hyperparameters":{"stepz":5}}'),
      400,
      "invalid_training",
    ],
    ["not JSON", post("families/test.tpc/ensure", "{"), 400, "usage"],
    ["unknown member", post("families/test.tpc/ensure", '{"condition":{}}'), 400, "usage"],
    ["unknown model", fetch(`${url}/v1/models/0123456789`), 404, "unknown_model"],
    ["unknown job", fetch(`${url}/v1/jobs/nobody`), 404, "unknown_job"],
    ["unknown route", fetch(`${url}/v1/nothing`), 404, "unknown_route"],
  ];
  for (const [what, answer, status, code] of cases) {
    const response = await answer;
    const problem = (await response.json()) as Problem;
    assert.equal(response.status, status, what);
    assert.equal(problem.code, code, what);
    assert.equal(problem.status, status, what);
  }
  assert.deepEqual(
    await (await fetch(`${url}/v1/jobs`)).json(),
    { jobs: [], next: null },
    "nothing half made",
  );
});
