// The names of the metrics, what each means, and the figures of one comparison: truth against one generator.

export interface Metric {
  value: number;
  /** Central 95 % of the bootstrap over held-out events; null where it is not defined. */
  interval: [number, number] | null;
  /** The same figure for the model against itself: what a perfect model would show, noise alone. */
  floor: number | null;
  description: string;
}

/** Metrics that a family's policy may gate. */
export const gatedMetrics = {
  auc_all: "AUC of boosted trees that see everything: summaries, cells, row and column sums",
  auc_moments: "AUC of boosted trees that see the inputs and the summaries",
  auc_pixels: "AUC of boosted trees that see the inputs and the cells",
  profile_chi2: "χ² per term of the profiles of five moments against the inputs, bands mean ± σ",
  wasserstein: "Worst Wasserstein-1 distance of the summaries, over the true standard deviation",
  neighbour_ratio: "Median distance to the nearest training response, generated over true",
  rank_chi2: "Worst χ² per degree of freedom of the ranks of the true moments among generated draws",
} as const;
export type GatedMetric = keyof typeof gatedMetrics;

/** Metrics with fixed gates of their own: without them the others mean nothing. */
export const trustMetrics = {
  auc_control:
    "AUC of the same test for true responses with time profiles stretched by 10 %: it must see that",
  finite_fraction: "Share of generated amplitudes that are finite numbers",
} as const;

export const reportedMetrics = {
  wasserstein_sum:
    "Wasserstein-1 distance of the sum itself (its tail included), over the true standard deviation",
} as const;

/** Figures of truth against one generator; null where the comparison does not define them. */
export type Figures = Record<GatedMetric | "wasserstein_sum", number | null>;

export interface ComparisonRow {
  name: "model" | "itself" | "truth" | "baseline";
  description: string;
  figures: Figures;
}
