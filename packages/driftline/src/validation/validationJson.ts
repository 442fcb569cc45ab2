// validation.json of a bundle: verdict, metrics and histograms; the member `histograms` is a file of the UHI schema.

import { type UhiHistogram, uhiHistogram, uhiProfile } from "../plotting/histogram.ts";
import type { ModelValidation } from "./validateModel.ts";

export interface ValidationJson {
  scheme: "driftline-validation/1";
  verdict: ModelValidation["verdict"];
  metrics: ModelValidation["metrics"];
  rows: ModelValidation["rows"];
  profiles: ModelValidation["profiles"];
  distances: ModelValidation["distances"];
  reconstruction: ModelValidation["reconstruction"];
  sizes: ModelValidation["sizes"];
  seconds: ModelValidation["seconds"];
  histograms: Record<string, UhiHistogram>;
}

/** Content of validation.json. Histograms of generated responses have the weight 1/draws a response. */
export function validationJson(validation: ModelValidation): ValidationJson {
  const { verdict, metrics, rows, profiles, distances, reconstruction, sizes, seconds, plots } = validation;
  const histograms: Record<string, UhiHistogram> = {};
  for (const sample of ["truth", "generated"] as const) {
    for (const distribution of plots.distributions) {
      const name = `${distribution.name}/${sample}`;
      histograms[name] = uhiHistogram(distribution[sample], name);
    }
    for (const { quantity, quantityLabel, feature, label, ...of } of plots.profiles) {
      const name = `${quantity}_against_${feature}/${sample}`;
      histograms[name] = uhiProfile({ ...of[sample], label }, name, quantityLabel);
    }
  }
  for (const { name, label, counts } of plots.ranks) {
    const axis = { label: `rank of the true ${label}`, low: -0.5, high: counts.length - 0.5 };
    const values = Float64Array.from([0, ...counts, 0]);
    const title = `${name}/rank`;
    histograms[title] = uhiHistogram({ ...axis, bins: counts.length, values, variances: values }, title);
  }
  return {
    scheme: "driftline-validation/1",
    verdict,
    metrics,
    rows,
    profiles,
    distances,
    reconstruction,
    sizes,
    seconds,
    histograms,
  };
}
