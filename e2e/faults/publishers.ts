// Several processes publish different and equal keys into one data directory; everything that was acknowledged is there.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCatalogue } from "../../packages/driftline/src/catalogue/catalogue.ts";
import { finish } from "../support.ts";
import type { Acknowledged } from "./crowdMember.ts";

/** Says in one line what was done. */
export async function publishTogether(
  directory: string,
  { processes, seconds }: { processes: number; seconds: number },
): Promise<string> {
  const dataDirectory = join(directory, "data");
  const program = fileURLToPath(new URL("./crowdMember.ts", import.meta.url));
  const children = Array.from({ length: processes }, (_, i) =>
    spawn(process.execPath, [program, dataDirectory, String(i), String(seconds)]),
  );
  const ended = children.map(finish);
  // All of them open the new data directory at once, and begin to publish together.
  await Promise.all(children.map(({ stdout }) => once(stdout, "data")));
  for (const { stdin } of children) stdin.write("go\n");
  const deadline = setTimeout(
    () => {
      for (const child of children) child.kill("SIGKILL");
    },
    (seconds + 60) * 1000,
  );
  const runs = await Promise.all(ended);
  clearTimeout(deadline);
  const acknowledged: Acknowledged[] = [];
  for (const { code, stdout, stderr } of runs) {
    assert.equal(code, 0, `a publisher ended with ${code}: ${stderr}`);
    assert.equal(stderr, "");
    const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
    acknowledged.push(...lines.map((line) => JSON.parse(line) as Acknowledged));
  }

  const catalogue = await openCatalogue(dataDirectory);
  try {
    const bundles = [...new Set(acknowledged.map(({ bundle }) => bundle))].sort();
    const models = await Array.fromAsync(catalogue.models());
    assert.deepEqual(models.map(({ bundle }) => bundle).sort(), bundles);
    const bindings = await catalogue.database.db.selectFrom("bindings").select("bundle").execute();
    assert.deepEqual(bindings.map(({ bundle }) => bundle).sort(), bundles, "each bundle is bound once");
    const servants = Map.groupBy(
      models.filter(({ serving }) => serving),
      ({ key }) => key,
    );
    for (const [key, sent] of Map.groupBy(acknowledged, (each) => each.key)) {
      const serving = servants.get(key) ?? [];
      assert.equal(serving.length, 1, `${serving.length} models serve ${key}`);
      assert.ok(sent.some(({ bundle }) => bundle === serving[0].bundle));
    }
    assert.deepEqual((await catalogue.verifyAll()).findings, []);
    const slowest = Math.max(...acknowledged.map(({ ms }) => ms));
    return (
      `${processes} processes, ${seconds} s: ${acknowledged.length} publications of ${bundles.length} bundles ` +
      `for ${servants.size} keys; the slowest took ${slowest.toFixed(0)} ms`
    );
  } finally {
    await catalogue.close();
  }
}
