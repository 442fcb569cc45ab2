// Where workers and shipped files are, in a checkout and in an installed package.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { shippedPath } from "./shippedPath.ts";
import { workerUrl } from "./workerUrl.ts";

it("finds a worker beside its module, compiled or not", () => {
  assert.equal(workerUrl("file:///a/src/tpc.ts", "./tpc.worker.ts").href, "file:///a/src/tpc.worker.ts");
  assert.equal(workerUrl("file:///a/dist/tpc.js", "./tpc.worker.ts").href, "file:///a/dist/tpc.worker.js");
});

it("finds the families and the trainer", () => {
  assert.ok(existsSync(join(shippedPath("families"), "mpd.tpc", "family.yaml")));
  assert.ok(existsSync(join(shippedPath("trainer"), "requirements.lock")));
});
