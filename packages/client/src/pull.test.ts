// Pulling: all of a bundle or nothing, whatever the catalogue sends; a cache that processes share.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Driftline, Model } from "./api.ts";
import { bundleCache } from "./cache.ts";
import { pull } from "./pull.ts";
import { rejection } from "./testing/contract.ts";
import { writeTinyBundle } from "./testing/tinyBundle.ts";
import { verifyBundle } from "./verify.ts";

let root: string;
let digest: string;
let catalogue: Driftline;
let requests: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "driftline-pull-"));
  ({ digest } = await writeTinyBundle(join(root, "published")));
  requests = [];
  catalogue = catalogueOf(join(root, "published"));
});
afterEach(() => rm(root, { recursive: true }));

/** The parts of a catalogue that pulling uses, over a bundle on disk. */
function catalogueOf(directory: string): Driftline {
  const part: Pick<Driftline, "model" | "manifest" | "file"> = {
    async model(prefix) {
      requests.push(`model ${prefix}`);
      return { bundle: digest } as Model;
    },
    async manifest() {
      requests.push("bundle.json");
      return readFile(join(directory, "bundle.json"));
    },
    async file(_, path) {
      requests.push(path);
      return ReadableStream.from(createReadStream(join(directory, path)));
    },
  };
  return part as Driftline;
}

const visible = async () => (await readdir(root)).sort();

describe("pull", () => {
  it("writes the bundle as others may read it, and again asks for nothing", async () => {
    const target = join(root, "deep", "er", "bundle");
    const pulled = await pull(catalogue, digest, target);
    assert.equal(pulled.digest, digest);
    assert.equal((await verifyBundle(target)).digest, digest);
    assert.deepEqual(await readdir(join(target, "..")), ["bundle"]);
    assert.equal((await stat(target)).mode & 0o777, 0o777 & ~process.umask());
    assert.equal(requests.length, 5);
    await pull(catalogue, digest, target);
    assert.equal(requests.length, 5);
    await pull(catalogue, digest.slice(0, 8), target);
    assert.deepEqual(requests.slice(5), [`model ${digest.slice(0, 8)}`]);
  });

  it("makes folders that paths in the bundle name", async () => {
    const other = join(root, "folders");
    const files = { "plots/moments/mean.svg": new TextEncoder().encode("<svg/>") };
    ({ digest } = await writeNested(other, files));
    await pull(catalogueOf(other), digest, join(root, "bundle"));
    assert.equal((await verifyBundle(join(root, "bundle"))).digest, digest);
  });

  async function writeNested(directory: string, files: Record<string, Uint8Array>) {
    await mkdir(join(directory, "plots", "moments"), { recursive: true });
    return writeTinyBundle(directory, { files });
  }

  it("takes an empty directory, and leaves alone one with something else in it", async () => {
    await mkdir(join(root, "empty"));
    await pull(catalogue, digest, join(root, "empty"));
    await mkdir(join(root, "full"));
    await writeFile(join(root, "full", "thesis.tex"), "");
    const full = await rejection(pull(catalogue, digest, join(root, "full")));
    assert.equal(full.code, "usage");
    assert.equal(full.field, "directory");
    assert.deepEqual(await readdir(join(root, "full")), ["thesis.tex"]);
    await writeFile(join(root, "file"), "");
    assert.equal((await rejection(pull(catalogue, digest, join(root, "file")))).code, "usage");
    const other = await writeTinyBundle(join(root, "other"), {
      change: (manifest) => {
        manifest.recipe = { seed: 2 };
      },
    });
    const occupied = await rejection(pull(catalogue, digest, join(root, "other")));
    assert.match(occupied.message, new RegExp(`already: bundle ${other.digest}`));
  });

  it("says that a bundle which is there is damaged", async () => {
    const target = join(root, "bundle");
    await pull(catalogue, digest, target);
    await writeFile(join(target, "card.md"), "changed");
    assert.equal((await rejection(pull(catalogue, digest, target))).code, "damaged");
  });

  const bytes = (...pieces: (string | Error)[]) =>
    ReadableStream.from<Uint8Array>(
      (async function* () {
        for (const piece of pieces) {
          if (piece instanceof Error) throw piece;
          yield Buffer.from(piece);
        }
      })(),
    );
  const card = "# A tiny generator, good for tests only\n";
  const wrong: Record<string, [() => ReadableStream<Uint8Array>, RegExp]> = {
    "other bytes": [() => bytes(card.toUpperCase()), /card\.md: expected SHA-256 .*, found SHA-256/],
    "too few bytes": [() => bytes(card.slice(1)), /expected 40 bytes, found 39 bytes/],
    "too many bytes": [() => bytes(card, card, card), /expected 40 bytes, found more/],
    "a lost connection": [() => bytes(card.slice(20), new Error("reset")), /found 20 and then reset/],
  };
  for (const [what, [stream, message]] of Object.entries(wrong)) {
    it(`leaves nothing behind after ${what}`, async () => {
      const { file } = catalogue;
      catalogue.file = async (id, path) => (path === "card.md" ? stream() : file(id, path));
      const error = await rejection(pull(catalogue, digest, join(root, "bundle")));
      assert.equal(error.code, "damaged");
      assert.equal(error.field, "card.md");
      assert.match(error.message, message);
      assert.deepEqual(await visible(), ["published"]);
    });
  }

  it("checks the manifest before it asks for files", async () => {
    catalogue.manifest = async () => Buffer.from("{}");
    const error = await rejection(pull(catalogue, digest, join(root, "bundle")));
    assert.equal(error.code, "damaged");
    assert.equal(error.field, "bundle.json");
    assert.deepEqual(requests, []);
    assert.deepEqual(await visible(), ["published"]);
  });
});

describe("the cache", () => {
  it("asks the catalogue once, and gives the same directory", async () => {
    const cache = bundleCache(join(root, "cache"));
    const path = await cache.get(catalogue, digest);
    assert.equal(path, join(root, "cache", digest));
    const asked = requests.length;
    assert.equal(await cache.get(catalogue, digest), path);
    assert.equal(requests.length, asked);
  });

  it("replaces a bundle that was damaged on disk, and gives up on a damaged catalogue", async () => {
    const cache = bundleCache(join(root, "cache"));
    const path = await cache.get(catalogue, digest);
    await chmod(join(path, "model.onnx"), 0o644);
    await writeFile(join(path, "model.onnx"), "garbage");
    await cache.get(catalogue, digest);
    await verifyBundle(path);
    await writeFile(join(path, "bundle.json"), "garbage");
    await cache.get(catalogue, digest);
    await verifyBundle(path);
    assert.deepEqual(await readdir(join(root, "cache")), [digest]);
    await writeFile(join(root, "published", "card.md"), card());
    await rm(path, { recursive: true });
    assert.equal((await rejection(cache.get(catalogue, digest))).code, "damaged");
    assert.deepEqual(await readdir(join(root, "cache")), []);
  });

  const card = () => "x".repeat(40);

  it("is filled by several processes at once", async () => {
    const program = `
      import { createReadStream } from "node:fs";
      import { readFile } from "node:fs/promises";
      import { bundleCache } from ${JSON.stringify(new URL("./cache.ts", import.meta.url).href)};
      import { loadGenerator } from ${JSON.stringify(new URL("./generator.ts", import.meta.url).href)};
      const [published, cache, digest] = process.argv.slice(1);
      const catalogue = {
        manifest: () => readFile(published + "/bundle.json"),
        file: async (_, path) => ReadableStream.from(createReadStream(published + "/" + path)),
      };
      for (let i = 0; i < 8; i++) await bundleCache(cache + i).get(catalogue, digest);
      const generator = await loadGenerator(await bundleCache(cache + 0).get(catalogue, digest));
      await generator.close();
    `;
    const run = () =>
      new Promise<string>((resolve) => {
        const words = [join(root, "published"), join(root, "cache"), digest];
        const child = spawn(process.execPath, ["--input-type=module", "-e", program, ...words]);
        let errors = "";
        child.stderr.on("data", (text) => {
          errors += text;
        });
        child.once("close", (code) => resolve(code === 0 ? "" : errors));
      });
    assert.deepEqual(await Promise.all([run(), run(), run()]), ["", "", ""]);
    for (let i = 0; i < 8; i++) assert.deepEqual(await readdir(join(root, `cache${i}`)), [digest]);
  });
});
