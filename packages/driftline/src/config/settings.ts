// Every setting: its key in driftline.yaml, environment variable, flag, what it may be, and what it is if nobody says.

import { availableParallelism, homedir, totalmem } from "node:os";
import { join } from "node:path";
import { z } from "zod";

export interface Setting {
  /** Name of the environment variable. */
  variable: string;
  /** The command's flag, where it has one. */
  flag?: string;
  /** `path` and `paths` are resolved against the folder of the file, or the current folder; ~/ is the home folder. */
  kind: "text" | "texts" | "integer" | "path" | "paths";
  schema: z.ZodType<string | number | string[]>;
  /** Completes "it must be …". */
  expected: string;
  default: (environment: NodeJS.ProcessEnv) => string | number | string[] | null;
  description: string;
  /** Never shown. */
  secret?: boolean;
}

const text = z.string().min(1);
const whole = (low: number, high: number) => ({
  kind: "integer" as const,
  schema: z.int().min(low).max(high),
  expected: `a whole number from ${low} to ${high}`,
});

/** A folder of the XDG base directory specification: the variable if it is an absolute path, else below the home folder. */
function xdg(environment: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const given = environment[variable];
  return given?.startsWith("/") ? given : join(homedir(), fallback);
}

/** Four fifths of the memory that this process may use: the machine's, or its control group's where that is less. */
function mostOfMemoryMiB(): number {
  const constrained = process.constrainedMemory();
  const bytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(lowestMemoryMiB, Math.floor((0.8 * bytes) / 2 ** 20));
}
const lowestMemoryMiB = 128;

export const settings = {
  dataDirectory: {
    variable: "DRIFTLINE_DATA_DIR",
    flag: "--data-dir",
    kind: "path",
    schema: text,
    expected: "a folder",
    default: (environment) => join(xdg(environment, "XDG_DATA_HOME", ".local/share"), "driftline"),
    description: "The embedded catalogue: database, bundles, datasets and jobs. A local file system.",
  },
  cacheDirectory: {
    variable: "DRIFTLINE_CACHE_DIR",
    kind: "path",
    schema: text,
    expected: "a folder",
    default: (environment) => join(xdg(environment, "XDG_CACHE_HOME", ".cache"), "driftline"),
    description: "Bundles pulled from a server, by digest.",
  },
  url: {
    variable: "DRIFTLINE_URL",
    flag: "--url",
    kind: "text",
    schema: z.url({ protocol: /^https?$/ }),
    expected: "an address that begins with http:// or https://",
    default: () => null,
    description: "A server to ask in place of the embedded catalogue.",
  },
  snapshot: {
    variable: "DRIFTLINE_SNAPSHOT",
    flag: "--snapshot",
    kind: "path",
    schema: text,
    expected: "a folder",
    default: () => null,
    description: "A snapshot to read in place of the embedded catalogue.",
  },
  token: {
    variable: "DRIFTLINE_TOKEN",
    kind: "text",
    schema: text,
    expected: "text, in quotes where it is a number",
    default: () => null,
    description: "Token shown to that server.",
    secret: true,
  },
  families: {
    variable: "DRIFTLINE_FAMILIES",
    kind: "paths",
    schema: z.array(text),
    expected: "a list of folders (in the variable separated by colons)",
    default: () => [],
    description: "Folders of families beside those that ship with Driftline.",
  },
  python: {
    variable: "DRIFTLINE_PYTHON",
    kind: "path",
    schema: text,
    expected: "the path of a Python program",
    default: () => null,
    description: "Python with the trainer's packages, in place of the one that `npm run setup` makes.",
  },
  threads: {
    variable: "DRIFTLINE_THREADS",
    ...whole(1, 1024),
    default: () => availableParallelism(),
    description:
      "Threads of simulation and validation in one job. Those of training are the family's: they decide the result.",
  },
  workers: {
    variable: "DRIFTLINE_WORKERS",
    ...whole(1, 256),
    default: () => 1,
    description: "Jobs that run at the same time.",
  },
  "server.host": {
    variable: "DRIFTLINE_SERVER_HOST",
    flag: "--host",
    kind: "text",
    schema: text,
    expected: "an address or host name",
    default: () => "127.0.0.1",
    description: "Address that `driftline serve` binds to; 0.0.0.0 for all.",
  },
  "server.httpPort": {
    variable: "DRIFTLINE_SERVER_HTTP_PORT",
    flag: "--http-port",
    ...whole(0, 65535),
    default: () => 8080,
    description: "Port of its HTTP interface; 0 takes a free one.",
  },
  "server.token": {
    variable: "DRIFTLINE_SERVER_TOKEN",
    kind: "text",
    schema: text,
    expected: "text, in quotes where it is a number",
    default: () => null,
    description: "Token that the server asks of its clients; none if not set.",
    secret: true,
  },
  "server.allowedHosts": {
    variable: "DRIFTLINE_SERVER_ALLOWED_HOSTS",
    kind: "texts",
    schema: z.array(z.string().regex(/^[^\s/:@]+$|^[\da-f:]+$/i)),
    expected: "a list of host names without ports (in the variable separated by commas)",
    default: () => [],
    description: "Names, beside localhost, under which a server that listens at loopback may be asked.",
  },
  "server.tlsCertificate": {
    variable: "DRIFTLINE_SERVER_TLS_CERTIFICATE",
    kind: "path",
    schema: text,
    expected: "the path of a PEM file",
    default: () => null,
    description: "PEM file with the server's certificate and its chain: it then speaks https.",
  },
  "server.tlsKey": {
    variable: "DRIFTLINE_SERVER_TLS_KEY",
    kind: "path",
    schema: text,
    expected: "the path of a PEM file",
    default: () => null,
    description: "PEM file with the private key of that certificate.",
  },
  "server.dataDirectories": {
    variable: "DRIFTLINE_SERVER_DATA_DIRECTORIES",
    kind: "paths",
    schema: z.array(text),
    expected: "a list of folders (in the variable separated by colons)",
    default: () => null,
    description: "Folders whose files clients may name as data.",
  },
  "server.dataAddresses": {
    variable: "DRIFTLINE_SERVER_DATA_ADDRESSES",
    kind: "texts",
    schema: z.array(z.string().regex(/^(?:https?|x?roots?):\/\/[^/?#@\s]+\/(?:[^?#@\s]*\/)?$/)),
    expected:
      "a list of addresses of folders, such as https://host/data/ or root://host//data/ (in the variable separated by commas)",
    default: () => [],
    description: "Folders on other servers whose files clients may name as data; the server fetches them.",
  },
  "server.uploadMiB": {
    variable: "DRIFTLINE_SERVER_UPLOAD_MIB",
    ...whole(1, 65_536),
    default: () => 256,
    description: "Largest bundle that may be pushed to the server, in MiB.",
  },
  "limits.trainingSeconds": {
    variable: "DRIFTLINE_LIMITS_TRAINING_SECONDS",
    ...whole(1, 30 * 24 * 3600),
    default: () => 24 * 3600,
    description: "Longest that one training may take, in seconds; then it is stopped and the job fails.",
  },
  "limits.keepDays": {
    variable: "DRIFTLINE_LIMITS_KEEP_DAYS",
    ...whole(1, 36_500),
    default: () => 30,
    description:
      "Days that data sets and results of stages, which no model holds, are kept after their last use.",
  },
  "limits.silentSeconds": {
    variable: "DRIFTLINE_LIMITS_SILENT_SECONDS",
    ...whole(1, 7 * 24 * 3600),
    default: () => 900,
    description: "Longest that a trainer may go without an event, in seconds; compiling is silent.",
  },
  "limits.memoryMiB": {
    variable: "DRIFTLINE_LIMITS_MEMORY_MIB",
    ...whole(lowestMemoryMiB, 2 ** 30),
    default: mostOfMemoryMiB,
    description: "Memory that a trainer and all it starts may hold, or a model that is being judged, in MiB.",
  },
  "limits.directoryMiB": {
    variable: "DRIFTLINE_LIMITS_DIRECTORY_MIB",
    ...whole(1, 2 ** 30),
    default: () => 16_384,
    description: "Space that a trainer may fill in its directory, in MiB.",
  },
  "limits.logMiB": {
    variable: "DRIFTLINE_LIMITS_LOG_MIB",
    ...whole(1, 4096),
    default: () => 16,
    description: "Output of an attempt that is kept in the job's worker.log, in MiB; the rest is cut.",
  },
  "limits.modelSeconds": {
    variable: "DRIFTLINE_LIMITS_MODEL_SECONDS",
    ...whole(1, 24 * 3600),
    default: () => 60,
    description: "Longest that a model may take to load, or for 4,096 responses, in seconds.",
  },
  "limits.jobDays": {
    variable: "DRIFTLINE_LIMITS_JOB_DAYS",
    ...whole(1, 36_500),
    default: () => 90,
    description:
      "Days that report and log of an ended job are kept; a published model has its report in the bundle.",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as SettingName[];

/** Variables that are not settings: where the file is, and what tests and set-up read. */
export const otherVariables = [
  "DRIFTLINE_ATTEMPT",
  "DRIFTLINE_CONFIG",
  "DRIFTLINE_DEBUG",
  "DRIFTLINE_SETUP_PYTHON",
  "DRIFTLINE_TEST_DATA",
  "DRIFTLINE_CI_RUN",
];
