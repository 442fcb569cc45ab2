// The validation report: one HTML file that needs nothing else, readable on light and dark screens.

import type { GateResult } from "@driftline/client/api";
import { escapeHtml } from "../plotting/panel.ts";
import { refusals } from "./gates.ts";
import type { Figures } from "./metrics.ts";
import { distributionPlot, examplePlot, profilePlot, rankPlot } from "./plots.ts";
import { flatness } from "./ranks.ts";
import { reconstructionSections } from "./reconstruction/section.ts";
import { figure, grid, interval, legend, section, table } from "./reportParts.ts";
import { style } from "./reportStyle.ts";
import { moments } from "./summaries.ts";
import type { ModelValidation } from "./validateModel.ts";

/** What the report says about the model besides its figures. */
export interface ReportContext {
  /** Title of the family. */
  title: string;
  family: string;
  key: string;
  recipeHash: string;
  conditions: { name: string; value: string; unit: string }[];
  software: Record<string, string>;
  /** The trainer's model. */
  model: string;
  /** Digest of the bundle whose weights training started from. */
  parent: string | null;
  dataSource: string;
  /** Rows of the dataset. */
  rows: number;
}

/** The whole page. */
export function renderReport(validation: ModelValidation, context: ReportContext): string {
  const { verdict, plots, profiles } = validation;
  const failed = refusals(verdict);
  const sections = [
    `<header><p class="kind">Validation report · ${escapeHtml(context.family)}</p><h1>${escapeHtml(context.title)}</h1>
<p class="verdict ${verdict.passed ? "passed" : "refused"}"><strong>${verdict.passed ? "Passed" : "Refused"}</strong>
${verdict.passed ? `all ${verdict.gates.length} gates` : `${failed.length} of ${verdict.gates.length} gates failed`}</p>
${failed.length > 0 ? `<ul>${failed.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>` : ""}</header>`,
    section(
      "Gates",
      "Estimate against threshold; the interval is the central 95 % of the bootstrap.",
      gates(validation),
    ),
    section(
      "Floors and baseline",
      `What the same figures are where there is nothing to find, and for the simplest generator. Truth against truth: ${validation.sizes.truthFloor}.`,
      comparisonTable(validation),
    ),
    section(
      "Distributions",
      `Shaded with points: ${validation.sizes.heldOut} true responses. Line: ${validation.sizes.testDraws} generated ones at each of the same inputs, scaled down. Band about 1: error of the truth.`,
      grid(plots.distributions.map(distributionPlot)),
      legend(["true", "truth"], ["generated", "generated"]),
    ),
    section(
      "Profiles",
      "Mean (points true, line generated) and mean ± σ (band true, dashed generated). Pulls: open mean − σ, full mean + σ. χ²/term is below 1 for a perfect model, because both sides have the same inputs.",
      profileGroups(validation),
      legend(["true", "truth"], ["generated", "generated"]),
    ),
    section(
      "Responses at the same inputs",
      "Each column: one true response, two generated ones. Colour is logarithmic; empty cells are below the threshold.",
      grid(
        plots.examples.map((example) => {
          const inputs = example.inputs.map(
            ({ name, value, unit }) =>
              `${name.replaceAll("_", " ")} ${Number(value.toPrecision(4))}${unit === "1" ? "" : ` ${unit}`}`,
          );
          return `${examplePlot(example, plots)}<figcaption>${escapeHtml(inputs.join(", "))}</figcaption>`;
        }),
      ),
    ),
    section(
      "Calibration",
      "Rank of the true moment among generated draws at the same inputs. Flat within the band when the spread is right; ∪ too narrow, ∩ too wide, a slope is a bias.",
      grid(plots.ranks.map((rank) => rankPlot(rank, flatness(rank.counts)))),
    ),
    section("χ² per term", "Rows: moments; columns: inputs.", pairsTable(profiles)),
    ...(validation.reconstruction === null ? [] : reconstructionSections(validation.reconstruction)),
    section("Provenance", "", provenance(validation, context)),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(context.family)}: ${verdict.passed ? "passed" : "refused"}</title><style>${style}</style></head>
<body><main>${sections.join("\n")}</main></body></html>
`;
}

function gates({ verdict, metrics }: ModelValidation): string {
  const gated = verdict.gates.map((gate) => {
    const bounds = [
      gate.minimum === undefined ? "" : `≥ ${gate.minimum}`,
      gate.maximum === undefined ? "" : `≤ ${gate.maximum}`,
    ];
    const state = gate.passed ? '<span class="passed">passed</span>' : '<span class="refused">refused</span>';
    return [
      name(gate.metric, metrics[gate.metric]?.description ?? descriptionOf(gate)),
      figure(gate.value),
      interval(gate.interval),
      figure(gate.floor),
      bounds.filter(Boolean).join(", "),
      state,
    ];
  });
  const named = new Set(verdict.gates.map((gate) => gate.metric));
  const reported = Object.entries(metrics)
    .filter(([metric]) => !named.has(metric))
    .map(([metric, { value, interval: range, floor, description }]) => [
      name(metric, description),
      figure(value),
      interval(range),
      figure(floor),
      "",
      "reported",
    ]);
  return table(["metric", "value", "interval", "floor", "gate", ""], [...gated, ...reported]);
}

/** Of a gate whose value is that of its worst bin. */
function descriptionOf({ at }: GateResult): string {
  return `Model over simulator in the worst bin, ${at}; fails where the whole interval is outside`;
}

function name(metric: string, description = ""): string {
  return `${escapeHtml(metric)}<small>${escapeHtml(description)}</small>`;
}

function comparisonTable({ rows }: ModelValidation): string {
  const names = Object.keys(rows[0].figures) as (keyof Figures)[];
  return table(
    ["", ...names.map((metric) => escapeHtml(metric))],
    rows.map(({ description, figures }) => [
      escapeHtml(description),
      ...names.map((metric) => figure(figures[metric])),
    ]),
  );
}

function profileGroups({ plots, profiles }: ModelValidation): string {
  const quantities = [...new Set(plots.profiles.map(({ quantity }) => quantity))].slice(0, moments);
  return quantities
    .map((quantity, k) => {
      const group = plots.profiles.filter((plot) => plot.quantity === quantity);
      const drawn = group.map((plot, f) => profilePlot(plot, profiles.chi2[k]?.[f]));
      return `<h3>${escapeHtml(group[0].quantityLabel)}</h3>${grid(drawn)}`;
    })
    .join("");
}

function pairsTable({ moments: names, features, chi2 }: ModelValidation["profiles"]): string {
  return table(
    ["", ...features.map((feature) => escapeHtml(feature.replaceAll("_", " ")))],
    chi2.map((row, k) => [escapeHtml(names[k].replaceAll("_", " ")), ...row.map(figure)]),
  );
}

function provenance({ sizes, seconds }: ModelValidation, context: ReportContext): string {
  const entries: [string, string][] = [
    ["key", context.key],
    ["recipe", context.recipeHash],
    ["model", context.model],
    ...(context.parent === null ? [] : [["started from", context.parent] satisfies [string, string]]),
    ["data", `${context.dataSource}, ${context.rows} responses`],
    ...context.conditions.map(({ name, value, unit }): [string, string] => [name, `${value} ${unit}`]),
    ...Object.entries(context.software),
    [
      "held-out events",
      `${sizes.heldOut}, ${sizes.testDraws} draws each (${sizes.classifierDraws} for the AUCs)`,
    ],
    ["classifiers trained on", `${sizes.classifierTraining} true events, ${sizes.trainDraws} draws at each`],
    ["neighbours among", `${sizes.neighbourReference} training events`],
    [
      "time",
      `${seconds.total.toFixed(1)} s, of it generating ${seconds.generating.toFixed(1)} s, classifiers ${seconds.classifiers.toFixed(1)} s`,
    ],
  ];
  return `<dl>${entries.map(([term, value]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(value)}</dd>`).join("")}</dl>`;
}
