// The documentation is true: links lead somewhere, commands and files that it names exist, and nothing names a machine.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
const files = execFileSync("git", listed, { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const pages = files.filter((path) => path.endsWith(".md"));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const scripts = Object.keys((JSON.parse(read("package.json")) as { scripts: object }).scripts);

/** Line number of each match of `pattern`, with its groups. */
function* matches(text: string, pattern: RegExp): Generator<{ line: number; groups: string[] }> {
  for (const match of text.matchAll(pattern)) {
    yield { line: text.slice(0, match.index).split("\n").length, groups: match.slice(1) };
  }
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""));
}

/** The blocks of code, on their lines. */
function onlyCode(text: string): string {
  const outside = withoutCode(text).split("\n");
  return text
    .split("\n")
    .map((line, index) => (outside[index] === line ? "" : line))
    .join("\n");
}

/** GitHub's anchors: lower case, punctuation left out, blanks to hyphens. */
function anchors(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+\s+(.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}

/** `a/b{c,d}` stands for `a/bc` and `a/bd`. */
function expand(path: string): string[] {
  const brace = path.match(/^(.*)\{([^{}]*)\}(.*)$/);
  if (!brace) return [path];
  return brace[2].split(",").flatMap((each) => expand(`${brace[1]}${each}${brace[3]}`));
}

const topFolders = new Set(files.filter((path) => path.includes("/")).map((path) => path.split("/")[0]));
const folders = new Set<string>();
for (const path of files) {
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(folder);
}

/** Whether the path is a file or folder of the repository, or of the platform's sources, from where docs may name it short. */
function isThere(path: string): boolean {
  const bare = normalize(path).replace(/\/$/, "");
  return [bare, `packages/driftline/${bare}`, `packages/driftline/src/${bare}`].some(
    (each) => files.includes(each) || folders.has(each),
  );
}

for (const page of pages) {
  describe(page, () => {
    const text = read(page);

    it("has links that lead somewhere", () => {
      for (const { line, groups } of matches(withoutCode(text), /\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
        const [target] = groups;
        if (/^[a-z][a-z+.-]*:/i.test(target)) continue;
        const [path, anchor] = target.split("#");
        const file = path === "" ? page : normalize(join(dirname(page), path));
        assert.ok(path === "" || files.includes(file) || folders.has(file), `${page}:${line}: ${target}`);
        if (anchor && file.endsWith(".md")) {
          assert.ok(
            anchors(read(file)).includes(anchor),
            `${page}:${line}: ${target}: no heading of that name`,
          );
        }
      }
    });

    it("names npm scripts that exist", () => {
      for (const { line, groups } of matches(
        text,
        /\bnpm (?:run|run-script)(?: -s| --silent)? ([\w:.-]*\w)/g,
      )) {
        assert.ok(scripts.includes(groups[0]), `${page}:${line}: npm run ${groups[0]}`);
      }
    });

    it("names files that exist", () => {
      for (const { line, groups } of matches(withoutCode(text), /`([\w.@{},-]+(?:\/[\w.@{},-]+)+\/?)`/g)) {
        const [first] = groups[0].split("/");
        if (!topFolders.has(first) && first !== "src") continue;
        if (groups[0].includes("node_modules") || groups[0].includes(".venv")) continue;
        for (const path of expand(groups[0])) assert.ok(isThere(path), `${page}:${line}: ${path}`);
      }
    });
  });
}

describe("commands in the documentation", async () => {
  const { commands } = await import("../packages/driftline/src/cli/commands.ts");
  // In code: `driftline x` or `driftline data x`, or a line of a block that begins with it (after a prompt, npx or npm run).
  const start = String.raw`(?:npx |npm run (?:-s )?)?driftline (?:-- )?((?:data )?[a-z][\w-]*)`;
  for (const page of pages) {
    it(`${page} names those that exist`, () => {
      const text = read(page);
      const named = [
        ...matches(withoutCode(text), new RegExp(`\`${start}`, "g")),
        ...matches(onlyCode(text), new RegExp(String.raw`^\s*(?:\$ )?${start}`, "gm")),
      ];
      for (const { line, groups } of named) {
        assert.ok(groups[0] in commands, `${page}:${line}: driftline ${groups[0]}`);
      }
    });
  }
});

describe("tracked files", () => {
  // Written in pieces, so that this file does not name what it looks for.
  const machine = new RegExp(String.raw`(?<![\w./-])/(?:${["work", "root", "home"].join("|")})/[\w.-]+`);
  const registry = new RegExp(
    String.raw`https?://(?!registry\.npmjs\.org\b)[\w.-]*(?:${["artifactory", "nexus", "pypi-proxy", "npm-proxy", "verdaccio"].join("|")})[\w.-]*`,
  );
  const texts = files.filter(
    (path) =>
      /\.(?:md|ts|mjs|json|ya?ml|py|toml|sh|lock|html|svg)$|^\.ci\//.test(path) || !path.includes("."),
  );

  it("name no machine's folders", () => {
    for (const path of texts) {
      for (const { line, groups } of matches(read(path), new RegExp(`(${machine.source})`, "g"))) {
        assert.fail(`${path}:${line}: ${groups[0]}`);
      }
    }
  });

  it("name no registry but the public ones", () => {
    for (const path of texts) {
      for (const { line, groups } of matches(read(path), new RegExp(`(${registry.source})`, "g"))) {
        assert.fail(`${path}:${line}: ${groups[0]}`);
      }
    }
    const hosts = [...read("package-lock.json").matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(
      ([, host]) => host,
    );
    assert.deepEqual(
      hosts.filter((host) => host !== "registry.npmjs.org"),
      [],
    );
  });
});
