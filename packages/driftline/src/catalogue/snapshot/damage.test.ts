// Damage to a snapshot: every byte of every part that an answer needs, flipped or cut off, gives a named error or the right answer.

import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Resolution } from "@driftline/client/api";
import { DriftlineError } from "@driftline/client/error";
import { connectSnapshot } from "@driftline/client/snapshot/connectSnapshot";
import { blobPath, lineBytes } from "@driftline/client/snapshot/format";
import { verifySnapshot } from "@driftline/client/snapshot/verifySnapshot";
import { ask, makeBundle, scratchCatalogue, scratchDirectory } from "../testing.ts";
import { publishTest, whileChanged } from "./testing.ts";

const near = { conditions: { drift_velocity: "5.52" }, accept: "compatible" as const };

test("a flipped bit or a cut end is an error with a name, never another model", {
  timeout: 120_000,
}, async (t) => {
  const catalogue = await scratchCatalogue(t);
  const domain: Record<string, [number, number]> = { drift_velocity: [5.45, 5.55] };
  const bundle = makeBundle(ask(), { domain });
  for (const each of [bundle, makeBundle(ask({ drift_velocity: "6" })), makeBundle(ask({ gas: "P10" }))]) {
    await catalogue.publish({ ...each, reason: "test" });
  }
  const directory = await scratchDirectory(t);
  await publishTest(catalogue, directory);
  const { digest, root } = await connectSnapshot(directory);
  const [{ family, index, models }] = root.families;
  const blob = (sha256: string) => blobPath(directory, sha256);
  const parts = {
    pointer: join(directory, "snapshot.json"),
    root: blob(digest),
    family: blob(family.sha256),
    index: blob(index.sha256),
    models: blob(models.sha256),
    "bundle.json": blob(bundle.digest),
  };

  const answers = async (): Promise<Resolution[]> => {
    const reader = await connectSnapshot(directory);
    return [await reader.resolve("test.tpc", {}), await reader.resolve("test.tpc", near)];
  };
  const right = await answers();
  assert.deepEqual(
    right.map((answer) => answer.found && [answer.match, answer.model.bundle]),
    [
      ["exact", bundle.digest],
      ["compatible", bundle.digest],
    ],
  );

  /** Says whether an error came; a wrong answer or an error without a name fails the test. */
  const errorCame = async (what: string): Promise<boolean> => {
    try {
      assert.deepEqual(await answers(), right, what);
      return false;
    } catch (error) {
      assert.ok(error instanceof DriftlineError, `${what}: ${(error as Error).stack}`);
      // A pointer of another version says so.
      const wanted = what.startsWith("pointer") ? ["damaged", "usage"] : ["damaged"];
      assert.ok(wanted.includes(error.code), `${what}: ${error.code}`);
      return true;
    }
  };

  for (const [part, path] of Object.entries(parts)) {
    const { size } = await stat(path);
    // Every byte of the smaller parts, in turns each of its bits; every 7th of the larger.
    for (let at = 0; at < size; at += size > 600 ? 7 : 1) {
      const flip = (bytes: Buffer) => {
        bytes[at] ^= 1 << (at % 8);
        return bytes;
      };
      await whileChanged(path, flip, async () => {
        const came = await errorCame(`${part}, byte ${at}`);
        // White space at the end of the pointer is no content.
        assert.ok(came || (part === "pointer" && at === size - 1), `${part}, byte ${at}: no error`);
      });
    }
    for (const keep of [0, 1, lineBytes, Math.floor(size / 2), size - 2]) {
      await whileChanged(
        path,
        (bytes) => bytes.subarray(0, Math.min(keep, size - 2)),
        async () => assert.ok(await errorCame(`${part}, cut to ${keep}`)),
      );
    }
  }
  assert.deepEqual(await answers(), right);
});

test("files of a bundle are checked when they are read, and all that is damaged is named", async (t) => {
  const catalogue = await scratchCatalogue(t);
  const bundle = makeBundle(ask(), { files: { "model.onnx": Buffer.alloc(600_000, 7) } });
  await catalogue.publish({ ...bundle, reason: "test" });
  const directory = await scratchDirectory(t);
  await publishTest(catalogue, directory);
  const reader = await connectSnapshot(directory);
  const read = async () => new Response(await reader.file(bundle.digest, "model.onnx")).arrayBuffer();
  assert.equal((await read()).byteLength, 600_000);
  const { files } = JSON.parse(new TextDecoder().decode(bundle.manifest)) as {
    files: { path: string; sha256: string }[];
  };
  const path = blobPath(directory, files.find((file) => file.path === "model.onnx")!.sha256);
  for (const at of [0, 300_000, 599_999]) {
    const flip = (bytes: Buffer) => {
      bytes[at] ^= 16;
      return bytes;
    };
    await whileChanged(path, flip, async () => {
      await assert.rejects(read(), { code: "damaged" });
      const { findings } = await verifySnapshot(directory);
      assert.equal(findings.length, 1);
      assert.match(findings[0], /model\.onnx/);
    });
  }
  await whileChanged(
    path,
    (bytes) => bytes.subarray(0, 599_999),
    async () => assert.rejects(read(), { code: "damaged", message: /it has 599999 bytes, not 600000/ }),
  );
});

test("a snapshot of no format, none at all, and one of a newer format are told apart", async (t) => {
  const directory = await scratchDirectory(t);
  await assert.rejects(connectSnapshot(directory), { code: "usage", message: /it has no snapshot\.json/ });
  const pointer = join(directory, "snapshot.json");
  await writeFile(pointer, `{"format":"driftline-snapshot/2","root":"elsewhere"}`);
  await assert.rejects(connectSnapshot(directory), {
    code: "usage",
    message: /this reads driftline-snapshot\/1/,
  });
  await assert.rejects(publishTest(await scratchCatalogue(t), directory), { code: "usage" });
  for (const text of ["", "{", "[]", "null", `{"format":"driftline-snapshot/1"}`, "\0".repeat(80)]) {
    await writeFile(pointer, text);
    await assert.rejects(connectSnapshot(directory), { code: "damaged" }, text);
  }
});
