// driftline data spec: a specification's features with their statistics over the training rows; or a first
// specification, from files.

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { stringify } from "yaml";
import { fail } from "../../../errors/registry.ts";
import { groupsOf } from "../../../streaming/assembly/build.ts";
import { cutOff, type Encoding, encodingOf } from "../../../streaming/assembly/encoding.ts";
import { type Measured, measure } from "../../../streaming/assembly/measure.ts";
import { mixingOf, mixingWarning } from "../../../streaming/assembly/mixing.ts";
import { type Assembly, prepare } from "../../../streaming/assembly/prepare.ts";
import {
  loadSpecification,
  type Specification,
  specificationFile,
} from "../../../streaming/features/specification.ts";
import { deviation, quantileOf } from "../../../streaming/features/statistics.ts";
import { defineCommand } from "../../command.ts";
import { table } from "../../table.ts";
import { replaceFile, writeOut } from "../../writeOut.ts";
import { timeLeft } from "./timeLeft.ts";
import { viewOf, viewOptions } from "./viewOptions.ts";

export const dataSpec = defineCommand({
  name: "data spec",
  summary: "Measure the features of a specification, or of files, over the training rows in one pass.",
  positionals: ["SPECIFICATION_OR_FILE..."],
  options: {
    ...viewOptions,
    features: {
      type: "string",
      value: "NAMES",
      multiple: true,
      description: "Features: names and globs, with commas between (default: all floating-point columns)",
    },
    write: {
      type: "string",
      value: "FILE",
      description: "Write the specification of these files, to edit it",
    },
  },
  examples: [
    "driftline data spec signal=ttH.root background='ttjets*.root' --tree Events --write higgs.yaml",
    "driftline data spec higgs.yaml",
  ],
  async run(context, words, options) {
    const { specification, directory } = specificationOf(words, options);
    if (options.write !== undefined) await writeSpecification(options.write, specification);
    const assembly = await prepare(specification, { directory, signal: context.signal });
    try {
      const progress = timeLeft(context.progress, "measure", assembly.entries);
      const measured = await measure(assembly, { signal: context.signal, onProgress: progress });
      const encoding = encodingOf(assembly.features, measured, specification.balance !== undefined);
      const mixing = mixingOf(assembly, measured, groupsOf(assembly, measured));
      const warning = mixingWarning(mixing, specification.order.places);
      return {
        json: { specification, ...figures(assembly, measured, encoding), mixing, warning },
        text: report(assembly, measured, encoding, warning),
      };
    } finally {
      await assembly.close();
    }
  },
});

/** One YAML file, or files that are given as NAME=FILE or alone. */
function specificationOf(
  words: string[],
  options: { tree?: string; define?: string[]; cut?: string; features?: string[] },
): { specification: Specification; directory: string } {
  if (words.length === 1 && /\.(ya?ml|json)$/i.test(words[0])) {
    const given = Object.entries(options).find(([name, value]) => name in viewOptions && value !== undefined);
    if (given)
      throw fail(
        "usage",
        `driftline data spec: --${given[0]} is for files; ${words[0]} is a specification.`,
        {
          field: `--${given[0]}`,
          remedy: `Write it in ${words[0]}.`,
        },
      );
    const path = resolve(words[0]);
    return { specification: loadSpecification(path), directory: dirname(path) };
  }
  const sources: Record<string, { files: string[]; tree?: string }> = {};
  for (const word of words) {
    const [, name = "data", file = word] = /^([A-Za-z_][\w.-]{0,63})=(.+)$/.exec(word) ?? [];
    sources[name] ??= { files: [], ...(options.tree !== undefined && { tree: options.tree }) };
    sources[name].files.push(file);
  }
  const { define, cut } = viewOf([], options);
  const features = options.features?.flatMap((text) => text.split(",")).map((name) => name.trim());
  return {
    specification: specificationFile.parse({
      sources,
      ...(define && Object.keys(define).length > 0 && { define }),
      ...(cut !== undefined && { cut }),
      ...(features && { features }),
    }),
    directory: process.cwd(),
  };
}

async function writeSpecification(path: string, specification: Specification): Promise<void> {
  if (existsSync(path))
    throw fail("usage", `--write ${path}: there is a file already; nothing is overwritten.`, {
      field: "--write",
      remedy: "Name another file.",
    });
  await writeOut("--write", path, () => replaceFile(resolve(path), stringify(specification)));
}

function figures({ features, leftOut, entries }: Assembly, measured: Measured, encoding: Encoding) {
  return {
    entries,
    rows: measured.rows,
    sources: measured.sources,
    width: encoding.width,
    features: features.map(({ name, list }, i) => {
      const statistics = measured.statistics[i];
      const { values, missing, min, max, mean } = statistics;
      const { width, scale } = encoding.features[i];
      return {
        name,
        list,
        width,
        scale,
        values,
        missing,
        min,
        max,
        mean,
        deviation: deviation(statistics),
        median: quantileOf(statistics, 0.5),
        ...(list && {
          cutOff: cutOff(statistics, width),
          longest: Math.max(0, statistics.lengths.length - 1),
        }),
      };
    }),
    leftOut,
  };
}

function report(assembly: Assembly, measured: Measured, encoding: Encoding, warning: string | null): string {
  const { features, leftOut, entries } = assembly;
  const { rows } = measured;
  const passed = rows.train + rows.validation + rows.test;
  const lines = [
    `${entries} entries, ${passed} rows after the cuts: ${rows.train} to train on, ${rows.validation} to validate, ${rows.test} to test.`,
    ...measured.sources.map(({ name, entries, rows }) => `  ${name}: ${rows} rows of ${entries} entries`),
    `${features.length} features in ${encoding.width} columns, over the training rows:`,
    "",
    table(
      [
        "feature",
        "columns",
        "longest",
        "cut off",
        "missing",
        "min",
        "median",
        "max",
        "mean",
        "deviation",
        "scale",
      ],
      features.map(({ name, list }, i) => {
        const statistics = measured.statistics[i];
        const { width, scale } = encoding.features[i];
        const lost = list ? cutOff(statistics, width) : null;
        return [
          name,
          String(width),
          list ? String(Math.max(0, statistics.lengths.length - 1)) : "",
          lost && lost.values > 0 ? `${(100 * lost.values).toPrecision(2)} %` : "",
          statistics.missing > 0 ? String(statistics.missing) : "",
          ...[
            statistics.min,
            quantileOf(statistics, 0.5),
            statistics.max,
            statistics.mean,
            deviation(statistics),
          ].map((value) => (Number.isFinite(value) ? Number(value.toPrecision(4)).toString() : "–")),
          scale.kind,
        ];
      }),
    ),
  ];
  if (leftOut.length > 0) {
    const shown = leftOut.slice(0, 10).map(({ name, reason }) => `${name} (${reason})`);
    const more = leftOut.length > 10 ? ` and ${leftOut.length - 10} more` : "";
    lines.push("", `Left out: ${shown.join(", ")}${more}. Name them to have them as features.`);
  }
  if (warning) lines.push("", `Warning: ${warning}`);
  return lines.join("\n");
}
