// A generator loaded from a verified bundle: responses for rows of features, the same for any batching.

import type { Driftline } from "./api.ts";
import type { BundleManifest, TensorSpec } from "./bundle.ts";
import { DriftlineError } from "./error.ts";
import { type OnnxModel, openModel } from "./model.ts";
import { latents } from "./noise.ts";
import { checked } from "./pull.ts";
import {
  modelFile,
  parseManifest,
  readListed,
  readManifest,
  referenceFile,
  replay,
  replayReference,
  verifyFiles,
} from "./verify.ts";

export interface GenerateRequest {
  /** rows × inputs, row-major, in the units of the manifest. */
  features: Float32Array;
  rows: number;
  /** Noise of a response depends on (seed, event, row) alone: not on batches, threads or language. */
  seed: number;
  /** Event number of the first response; the next ones count on from it. Default 0. */
  firstEvent?: number;
  /** Or the event number of each response, */
  events?: BigInt64Array;
  /** and its row within the event: two responses of one event with the same row get the same noise. Default 0. */
  eventRows?: Uint32Array;
  /** Told once a call of inputs outside the bundle's domain; without it a process warning is given. */
  onOutside?: (outside: OutsideInput[]) => void;
}

/** An input that left the domain in some rows of a call. */
export interface OutsideInput {
  input: string;
  unit: string;
  low: number;
  high: number;
  /** Rows below `low`, above `high`, and not a number. */
  below: number;
  above: number;
  notNumber: number;
  /** The value furthest out. */
  furthest: number;
}

export interface Generator {
  readonly manifest: BundleManifest;
  readonly digest: string;
  readonly latentWidth: number;
  /** Shape of one response, such as [8, 16]. */
  readonly outputShape: number[];
  /** Responses, rows × outputShape, row-major, in the unit of the manifest. */
  generate(request: GenerateRequest): Promise<Float32Array>;
  /** Which inputs leave the domain in which the bundle passed its gates, and in how many rows. */
  outside(features: Float32Array, rows: number): OutsideInput[];
  close(): Promise<void>;
}

export interface LoadOptions {
  /** Threads of ONNX Runtime within an operator; default 1. */
  threads?: number;
  /** false: check only the manifest and the model's digest, not the other files and the reference. */
  verify?: boolean;
  /** The digest that the bundle must have. */
  digest?: string;
  /** Rows that go through the graph at once; default 256. */
  pieceRows?: number;
}

/** Loads a bundle. Errors: `damaged` and `invalid_bundle`, as from `verifyBundle`. */
export async function loadGenerator(directory: string, options: LoadOptions = {}): Promise<Generator> {
  const { verify = true, digest: expected, ...modelOptions } = options;
  const { digest, manifest } = await readManifest(directory, { digest: expected });
  // The session is made from the bytes that were hashed, not from the path.
  const bytes = verify
    ? (await verifyFiles(directory, { digest })).modelBytes
    : await readListed(directory, manifest, modelFile);
  const model = await openModel(bytes, modelOptions);
  try {
    if (verify) await replayReference(directory, manifest, model);
    return makeGenerator(digest, manifest, model);
  } catch (error) {
    await model.close();
    throw error;
  }
}

/**
 * Loads a bundle from a catalogue into memory, for machines on which nothing can be written: its model and reference,
 * each checked. Errors: `damaged`, `invalid_bundle`, those of the catalogue.
 */
export async function openGenerator(
  driftline: Pick<Driftline, "manifest" | "file">,
  bundle: string,
  options: Omit<LoadOptions, "verify" | "digest"> = {},
): Promise<Generator> {
  const source = `${bundle.slice(0, 12)} from the catalogue`;
  const { digest, manifest } = parseManifest(await driftline.manifest(bundle), source, { digest: bundle });
  const read = (path: string) => readWhole(driftline, digest, manifest, path, source);
  const model = await openModel(await read(modelFile), options);
  try {
    await replay(source, manifest, model, await read(referenceFile));
    return makeGenerator(digest, manifest, model);
  } catch (error) {
    await model.close();
    throw error;
  }
}

async function readWhole(
  driftline: Pick<Driftline, "file">,
  bundle: string,
  manifest: BundleManifest,
  path: string,
  source: string,
): Promise<Uint8Array> {
  const { size, sha256 } = manifest.files.find((file) => file.path === path)!;
  const pieces: Uint8Array[] = [];
  for await (const piece of checked(await driftline.file(bundle, path), { path, size, sha256 }, source)) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function makeGenerator(digest: string, manifest: BundleManifest, model: OnnxModel): Generator {
  const columns = inputColumns(manifest, model);

  function outside(features: Float32Array, rows: number): OutsideInput[] {
    const width = model.featureWidth;
    const reports: OutsideInput[] = [];
    for (const [column, { name, unit, low, high }] of columns.entries()) {
      let below = 0;
      let above = 0;
      let notNumber = 0;
      let furthest = 0;
      let distance = 0;
      // Features are float32: a value on the limit must not count as beyond it.
      const least = Math.fround(low);
      const most = Math.fround(high);
      for (let i = column; i < rows * width; i += width) {
        const value = features[i];
        if (value >= least && value <= most) continue;
        if (value < least) below++;
        else if (value > most) above++;
        else notNumber++;
        const out = Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.max(low - value, value - high);
        if (out > distance) {
          distance = out;
          furthest = value;
        }
      }
      if (below + above + notNumber > 0) {
        reports.push({ input: name, unit, low, high, below, above, notNumber, furthest });
      }
    }
    return reports;
  }

  async function generate(request: GenerateRequest): Promise<Float32Array> {
    const { features, rows, seed, onOutside = warnOutside } = request;
    if (!Number.isSafeInteger(rows) || rows < 0)
      throw new DriftlineError("usage", `rows must be a whole number; got ${rows}`, { field: "rows" });
    if (features.length !== rows * columns.length) {
      const names = columns.map((column) => column.name).join(", ");
      throw new DriftlineError(
        "usage",
        `features has ${features.length} values; ${rows} rows of ${columns.length} (${names}) need ${rows * columns.length}`,
        { field: "features" },
      );
    }
    const reports = outside(features, rows);
    if (reports.length > 0) onOutside(reports);
    const noise = latents(seed, eventNumbers(request), request.eventRows ?? 0, model.latentWidth);
    return model.run(features, noise, rows);
  }

  return {
    manifest,
    digest,
    latentWidth: model.latentWidth,
    outputShape: model.outputShape,
    generate,
    outside,
    close: model.close,
  };
}

/** Such as "pt: 3 above 2.5 GeV/c (furthest 3.1)", for all inputs on one line. */
export function describeOutside(reports: OutsideInput[]): string {
  return reports
    .map(({ input, unit, low, high, below, above, notNumber, furthest }) => {
      const parts = [
        below > 0 ? `${below} below ${low} ${unit}` : "",
        above > 0 ? `${above} above ${high} ${unit}` : "",
        notNumber > 0 ? `${notNumber} not a number` : "",
      ].filter((part) => part !== "");
      return `${input}: ${parts.join(", ")} (furthest ${furthest})`;
    })
    .join("; ");
}

function warnOutside(reports: OutsideInput[]): void {
  process.emitWarning(
    `inputs outside the domain in which the model was validated: ${describeOutside(reports)}`,
    {
      code: "DRIFTLINE_OUTSIDE_DOMAIN",
    },
  );
}

function eventNumbers({ rows, firstEvent = 0, events, eventRows }: GenerateRequest): BigInt64Array {
  for (const [field, given] of Object.entries({ events, eventRows })) {
    if (given !== undefined && given.length !== rows)
      throw new DriftlineError("usage", `${field} has ${given.length} numbers for ${rows} rows`, { field });
  }
  if (events !== undefined) return events;
  if (!Number.isSafeInteger(firstEvent))
    throw new DriftlineError("usage", `firstEvent must be a whole number below 2^53; got ${firstEvent}`, {
      field: "firstEvent",
    });
  return BigInt64Array.from({ length: rows }, (_, i) => BigInt(firstEvent + i));
}

/** Columns of the features with the limits of the measured domain, which may be narrower than the signature's. */
function inputColumns(manifest: BundleManifest, model: OnnxModel): NonNullable<TensorSpec["columns"]> {
  const spec = manifest.signature.inputs.find((input) => input.name !== "latent");
  if (spec?.columns?.length !== model.featureWidth) {
    throw new DriftlineError(
      "invalid_bundle",
      `bundle.json names ${spec?.columns?.length ?? 0} columns of features, model.onnx takes ${model.featureWidth}`,
      { field: "signature" },
    );
  }
  return spec.columns.map((column) => {
    const { low, high } = manifest.domain.inputs[column.name] ?? column;
    return { ...column, low, high };
  });
}
