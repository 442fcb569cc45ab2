// Where the files lie that ship with the platform (families, the trainer): at the root of a checkout, or inside the installed package.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/** The folder `families` or `trainer`. scripts/pack.mjs copies both into the published package. */
export function shippedPath(name: "families" | "trainer"): string {
  const published = join(packageRoot, name);
  return existsSync(published) ? published : join(packageRoot, "..", "..", name);
}
