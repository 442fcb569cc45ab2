// Asks a server for a model, keeps it by digest, and generates responses. docs/sdk.md shows and explains it.

import { bundleCache, connect, describeOutside, loadGenerator } from "@driftline/client";

const driftline = connect(process.env.DRIFTLINE_URL ?? "http://127.0.0.1:8080");
const answer = await driftline.resolve("mpd.tpc", { conditions: { drift_velocity: "5.50 cm/us" } });
if (!answer.found) throw new Error(answer.reason);
console.log(`${answer.match} match for ${answer.question.key.slice(0, 11)}`);

// Downloaded and checked once; after that the cache needs no server.
const directory = await bundleCache(".cache/bundles").get(driftline, answer.model.bundle);
const generator = await loadGenerator(directory, { digest: answer.model.bundle });
const columns = generator.manifest.signature.inputs[0].columns ?? [];
console.log(`inputs: ${columns.map(({ name, unit }) => `${name} [${unit}]`).join(", ")}`);

// 1,000 tracks that cross the row at 10 degrees, at a dip of 30 degrees.
const rows = 1000;
const track = [10, 30, 150, 34.5, 12, 0.8];
const features = Float32Array.from({ length: rows * track.length }, (_, i) => track[i % track.length]);
const responses = await generator.generate({
  features,
  rows,
  seed: 1,
  onOutside: (outside) => console.warn(describeOutside(outside)),
});
console.log(`${rows} responses of ${generator.outputShape.join(" × ")}: ${responses.length} values`);
await generator.close();
await driftline.close();
