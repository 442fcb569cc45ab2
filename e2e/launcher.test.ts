// The launcher under the machine's own, possibly older, Node: it finds Node 24, passes signals and exit codes on, or says what to do.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const outside = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !folder.endsWith("node_modules/.bin"))
  .join(delimiter);
const environment = { ...process.env, PATH: outside };
const found = spawnSync("node", ["--version"], { env: environment, encoding: "utf8" }).stdout?.trim() ?? "";
const isOld = found !== "" && Number.parseInt(found.slice(1), 10) < 24;
const skip = isOld ? false : `the machine's own Node is ${found || "absent"}, not older than 24`;

const folder = mkdtempSync(join(tmpdir(), "driftline-launcher-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A package that consists of the launcher and a command that waits or ends as told. */
function layOut(name: string, withNode: boolean): string {
  const place = join(folder, name);
  mkdirSync(join(place, "bin"), { recursive: true });
  mkdirSync(join(place, "src", "cli"), { recursive: true });
  copyFileSync(join(root, "packages", "driftline", "bin", "main.mjs"), join(place, "bin", "main.mjs"));
  writeFileSync(
    join(place, "src", "cli", "main.ts"),
    `const told: string = process.argv[2];
     process.on("SIGTERM", () => { console.log("told to stop"); process.exit(7); });
     console.log(process.version);
     if (told === "wait") setInterval(() => {}, 1000); else process.exitCode = Number(told);`,
  );
  if (withNode) symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
  return join(place, "bin", "main.mjs");
}

describe("under an older Node", { skip }, () => {
  const launcher = layOut("with-node", true);

  it("runs the command on Node 24 and ends with its exit code", () => {
    const { stdout, status } = spawnSync("node", [launcher, "3"], { env: environment, encoding: "utf8" });
    assert.equal(status, 3);
    assert.match(stdout, /^v2[4-9]\./);
  });

  for (const [signal, code, ending] of [
    ["SIGTERM", 7, null],
    ["SIGHUP", null, "SIGHUP"],
  ] as const) {
    it(`passes ${signal} on and ends as the command ends`, async () => {
      const child = spawn("node", [launcher, "wait"], {
        env: environment,
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      child.kill(signal);
      assert.deepEqual(await once(child, "exit"), [code, ending]);
    });
  }

  it("says what to do where there is no Node 24", () => {
    const { stderr, status } = spawnSync("node", [layOut("without-node", false), "0"], {
      env: environment,
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stderr, /needs Node 24 or later, and this is v\d+/);
    assert.match(stderr, /npm run setup/);
  });
});

it("under Node 24 runs the command in the same process", () => {
  const launcher = layOut("new", false);
  const { stdout, status } = spawnSync(process.execPath, [launcher, "4"], { encoding: "utf8" });
  assert.equal(status, 4);
  assert.equal(stdout.trim(), process.version);
});
