// Command of the Python client's tests: a sample of the TypeScript SDK, and its noise.
//
//     node generate.ts < {"bundle", "features", "seed", "events", "rows"}     float32 responses
//     node generate.ts noise SEED FIRST_EVENT EVENTS WIDTH                    float32 normals
//
// Events are decimal texts; the values come raw, little-endian.

import { text } from "node:stream/consumers";
import { loadGenerator } from "@driftline/client";
import { latents } from "@driftline/client/noise";

function print(values: Float32Array): void {
  process.stdout.write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

if (process.argv[2] === "noise") {
  const [seed, first, count, width] = process.argv.slice(3).map(Number);
  print(
    latents(
      seed,
      BigInt64Array.from({ length: count }, (_, i) => BigInt(first + i)),
      3,
      width,
    ),
  );
} else {
  const { bundle, features, seed, events, rows } = JSON.parse(await text(process.stdin)) as {
    bundle: string;
    features: number[][];
    seed: number;
    events: string[];
    rows: number[];
  };
  const generator = await loadGenerator(bundle);
  print(
    await generator.generate({
      features: Float32Array.from(features.flat()),
      rows: features.length,
      seed,
      events: BigInt64Array.from(events, BigInt),
      eventRows: Uint32Array.from(rows),
      onOutside: () => {},
    }),
  );
  await generator.close();
}
