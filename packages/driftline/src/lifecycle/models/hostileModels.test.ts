// Models that are broken, wrong or hostile: the job fails in its training with a clear error, and nothing is published.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { scratchDirectory, scriptedTrainer } from "../../training/testing.ts";
import { makeTestJob } from "../testing.ts";

const here = new URL("./testdata/", import.meta.url);
const client = new URL("../../../../client/src/testing/", import.meta.url);
const good = readFileSync(new URL("tiny.onnx", client));
const reference = readFileSync(new URL("tiny.reference.safetensors", client));

const models: { what: string; model: Uint8Array; says: RegExp; field?: string }[] = [
  {
    what: "a loop without end",
    model: file("loop"),
    says: /no answer within 2 seconds/,
    field: "limits.modelSeconds",
  },
  {
    what: "gigabytes from a tiny file",
    model: file("huge"),
    says: /MiB of memory, of 400 allowed/,
    field: "limits.memoryMiB",
  },
  { what: "a custom operator", model: file("custom"), says: /evil:Leak/ },
  { what: "outputs that are no numbers", model: file("nan"), says: /an output is NaN/ },
  { what: "random outputs", model: file("random"), says: /the same inputs gave/ },
  { what: "other names", model: file("names"), says: /has inputs float32 .* family wants features/ },
  { what: "another shape", model: file("shape"), says: /response float32 \[batch, 16, 8\].* family wants/ },
  {
    what: "a million latent numbers",
    model: file("wide"),
    says: /latent float32 \[batch, 1000000\].*n to 4224/,
  },
  { what: "weights in another file", model: read(client, "external.onnx"), says: /"w" in another file/ },
  { what: "a truncated file", model: good.subarray(0, 1500), says: /not a plain ONNX file/ },
  { what: "no ONNX at all", model: Buffer.from("hello, world"), says: /not a plain ONNX file/ },
  { what: "an empty file", model: new Uint8Array(0), says: /not a usable generator/ },
];

function read(folder: URL, name: string): Uint8Array {
  return readFileSync(new URL(name, folder));
}
function file(name: string): Uint8Array {
  return read(here, `${name}.onnx`);
}
const bytes = (content: Uint8Array) => `bytes.fromhex("${Buffer.from(content).toString("hex")}")`;

/** Two seconds are enough to see that a loop has no end; for the others a busy machine may take its time. */
async function failed(t: TestContext, script: string, modelSeconds = 60) {
  const job = await makeTestJob(await scratchDirectory(t), { modelSeconds, memoryMiB: 400 });
  t.after(() => job.close());
  const ended = await job.run(await scriptedTrainer(t, script));
  assert.equal(ended.state, "failed");
  assert.equal(ended.error?.code, "trainer_failed");
  assert.ok(ended.error.remedy);
  assert.deepEqual(
    ended.stages.map(({ state }) => state),
    ["done", "failed", "waiting", "waiting", "waiting"],
  );
  assert.deepEqual(await Array.fromAsync(job.catalogue.models()), []);
  assert.deepEqual(job.processes(), []);
  assert.deepEqual(await readdir(job.directory), ["worker.log"], "no attempt is left");
  return ended.error;
}

for (const { what, model, says, field } of models) {
  test(`a model with ${what}`, async (t) => {
    const script = `finish(model=${bytes(model)}, reference=${bytes(reference)})`;
    const error = await failed(t, script, field === "limits.modelSeconds" ? 2 : 60);
    assert.match(error.detail, says);
    if (field) assert.equal(error.field, field);
  });
}

test("a signature that is not the model's", async (t) => {
  const inputs = [
    { name: "features", dtype: "float32", shape: ["batch", 6], unit: "" },
    { name: "latent", dtype: "float32", shape: ["batch", 5], unit: "1" },
  ];
  const outputs = [{ name: "response", dtype: "float32", shape: ["batch", 8, 16], unit: "ADC" }];
  const signature = JSON.stringify({ inputs, outputs });
  const files = `model=${bytes(good)}, reference=${bytes(reference)}`;
  const error = await failed(t, `finish(${files}, signature=json.loads('${signature}'))`);
  assert.match(error.detail, /latent float32 \[batch, 5\].*those of the model .*latent float32 \[batch, 4\]/);
});

test("a reference that is broken, empty, or not what the model gives", async (t) => {
  const changed = Buffer.from(reference);
  // The last number: the exponent's lowest bit.
  changed[changed.length - 2] ^= 0x80;
  for (const [content, says] of [
    [changed, /value 2047 is .* the model gives/],
    [reference.subarray(0, 200), /reference\.safetensors/],
    [Buffer.from("nonsense"), /reference\.safetensors/],
  ] as const) {
    const error = await failed(t, `finish(model=${bytes(good)}, reference=${bytes(content)})`);
    assert.match(error.detail, says);
  }
});
