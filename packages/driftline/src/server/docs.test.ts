// docs/http.md and docs/sdk.md: every command is run against a server, and must print what the page shows.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadFamily } from "../family/loadFamily.ts";
import {
  defaultLimits,
  maxBodyBytes,
  maxHeaderBytes,
  maxHeaders,
  maxJsonDepth,
  maxRunsBytes,
} from "./limits.ts";
import { type Listening, listen } from "./server.ts";
import { memoryDriftline } from "./testing.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const page = (name: string) => readFile(join(root, "docs", name), "utf8");

/** Whether text is as shown, where `…` in what is shown stands for anything. */
function assertShown(text: string, shown: string): void {
  const pattern = shown.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  assert.match(text.replaceAll("\r", "").trim(), new RegExp(`^${pattern.join(".*")}$`));
}

function missingTools(): string | false {
  for (const tool of ["curl", "jq", "tar", "sha256sum"]) {
    try {
      execFileSync(tool, ["--version"], { stdio: "ignore" });
    } catch {
      return `${tool} is not installed`;
    }
  }
  return false;
}

describe("the pages", () => {
  let directory: string;
  let server: Listening;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "driftline-docs-"));
    const family = loadFamily(join(root, "families", "mpd.tpc", "family.yaml"));
    const driftline = await memoryDriftline(join(directory, "memory"), family);
    server = await listen({ driftline, host: "127.0.0.1", port: 0 });
    await symlink(join(root, "examples"), join(directory, "examples"));
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  async function run(commands: string): Promise<string> {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`;
    const env = { ...process.env, PATH: path, DRIFTLINE_URL: server.url };
    const { stdout } = await promisify(execFile)("bash", ["-ec", commands], { cwd: directory, env });
    return stdout;
  }

  it("http.md shows what is printed", { skip: missingTools() }, async () => {
    const examples = [
      ...(await page("http.md")).matchAll(/```sh\n([^`]*)```\n\n```(?:json|text)\n([^`]*)\n```/g),
    ];
    assert.ok(examples.length >= 8, `${examples.length} examples`);
    for (const [, commands, shown] of examples) assertShown(await run(commands), shown);
  });

  it("http.md lists the routes of the OpenAPI document", async () => {
    const response = await fetch(`${server.url}/v1/openapi.json`);
    const { paths } = (await response.json()) as { paths: Record<string, unknown> };
    const text = await page("http.md");
    for (const path of Object.keys(paths)) assert.ok(text.includes(path), `docs/http.md lacks ${path}`);
  });

  it("http.md gives the bounds that are in force", async () => {
    const { atWork, ...times } = defaultLimits;
    const rows = (await page("http.md")).split("## Bounds")[1];
    for (const part of [
      `${maxBodyBytes / 2 ** 20} MiB`,
      `nested ${maxJsonDepth} deep`,
      `| ${maxHeaderBytes / 1024} KiB, ${maxHeaders} of them |`,
      `| ${times.headersMs / 1000} s, ${times.requestMs / 1000} s |`,
      `${maxRunsBytes / 2 ** 20} MiB; \`server.uploadMiB\``,
      `| ${times.uploadMs / 1000} s, and ${times.stallMs / 1000} s without a byte |`,
      `| ${times.idleMs / 1000} s | closed |`,
      `| ${times.stallMs / 1000} s | cut off |`,
      `| ${atWork.request}, and ${atWork.listing} lists, ${atWork.download} downloads, ${atWork.events} streams of events, ${atWork.upload} uploads`,
      `| ${times.connections} | 503, beyond ${times.connections * 1.25} not accepted |`,
      `${times.closeMs / 1000} s, and has ended within 10 s`,
    ]) {
      assert.ok(rows.replaceAll("\n", " ").includes(part), `docs/http.md lacks: ${part}`);
    }
  });

  it("sdk.md shows the example, and what it prints", async () => {
    const text = await page("sdk.md");
    const [, code] = /```ts\n(.*?)```/s.exec(text) ?? [];
    const example = await readFile(join(root, "examples", "sdk.ts"), "utf8");
    assert.equal(example.slice(example.indexOf("import ")), code);
    const [, commands, shown] = /```sh\n(.*?)```\n\n```text\n(.*?)\n```/s.exec(text) ?? [];
    assertShown(await run(commands), shown);
  });
});
