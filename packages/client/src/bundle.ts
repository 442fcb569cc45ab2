// The bundle format: bundle.json, model.onnx, reference.safetensors, validation.json, card.md; and its verification.

import { z } from "zod";
import { gateResult, range, verdict } from "./api.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");

export const tensorSpec = z.object({
  name: z.string(),
  dtype: z.enum(["float32", "float64", "int64", "int32", "uint8", "bool"]),
  /** "batch" for the free first dimension. */
  shape: z.array(z.union([z.number().int(), z.literal("batch")])),
  unit: z.string(),
  /** Names, units and covered range of the columns of a [batch, n] input. */
  columns: z
    .array(z.object({ name: z.string(), unit: z.string(), low: z.number(), high: z.number() }))
    .optional(),
});
export type TensorSpec = z.infer<typeof tensorSpec>;

export const bundleScheme = "driftline-bundle/1";

export const bundleManifest = z.object({
  scheme: z.literal(bundleScheme),
  key: z.string(),
  family: z.string(),
  familyVersion: z.number().int(),
  conditions: z.record(z.string(), z.string()),
  software: z.record(z.string(), z.string()),
  recipe: z.record(z.string(), z.unknown()),
  recipeHash: z.string(),
  signature: z.object({ inputs: z.array(tensorSpec), outputs: z.array(tensorSpec) }),
  domain: z.object({ conditions: z.record(z.string(), range), inputs: z.record(z.string(), range) }),
  /** How the domain was measured: every gate at every point of conditions. */
  domainGates: z.array(gateResult).optional(),
  /** Largest deviation from the reference outputs: |a-b| <= absolute + relative |b|. */
  tolerance: z.object({ absolute: z.number(), relative: z.number() }),
  provenance: z.record(z.string(), z.unknown()),
  verdict,
  files: z.array(z.object({ path: z.string(), size: z.number().int(), sha256: digest })),
});
export type BundleManifest = z.infer<typeof bundleManifest>;
