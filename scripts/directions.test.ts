// Imports point one way: each rule of biome.json is shown to bite, by planting the import that it forbids in a copy of the layout.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const platform = "packages/driftline/src";
const rooms = ["simulation", "streaming", "training", "validation", "catalogue", "inference"];

/** What each folder of the platform may not import from another. */
const forbidden: Record<string, string[]> = {
  cli: [],
  server: ["cli"],
  lifecycle: ["cli", "server"],
  ...Object.fromEntries(
    rooms.map((room) => [room, ["cli", "server", "lifecycle", ...rooms.filter((other) => other !== room)]]),
  ),
  family: ["cli", "server", "lifecycle", ...rooms],
  telemetry: ["cli", "server", "lifecycle", ...rooms, "family"],
  config: ["cli", "server", "lifecycle", ...rooms, "family", "telemetry"],
  plotting: ["cli", "server", "lifecycle", ...rooms, "family", "telemetry", "config"],
  errors: ["cli", "server", "lifecycle", ...rooms, "family", "telemetry", "config"],
};
const folders = Object.keys(forbidden);

interface Planted {
  path: string;
  line: string;
  rule: "noRestrictedImports" | "noImportCycles" | null;
}

/** All plants, each in a file of its own; biome then runs once. */
const plants: Planted[] = [];
function plant(folder: string, line: string, rule: Planted["rule"], suffix = ".ts"): void {
  plants.push({ path: `${folder}/planted-${plants.length}${suffix}`, line, rule });
}
const restricted = "noRestrictedImports";

for (const [folder, targets] of Object.entries(forbidden)) {
  for (const target of folders.filter((each) => each !== folder)) {
    plant(
      `${platform}/${folder}`,
      `import { a } from "../${target}/a.ts";\nexport const b = a;`,
      targets.includes(target) ? restricted : null,
    );
  }
  for (const target of targets.slice(0, 1)) {
    const at = `${platform}/${folder}`;
    plant(at, `import type { A } from "../${target}/a.ts";\nexport type B = A;`, restricted);
    plant(
      `${at}/deep/er`,
      `import { type A, a } from "../../../${target}/deep/a.ts";\nexport const b: A = a;`,
      restricted,
    );
    plant(at, `export * from "../${target}/a.ts";`, restricted);
    plant(at, `export type { A } from "../${target}/a.ts";`, restricted);
    plant(at, `export const b = await import("../${target}/a.ts");`, restricted);
    plant(at, `import "../${target}/a.ts";`, restricted);
    plant(at, `import { a } from "../${target}/a.ts";\nexport const b = a;`, null, ".test.ts");
  }
  for (const name of ["@driftline/rootio", "@driftline/rootio/tree", "@driftline/xrootd"]) {
    plant(
      `${platform}/${folder}`,
      `import type { A } from "${name}";\nexport type B = A;`,
      folder === "streaming" ? null : restricted,
    );
  }
  plant(
    `${platform}/${folder}`,
    `import { a } from "../../../rootio/src/a.ts";\nexport const b = a;`,
    folder === "streaming" ? null : restricted,
  );
  plant(
    `${platform}/${folder}`,
    `import { a } from "driftline/src/family/a.ts";\nexport const b = a;`,
    restricted,
  );
  plant(`${platform}/${folder}`, `import { a } from "@driftline/client/api";\nexport const b = a;`, null);
}
for (const library of ["client", "rootio", "xrootd"]) {
  const at = `packages/${library}/src`;
  plant(at, `import type { A } from "driftline";\nexport type B = A;`, restricted);
  plant(at, `import { a } from "driftline/src/family/a.ts";\nexport const b = a;`, restricted);
  plant(at, `import { a } from "../../driftline/src/family/a.ts";\nexport const b = a;`, restricted);
}
plant("packages/client/src", `import { a } from "@driftline/rootio";\nexport const b = a;`, restricted);
for (const free of ["bench", "e2e"]) {
  plant(
    free,
    `import { a } from "../packages/driftline/src/server/a.ts";\nexport const b = a;\nimport "driftline";`,
    null,
  );
}

const copy = mkdtempSync(join(tmpdir(), "driftline-directions-"));
after(() => rmSync(copy, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(copy, path)), { recursive: true });
  writeFileSync(join(copy, path), text);
}

interface Diagnostic {
  category: string;
  location: { path: string | { file: string } | null };
}

function biome(folder: string): Diagnostic[] {
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", "--colors=off"];
  const { stdout, stderr } = spawnSync(join(root, "node_modules", ".bin", "biome"), args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  const start = stdout.indexOf("{");
  assert.ok(start >= 0, `biome printed no report: ${stdout}${stderr}`);
  return (JSON.parse(stdout.slice(start)) as { diagnostics: Diagnostic[] }).diagnostics;
}

const found = new Map<string, string[]>();
before(() => {
  const config = JSON.parse(readFileSync(join(root, "biome.json"), "utf8")) as Record<string, unknown>;
  // The copy is no git checkout; everything else is as in the repository.
  writeFileSync(
    join(copy, "biome.json"),
    JSON.stringify({ ...config, $schema: undefined, vcs: { enabled: false } }),
  );
  for (const { path, line } of plants) write(path, `${line}\n`);
  write(`${platform}/family/one.ts`, `import type { Two } from "./two.ts";\nexport type One = Two | 1;\n`);
  write(`${platform}/family/two.ts`, `import type { One } from "./one.ts";\nexport type Two = One | 2;\n`);
  for (const { category, location } of biome(copy)) {
    const path = typeof location.path === "string" ? location.path : location.path?.file;
    if (path) found.set(path, [...(found.get(path) ?? []), category]);
  }
});

describe("a planted import", () => {
  for (const { path, line, rule } of plants) {
    const [shown] = line.split("\n");
    it(`${dirname(path)}${path.endsWith(".test.ts") ? " (a test)" : ""}: ${shown} is ${rule ? "refused" : "allowed"}`, () => {
      // Two patterns may refuse the same line.
      const categories = [...new Set(found.get(path) ?? [])].filter((each) => each.includes(restricted));
      assert.deepEqual(categories, rule === null ? [] : [`lint/style/${rule}`]);
    });
  }
});

it("finds a cycle that is made of types alone", () => {
  for (const file of ["one.ts", "two.ts"]) {
    assert.ok(found.get(`${platform}/family/${file}`)?.includes("lint/suspicious/noImportCycles"), file);
  }
});

it("has a rule for every folder of the platform", () => {
  const there = readdirSync(join(root, platform), { withFileTypes: true });
  for (const entry of there.filter((each) => each.isDirectory())) {
    assert.ok(
      folders.includes(entry.name),
      `biome.json and this test must say what ${platform}/${entry.name} may import`,
    );
  }
});

it("has no import in the place of a type, which the linter does not see", () => {
  for (const path of globSync("packages/*/src/**/*.ts", { cwd: root })) {
    if (path.endsWith(".test.ts")) continue;
    const text = readFileSync(join(root, path), "utf8");
    const hit = text.match(/typeof import\(|\bimport\(\s*"[^"]*"\s*\)\s*\.(?!then\b|catch\b|finally\b)/);
    assert.equal(hit, null, `${path}: write \`import type\` in place of ${hit?.[0]}`);
  }
});
