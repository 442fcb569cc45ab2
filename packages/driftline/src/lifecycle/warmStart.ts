// Where a training starts: the nearest published model whose weights fit its network, or why there is none.

import type { WarmStart } from "@driftline/client/api";
import { type BundleManifest, bundleManifest } from "@driftline/client/bundle";
import { tolerances } from "@driftline/client/resolution/gridSteps";
import { z } from "zod";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { DriftlineError } from "../errors/registry.ts";
import type { Family, Question } from "../family/family.ts";

/** The file of a bundle that another training can start from. */
export const weightsFile = "weights.safetensors";

/** Bundles that are looked into; they come in the order of their distance. */
const mostCandidates = 32;

const storedWeights = z.object({ file: z.string(), architecture: z.string() });

/** A refused model's fault may be its parent's: another try does not begin where that one did. */
export const coldRetry: WarmStart = {
  parent: null,
  distance: null,
  reason: "a retry starts from random weights",
};

/**
 * The nearest serving model of the same family, labels and software, by the catalogue's distance over conditions, whose
 * weights are stored undamaged and are of the architecture that the trainer would train. Of equally near ones the newest.
 * `architecture` is asked once there is a candidate; null where the trainer does not say.
 */
export async function chooseParent(
  catalogue: Pick<Catalogue, "nearest" | "manifest" | "blobs">,
  family: Family,
  question: Question,
  architecture: () => Promise<string | null>,
): Promise<WarmStart> {
  const near = await catalogue.nearest(question, family, mostCandidates);
  // Where a label or version differs there is no distance, and none along a condition without tolerance.
  const comparable = near.filter(({ distance }) => distance !== null && Number.isFinite(distance));
  const passedOver: string[] = [];
  for (const { bundle, distance } of comparable) {
    const unfit = await whyUnfit(catalogue, bundle, architecture);
    if (unfit === null) {
      const nearer = passedOver.length === 0 ? "" : `; nearer ones: ${counted(passedOver)}`;
      return { parent: bundle, distance, reason: `${tolerances(distance!)} away${nearer}` };
    }
    passedOver.push(unfit);
  }
  const reason =
    comparable.length === 0
      ? `no model of ${family.name} has the same labels and software and differs in conditions with a tolerance alone`
      : `no near model's weights fit: ${counted(passedOver)}`;
  return { parent: null, distance: null, reason };
}

/** Where the weights of a published bundle are stored; null where it keeps none. Throws `damaged`. */
export async function weightsOf(
  catalogue: Pick<Catalogue, "manifest">,
  bundle: string,
): Promise<{ sha256: string; architecture: string } | null> {
  const bytes = await catalogue.manifest(bundle);
  const manifest: BundleManifest = bundleManifest.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const stored = storedWeights.safeParse(manifest.provenance.weights);
  const file = manifest.files.find(({ path }) => path === stored.data?.file);
  return stored.success && file ? { sha256: file.sha256, architecture: stored.data.architecture } : null;
}

/** Where training starts, in words. */
export function startText({ parent, reason }: WarmStart): string {
  return parent === null
    ? `Training starts from random weights: ${reason}`
    : `Training starts from the weights of ${parent}, ${reason}`;
}

async function whyUnfit(
  catalogue: Pick<Catalogue, "manifest" | "blobs">,
  bundle: string,
  architecture: () => Promise<string | null>,
): Promise<string | null> {
  try {
    const weights = await weightsOf(catalogue, bundle);
    if (weights === null) return "without weights";
    const wanted = await architecture();
    if (wanted === null) return "not asked for, as the trainer names no architecture";
    if (weights.architecture !== wanted) return "of another architecture";
    await catalogue.blobs.verify(weights.sha256);
    return null;
  } catch (error) {
    if (error instanceof DriftlineError && error.code === "damaged") return "damaged";
    throw error;
  }
}

/** `2 without weights, 1 damaged`. */
function counted(words: string[]): string {
  return [...new Set(words)]
    .map((word) => `${words.filter((each) => each === word).length} ${word}`)
    .join(", ");
}
