// Command for the figures of the C++ client: the fixtures' snapshot with an index of many models, of which those that
// the fixtures have are there and the others are names alone.
//
//     node make_large_snapshot.ts FIXTURES OUT [MODELS]

import { hash } from "node:crypto";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { blobPath, type ModelsLine, type SnapshotRoot } from "@driftline/client/snapshot/format";

const [fixtures, out, models = "10000"] = process.argv.slice(2);
await cp(join(fixtures, "snapshot"), out, { recursive: true });

async function put(content: string) {
  const sha256 = hash("sha256", content);
  const path = blobPath(out, sha256);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return { sha256, size: Buffer.byteLength(content) };
}

const pointer = JSON.parse(await readFile(join(out, "snapshot.json"), "utf8"));
const root: SnapshotRoot = JSON.parse(await readFile(blobPath(out, pointer.sha256), "utf8"));
const entry = root.families.find(({ name }) => name === "test.tiny")!;
const [header, ...texts] = (await readFile(blobPath(out, entry.models.sha256), "utf8")).trimEnd().split("\n");
const lines: ModelsLine[] = texts.map((text) => JSON.parse(text));
for (let i = lines.length; i < Number(models); i++) {
  lines.push({ ...lines[0], key: `k1-${hash("sha256", `key ${i}`)}`, bundle: hash("sha256", `bundle ${i}`) });
}
lines.sort((a, b) => (a.key < b.key ? -1 : 1));
entry.count = lines.length;
entry.index = await put(
  lines.map(({ key, bundle, createdAt }) => `${key} ${bundle} ${createdAt}\n`).join(""),
);
const about = { ...JSON.parse(header), count: lines.length };
entry.models = await put([about, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));
const format = "driftline-snapshot/1";
await writeFile(
  join(out, "snapshot.json"),
  `${JSON.stringify({ format, ...(await put(JSON.stringify(root))) })}\n`,
);
