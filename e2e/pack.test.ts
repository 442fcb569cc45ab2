// The published packages: packed, installed into an empty folder and run as a user would.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "driftline-pack-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, args: string[], cwd: string): string {
  return execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

/** The installed command, run by this test's Node. */
function driftline(...args: string[]): string {
  const main = join(folder, "node_modules", "driftline", "bin", "main.mjs");
  return run(process.execPath, [main, ...args], folder);
}

describe("the packed packages", () => {
  before(() => {
    run(process.execPath, [join(root, "scripts", "pack.mjs")], root);
    const { overrides } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      overrides: Record<string, string>;
    };
    // Libraries for drawing in a browser, which jsroot names and reading files does not use.
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, overrides }));
    const tarballs = globSync(join(root, "dist", "*.tgz"));
    assert.ok(tarballs.length >= 3, `packed only ${tarballs.join(", ")}`);
    run(
      "npm",
      ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs],
      folder,
    );
  });

  it("hold JavaScript and no TypeScript but declarations", () => {
    const installed = globSync("node_modules/{driftline,@driftline/*}/**/*.ts", { cwd: folder });
    assert.deepEqual(
      installed.filter((path) => !path.endsWith(".d.ts")),
      [],
    );
  });

  it("start", () => {
    const { version } = JSON.parse(readFileSync(join(root, "packages/driftline/package.json"), "utf8")) as {
      version: string;
    };
    assert.equal(driftline("--version").trim(), `driftline ${version}`);
  });

  it("know the families that ship", () => {
    const families = JSON.parse(driftline("families", "--json", "--data-dir", join(folder, "data"))) as {
      name: string;
    }[];
    assert.ok(families.some(({ name }) => name === "mpd.tpc"));
  });

  it("carry the trainer", () => {
    const trainer = join(folder, "node_modules", "driftline", "trainer");
    assert.ok(globSync("src/driftline_trainer/*.py", { cwd: trainer }).length > 0);
    assert.ok(readFileSync(join(trainer, "requirements.lock"), "utf8").includes("--hash=sha256:"));
  });

  it("serve the SDK's entry points with types", async () => {
    const script = `
      import { resolveRequest } from "@driftline/client/api";
      import { DriftlineError } from "@driftline/client";
      console.log(typeof resolveRequest.parse, new DriftlineError("usage", "x").code);`;
    assert.equal(
      run(process.execPath, ["--input-type=module", "--eval", script], folder).trim(),
      "function usage",
    );
    assert.ok(globSync("node_modules/@driftline/client/dist/api.d.ts", { cwd: folder }).length === 1);
  });
});
