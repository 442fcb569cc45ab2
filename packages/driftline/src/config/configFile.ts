// Reads driftline.yaml into settings by name, each with its line, so that messages and `driftline doctor` can say where.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isMap, isNode, isScalar, LineCounter, type Pair, parseDocument } from "yaml";
import { fail } from "../errors/registry.ts";
import { type SettingName, settingNames } from "./settings.ts";

export interface FileValue {
  value: unknown;
  line: number;
}

/** The file that `named` or DRIFTLINE_CONFIG names, else ./driftline.yaml, else the user's; null where there is none. */
export function findConfigFile(named: string | undefined, environment: NodeJS.ProcessEnv): string | null {
  const given = named ?? environment.DRIFTLINE_CONFIG;
  if (given !== undefined) {
    if (existsSync(given)) return resolve(given);
    throw fail("invalid_configuration", `Reading the configuration: there is no file ${given}.`, {
      field: named === undefined ? "DRIFTLINE_CONFIG" : "--config",
      remedy: "Give the path of a driftline.yaml, or leave it out.",
    });
  }
  const userFolder = environment.XDG_CONFIG_HOME ?? join(homedir(), ".config");
  const places = [resolve("driftline.yaml"), join(userFolder, "driftline", "driftline.yaml")];
  return places.find((place) => existsSync(place)) ?? null;
}

/** Settings that the file gives. Throws `invalid_configuration` with file, line and field. */
export function readConfigFile(path: string): Map<SettingName, FileValue> {
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number | undefined) => lines.linePos(offset ?? 0).line;
  const wrong = (line: number, what: string, field?: string) =>
    fail("invalid_configuration", `Reading ${path}, line ${line}: ${what}.`, {
      field,
      remedy: `Settings: ${settingNames.join(", ")}.`,
    });
  const [broken] = document.errors;
  if (broken) {
    throw fail(
      "invalid_configuration",
      `Reading ${path}, line ${lineOf(broken.pos[0])}: not YAML: ${broken.message}.`,
      {
        field: path,
        remedy: "Mend the line; docs/configuration.md has an example.",
      },
    );
  }
  const values = new Map<SettingName, FileValue>();
  const groups = new Set(settingNames.filter((name) => name.includes(".")).map((name) => name.split(".")[0]));

  function read(node: unknown, prefix: string, line: number): void {
    if (isScalar(node) && node.value === null) return;
    if (!isMap(node)) throw wrong(line, `${prefix || "the file"} must hold keys and values`, prefix || path);
    for (const pair of node.items as Pair[]) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "?";
      const at = lineOf(isScalar(pair.key) ? pair.key.range?.[0] : undefined);
      const name = prefix === "" ? key : `${prefix}.${key}`;
      if (prefix === "" && groups.has(key)) read(pair.value, key, at);
      else if (!(settingNames as string[]).includes(name))
        throw wrong(at, `there is no setting ${name}`, name);
      else {
        const value = isNode(pair.value) ? pair.value.toJS(document) : pair.value;
        values.set(name as SettingName, { value, line: at });
      }
    }
  }
  if (document.contents !== null) read(document.contents, "", 1);
  return values;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw fail("invalid_configuration", `Reading the configuration ${path}: ${code}.`, {
      field: path,
      remedy: "Give a file that this user can read.",
      cause,
    });
  }
}
