// A catalogue of any number of models of mpd.tpc, for benchmarks: records as publishing writes them, without blobs.

import type { openCatalogue } from "../packages/driftline/src/catalogue/catalogue.ts";
import type { BundleRow } from "../packages/driftline/src/catalogue/tables.ts";
import type { Question } from "../packages/driftline/src/family/family.ts";
import { loadFamily } from "../packages/driftline/src/family/loadFamily.ts";
import { canonicalQuestion } from "../packages/driftline/src/family/question.ts";

export const family = loadFamily(new URL("../families/mpd.tpc/family.yaml", import.meta.url).pathname);

/** Different conditions for each i below a million: a lattice in five of them, with steps beyond the tolerances. */
export function conditionsOf(i: number): Record<string, string> {
  return {
    drift_velocity: `${(300 + (i % 40) * 12) / 100} cm/us`,
    transverse_diffusion: `${50 + (Math.floor(i / 40) % 50) * 11}`,
    mip_amplitude: `${20 + (Math.floor(i / 2000) % 50) * 9}`,
    magnetic_field: Math.floor(i / 100_000) % 2 === 0 ? "0.5 T" : "0.4 T",
    ...(i >= 200_000 && { noise: `${Math.floor(i / 200_000)} ADC` }),
  };
}

/** The digest of the bundle for conditions i. */
export function digestOf(i: number): string {
  return i.toString(16).padStart(8, "0").repeat(8);
}

/** A row as publishing writes it. Resolution reads no blob, so the bundles have none. */
function rowOf(question: Question, i: number): BundleRow {
  const conditions: Record<string, object> = {};
  for (const condition of family.conditions) {
    if (condition.kind === "label") continue;
    const own = Number(question.conditions[condition.name]);
    const tolerance = Number(condition.tolerance);
    conditions[condition.name] = {
      low: own - tolerance,
      high: own + tolerance,
      unit: condition.unit,
      tested: true,
    };
  }
  const inputs = Object.fromEntries(
    family.inputs.map(({ name, low, high, unit }) => [name, { low, high, unit, tested: true }]),
  );
  return {
    digest: digestOf(i),
    key: question.key,
    recipe_hash: i.toString(16).padStart(64, "0"),
    family: family.name,
    family_version: family.version,
    data_source: "simulator",
    size: 1_000_000,
    created_at: new Date(1_700_000_000_000 + i).toISOString(),
    conditions_json: JSON.stringify(question.conditions),
    software_json: JSON.stringify(question.software),
    domain_json: JSON.stringify({ conditions, inputs }),
  };
}

export async function fill(
  catalogue: Awaited<ReturnType<typeof openCatalogue>>,
  models: number,
): Promise<void> {
  for (let first = 0; first < models; first += 500) {
    const rows = Array.from({ length: Math.min(500, models - first) }, (_, j) =>
      rowOf(canonicalQuestion(family, { conditions: conditionsOf(first + j) }), first + j),
    );
    await catalogue.database.write(async (trx) => {
      await trx.insertInto("bundles").values(rows).execute();
      const bindings = rows.map(({ key, digest, family: name, family_version, created_at }) => ({
        key,
        family: name,
        family_version,
        bundle: digest,
        action: "serve",
        reason: "benchmark",
        created_at,
      }));
      await trx.insertInto("bindings").values(bindings).execute();
    });
  }
}
