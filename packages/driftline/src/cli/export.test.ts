// driftline export: from a directory, a digest and a family; what is wrong with the words is said before anything is made.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Problem } from "@driftline/client/api";
import { writeTinyBundle } from "@driftline/client/testing/tinyBundle";
import { findCompiler } from "../inference/compile/cCompiler.ts";
import { startTestServer } from "../server/testServer.ts";
import { captured } from "./testing.ts";

const directory = mkdtempSync(join(tmpdir(), "driftline-export-test-"));
after(() => rmSync(directory, { recursive: true }));
const skip = (await findCompiler()) === null ? "there is no C compiler" : false;
const bundle = join(directory, "bundle");
const { digest } = await writeTinyBundle(bundle);

test("a bundle's directory", { skip }, async () => {
  const out = join(directory, "from-directory");
  const { code, stdout } = await captured(["export", bundle, "--target", "c", "--out", out]);
  assert.equal(code, 0, stdout);
  assert.match(
    stdout,
    new RegExp(`^Exported ${digest.slice(0, 16)} .test.tiny.; it gives its reference outputs`),
  );
  assert.deepEqual(readdirSync(out).sort(), ["test_tiny.c", "test_tiny.h"]);
  assert.ok(readFileSync(join(out, "test_tiny.h"), "utf8").includes(`"${digest}"`));
});

test("a digest and a family of a server", { skip }, async () => {
  const server = await startTestServer();
  try {
    const published = server.memory.bundle;
    for (const [i, name] of [published.slice(0, 10), "test.tiny"].entries()) {
      const out = join(directory, `from-server-${i}`);
      const words = [
        "export",
        name,
        "--target",
        "so",
        "--out",
        out,
        "--name",
        "tiny",
        "--url",
        server.url,
        "--json",
      ];
      const { code, stdout } = await captured(words);
      assert.equal(code, 0, stdout);
      const exported = JSON.parse(stdout) as { bundle: string; files: string[] };
      assert.equal(exported.bundle, published);
      assert.deepEqual(exported.files, [join(out, "tiny.h"), join(out, "libtiny.so")]);
      assert.deepEqual(readdirSync(out).sort(), ["libtiny.so", "tiny.h"]);
    }
  } finally {
    await server.close();
  }
});

test("wrong words", async () => {
  const problem = async (...args: string[]) => {
    const { code: exit, stdout } = await captured(["export", ...args, "--json"]);
    const { code, field } = JSON.parse(stdout) as Problem;
    return { exit, code, field };
  };
  const out = join(directory, "nothing");
  const usage = (field: string) => ({ exit: 2, code: "usage", field });
  assert.deepEqual(await problem(bundle, "--out", out), usage("--target"));
  assert.deepEqual(await problem(bundle, "--out", out, "--target", "rust"), usage("--target"));
  assert.deepEqual(await problem(bundle, "--target", "c"), usage("--out"));
  for (const name of ["1st", "a-b", "int main", ""]) {
    assert.deepEqual(await problem(bundle, "--target", "c", "--out", out, "--name", name), usage("--name"));
  }
  const file = join(directory, "file");
  writeFileSync(file, "");
  assert.equal((await problem(file, "--target", "c", "--out", out)).code, "invalid_bundle");
  assert.ok(!existsSync(out));
});

test("a place that cannot be written to", { skip }, async () => {
  const file = join(directory, "in-the-way");
  writeFileSync(file, "");
  const { code, stderr } = await captured(["export", bundle, "--target", "c", "--out", join(file, "there")]);
  assert.equal(code, 2);
  assert.match(stderr, /--out .*a part of it is a file/);
});
