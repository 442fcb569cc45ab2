// The Containerfile and the Apptainer definitions say the same, and name what is there: they are built seldom.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const containerfile = read("deploy/Containerfile").replaceAll("\\\n", " ");
const definitions = globSync("deploy/*.def", { cwd: root }).sort();

/** Lines of the sections of one name, in all stages. */
function section(text: string, name: string): string[] {
  return text
    .split(/^(?=%|Bootstrap:)/m)
    .filter((part) => part.startsWith(`%${name}\n`))
    .flatMap((part) => part.split("\n").slice(1))
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Debian packages that each stage installs. */
function packages(text: string): string[] {
  return [...text.matchAll(/debian\.sh ([^&\n]+?) *(?:&&|$)/gm)].map(([, names]) =>
    names.split(/\s+/).sort().join(" "),
  );
}

function images(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^(?:ARG |\s+)(\w+_IMAGE)=(\S+)$/gm)].map(([, name, image]) => [name, image]),
  );
}

describe("deploy/Containerfile", () => {
  const sources = [...containerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
    paths.split(/\s+/),
  );

  it("copies what is there and what the builders are given", () => {
    assert.ok(sources.length > 10);
    const given = read(".containerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    for (const source of sources) {
      assert.ok(existsSync(join(root, source)), source);
      assert.ok(
        given.some(
          (each) => source === each || source.startsWith(`${each}/`) || each.startsWith(`${source}/`),
        ),
        `${source} is kept back by .containerignore`,
      );
    }
    assert.equal(read(".dockerignore"), read(".containerignore"));
  });

  it("has the Node of the checkout", () => {
    const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: { node: string } };
    assert.ok(images(containerfile).get("NODE_IMAGE")?.includes(`:${devDependencies.node}-`));
  });
});

for (const definition of definitions) {
  describe(definition, () => {
    const text = read(definition);

    it("copies what is there", () => {
      const sources = section(text, "files").map((line) => line.split(/\s+/)[0]);
      assert.ok(sources.length > 1);
      for (const source of sources) assert.ok(existsSync(join(root, source)), source);
    });

    it("has the bases of the Containerfile", () => {
      const bases = images(text);
      assert.ok(bases.size > 0);
      for (const [name, image] of bases) assert.equal(image, images(containerfile).get(name));
    });

    it("has the packages of the Containerfile", () => {
      const installed = packages(text);
      assert.ok(installed.length > 1);
      for (const names of installed) assert.ok(packages(containerfile).includes(names), names);
    });

    it("says what it is, how it is used and tested", () => {
      for (const name of ["help", "labels", "test", "runscript"]) {
        assert.notDeepEqual(section(text, name), [], name);
      }
    });
  });
}

it("scripts can be run", () => {
  for (const path of globSync("deploy/**/*.sh", { cwd: root, exclude: [".venv", "deploy/.venv"] })) {
    assert.ok(statSync(join(root, path)).mode & 0o100, `${dirname(path)}: ${path}`);
  }
});
