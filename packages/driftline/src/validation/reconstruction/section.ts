// The section of the report about reconstructed tracks: how many, the resolutions, the biases, and what is missing.

import { escapeHtml } from "../../plotting/panel.ts";
import { figure, grid, interval, legend, section, table } from "../reportParts.ts";
import type { ReconstructionFigure } from "./figures.ts";
import { biasPlot, resolutionPlot } from "./resolutionPlots.ts";
import { trackQuantities } from "./sampleTracks.ts";
import type { Reconstruction } from "./validateReconstruction.ts";
import { isGated, limitsOf, ratioInterval } from "./verdict.ts";

export function reconstructionSections(reconstruction: Reconstruction): string[] {
  const { tracks, figures, limits, notes, outside, seconds } = reconstruction;
  const said = [
    ...notes,
    ...(tracks
      ? [
          `${tracks.used} helices (of ${tracks.drawn} drawn) through ${tracks.crossings} pad rows; the same tracks with responses of the simulator and of the model, ${seconds.toFixed(1)} s.`,
          `Each side was drawn twice. Fitted: ${tracks.fitted.simulator} of the simulator, ${tracks.fitted.model} of the model; hits found: ${tracks.hits.simulator} and ${tracks.hits.model}.`,
          outside.length === 0
            ? "All ratios are within the limits."
            : `Ratios outside the limits, whatever their intervals: ${outside.join("; ")}.`,
        ]
      : []),
  ];
  const key = legend(["simulator", "truth"], ["model", "generated"]);
  const intro = section("Reconstruction", "", said.map((line) => `<p>${escapeHtml(line)}</p>`).join(""));
  const ofTracks = figures.filter(({ quantity }) => quantity in trackQuantities);
  const ofHits = figures.filter(({ quantity }) => !(quantity in trackQuantities));
  const against = (by: string) => groups(ofTracks.filter((figure) => figure.by === by));
  const resolutions = ["pT", "|dip|"]
    .flatMap(against)
    .map((group) => resolutionPlot(group, limitsOf(group[0], limits)));
  const biases = against("pT").map(biasPlot);
  const plots = section(
    "Resolution of tracks",
    "Standard deviation of the central 90 % of the differences from the truth, as that of a Gaussian. Below, the ratio with its 95 % interval; rings: the simulator's second draw over its first.",
    `${grid(resolutions)}<h3>Bias</h3>${grid(biases)}`,
    key,
  );
  return [
    intro,
    ...(tracks ? [plots] : []),
    section(
      "Ratios, model over simulator",
      "Every quantity in every bin; intervals are 95 % each, by the bootstrap over tracks. Means of cluster widths and charges, resolutions of all else.",
      ratiosTable([...ofTracks, ...ofHits]),
    ),
  ];
}

/** By quantity. */
function groups(figures: ReconstructionFigure[]): ReconstructionFigure[][] {
  return [...Map.groupBy(figures, ({ quantity }) => quantity).values()];
}

function ratiosTable(figures: ReconstructionFigure[]): string {
  return table(
    ["", "bin", "tracks", "simulator", "model", "ratio", "interval", "floor", "shift / width", ""],
    figures.map((of) => {
      const side = of.statistic === "mean" ? "mean" : "width";
      return [
        escapeHtml(`${of.label} / ${of.unit}`),
        escapeHtml(of.bin),
        String(of.tracks),
        figure(of.simulator[side]),
        figure(of.model[side]),
        figure(of.ratio),
        interval(ratioInterval(of)),
        figure(of.floor),
        `${figure(of.shift / of.simulator.width)} ± ${figure(of.shiftError / of.simulator.width)}`,
        isGated(of) ? "" : "too few tracks: not gated",
      ];
    }),
  );
}
