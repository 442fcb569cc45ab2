// What is in force: flags over environment variables over driftline.yaml over defaults, checked once, with where each came from.

import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fail } from "../errors/registry.ts";
import { findConfigFile, readConfigFile } from "./configFile.ts";
import { otherVariables, type Setting, type SettingName, settingNames, settings } from "./settings.ts";
import { shippedPath } from "./shippedPath.ts";

/** Plain data: it can be handed to a worker process as JSON. */
export interface Configuration {
  dataDirectory: string;
  cacheDirectory: string;
  /** A server in place of the data directory; null for none. */
  url: string | null;
  /** A snapshot in place of the data directory; null for none. At most one of the two is not null. */
  snapshot: string | null;
  token: string | null;
  /** Folders of families: those that ship first. */
  families: string[];
  python: string | null;
  /** Folder with the trainer's src/, requirements.lock and, after set-up, .venv/. */
  trainerDirectory: string;
  threads: number;
  workers: number;
  server: {
    host: string;
    httpPort: number;
    token: string | null;
    allowedHosts: string[];
    tlsCertificate: string | null;
    tlsKey: string | null;
    /** Null for the default, which depends on the token. */
    dataDirectories: string[] | null;
    dataAddresses: string[];
    uploadMiB: number;
  };
  limits: Limits;
  /** The file that was read; null for none. */
  file: string | null;
  /** Where each setting came from, in words. */
  sources: Record<SettingName, string>;
}

/** What a trainer and the model that it leaves may use, and how long jobs' files are kept. */
export interface Limits {
  trainingSeconds: number;
  silentSeconds: number;
  memoryMiB: number;
  directoryMiB: number;
  logMiB: number;
  modelSeconds: number;
  keepDays: number;
  jobDays: number;
}

export interface Given {
  /** What --config names. */
  file?: string;
  /** Values of flags, by setting. */
  flags?: Partial<Record<SettingName, string | undefined>>;
  environment?: NodeJS.ProcessEnv;
}

type Value = string | number | string[] | null;
interface Found {
  value: Value;
  source: string;
  /** 3 flag, 2 variable, 1 file, 0 default. */
  rank: number;
}

/** Reads and checks every setting. Throws `invalid_configuration` naming the file and line, variable or flag. */
export function loadConfiguration({
  file,
  flags = {},
  environment = process.env,
}: Given = {}): Configuration {
  const path = findConfigFile(file, environment);
  const fromFile = path === null ? null : readConfigFile(path);
  const found = {} as Record<SettingName, Found>;
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    const flag = flags[name];
    const variable = environment[setting.variable];
    const line = fromFile?.get(name);
    if (flag !== undefined) {
      const source = `flag ${setting.flag ?? name}`;
      found[name] = { value: check(name, fromText(setting, flag), source, "."), source, rank: 3 };
    } else if (variable !== undefined) {
      const source = `environment variable ${setting.variable}`;
      found[name] = { value: check(name, fromText(setting, variable), source, "."), source, rank: 2 };
    } else if (line !== undefined && path !== null) {
      const source = `${path} line ${line.line}`;
      found[name] = { value: check(name, line.value, source, dirname(path)), source, rank: 1 };
    } else {
      found[name] = { value: setting.default(environment), source: "default", rank: 0 };
    }
  }
  chooseCatalogue(found);
  const get = <T extends Value>(name: SettingName) => found[name].value as T;
  return {
    dataDirectory: get("dataDirectory"),
    cacheDirectory: get("cacheDirectory"),
    url: get("url"),
    snapshot: get("snapshot"),
    token: get("token"),
    families: [shippedPath("families"), ...get<string[]>("families")],
    python: get("python"),
    trainerDirectory: shippedPath("trainer"),
    threads: get("threads"),
    workers: get("workers"),
    server: {
      host: get("server.host"),
      httpPort: get("server.httpPort"),
      token: get("server.token"),
      allowedHosts: get("server.allowedHosts"),
      tlsCertificate: get("server.tlsCertificate"),
      tlsKey: get("server.tlsKey"),
      dataDirectories: get("server.dataDirectories"),
      dataAddresses: get("server.dataAddresses"),
      uploadMiB: get("server.uploadMiB"),
    },
    limits: {
      trainingSeconds: get("limits.trainingSeconds"),
      silentSeconds: get("limits.silentSeconds"),
      memoryMiB: get("limits.memoryMiB"),
      directoryMiB: get("limits.directoryMiB"),
      logMiB: get("limits.logMiB"),
      modelSeconds: get("limits.modelSeconds"),
      keepDays: get("limits.keepDays"),
      jobDays: get("limits.jobDays"),
    },
    file: path,
    sources: Object.fromEntries(settingNames.map((name) => [name, found[name].source])) as never,
  };
}

/**
 * Of a snapshot, a server and a data directory, the one that was said most directly counts: --data-dir beats
 * DRIFTLINE_URL. Of two that were said alike it is the first of these.
 */
function chooseCatalogue(found: Record<SettingName, Found>): void {
  const places = (["snapshot", "url", "dataDirectory"] as const).filter((name) => found[name].value !== null);
  const flags = places.filter((name) => found[name].rank === 3).map((name) => settings[name].flag);
  if (flags.length > 1) {
    throw fail("usage", `${flags.join(" and ")} name ${flags.length === 2 ? "two" : "three"} catalogues.`, {
      field: flags[0],
      remedy: "Give one of them: a snapshot, a server, or a folder on this machine.",
    });
  }
  const chosen = places.reduce((best, name) => (found[name].rank > found[best].rank ? name : best));
  for (const name of places) {
    if (name === chosen || name === "dataDirectory") continue;
    found[name].source = `${found[name].source}, set aside by ${found[chosen].source}`;
    found[name].value = null;
  }
}

function fromText({ kind }: Setting, text: string): unknown {
  if (kind === "integer") return /^\d+$/.test(text) ? Number(text) : text;
  if (kind === "paths") return text.split(delimiter);
  if (kind === "texts") return text.split(",").map((each) => each.trim());
  return text;
}

function check(name: SettingName, value: unknown, source: string, folder: string): Value {
  const setting: Setting = settings[name];
  const { success, data } = setting.schema.safeParse(value);
  if (!success) {
    const shown = setting.secret ? "not usable" : value === "" ? "empty" : JSON.stringify(value);
    const standard = setting.default({});
    const otherwise =
      standard === null || Array.isArray(standard) ? "leave it out" : `leave it out for ${standard}`;
    throw fail(
      "invalid_configuration",
      `Reading the configuration: ${name} (${source}) is ${shown}; it must be ${setting.expected}.`,
      { field: name, remedy: `Mend it, or ${otherwise}.` },
    );
  }
  if (setting.kind === "path") return toPath(data as string, folder);
  if (setting.kind === "paths") return (data as string[]).map((each) => toPath(each, folder));
  return data;
}

function toPath(path: string, folder: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : resolve(folder, path);
}

/** Every setting with its value and where that came from; then variables that look like settings and are none. */
export function describeConfig(
  config: Configuration,
  environment: NodeJS.ProcessEnv = process.env,
): { name: string; value: string; source: string }[] {
  const rows = settingNames.map((name) => {
    const [first, second] = name.split(".");
    const top = (config as unknown as Record<string, unknown>)[first];
    const value = second === undefined ? top : (top as Record<string, unknown>)[second];
    const { secret }: Setting = settings[name];
    return { name, value: show(value, secret === true), source: config.sources[name] };
  });
  const known = new Set([...settingNames.map((name) => settings[name].variable), ...otherVariables]);
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith("DRIFTLINE_") && !known.has(name as never),
  );
  return [
    ...rows,
    ...unknown.map((name) => ({ name, value: "not a setting", source: `environment variable ${name}` })),
  ];
}

function show(value: unknown, secret: boolean): string {
  if (value === null) return "none";
  if (secret) return "set";
  return Array.isArray(value) ? value.join(", ") : String(value);
}
