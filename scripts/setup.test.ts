// Set-up's decisions, with stand-ins for npm and Python on PATH: what it runs when, that it heals, and what it says when it cannot go on.
// That the real programs accept these commands shows in every fresh clone, .ci/run first.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const top = mkdtempSync(join(tmpdir(), "driftline-setup-"));
after(() => rmSync(top, { recursive: true, force: true }));
let checkout: string;
let programs: string;
let number = 0;

const npm = `case "$1" in
  --version) echo "\${NPM_VERSION:-11.0.0}" ;;
  ci) rm -rf node_modules; [ -z "$NPM_FAILS" ] || { echo "npm error $NPM_FAILS" >&2; exit 1; }; mkdir -p node_modules/node/bin ;;
  rebuild) touch node_modules/node/bin/node ;;
esac`;
const python = `case "$*" in
  *version_info*) echo "\${PYTHON_VERSION:-3.11.2}" ;;
  *ensurepip*) exit "\${NO_VENV:-0}" ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip "*) [ -z "$PIP_FAILS" ] || { echo "ERROR: $PIP_FAILS" >&2; exit 1; } ;;
esac`;

function program(name: string, body: string): void {
  const path = join(programs, name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> "${checkout}/log"\n${body}\n`);
  chmodSync(path, 0o755);
}

beforeEach(() => {
  checkout = join(top, `checkout-${number++}`);
  programs = join(checkout, "programs");
  for (const folder of ["scripts", "trainer", "programs"]) {
    mkdirSync(join(checkout, folder), { recursive: true });
  }
  copyFileSync(fileURLToPath(new URL("setup.mjs", import.meta.url)), join(checkout, "scripts", "setup.mjs"));
  writeFileSync(join(checkout, "package-lock.json"), "{}");
  writeFileSync(join(checkout, "trainer", "requirements.lock"), "jax==1\n");
  program("npm", npm);
  program("python3.11", python);
});

function setUp(environment: Record<string, string> = {}, ...args: string[]) {
  rmSync(join(checkout, "log"), { force: true });
  const { stderr, stdout, status } = spawnSync(
    process.execPath,
    [join(checkout, "scripts", "setup.mjs"), ...args],
    {
      env: { PATH: `${programs}:/usr/bin:/bin`, ...environment },
      encoding: "utf8",
    },
  );
  const log = existsSync(join(checkout, "log")) ? readFileSync(join(checkout, "log"), "utf8") : "";
  const ran = [...log.matchAll(/^npm (?:ci|rebuild)|-m (?:venv|pip install)/gm)].map(([words]) => words);
  return { text: stdout + stderr, status, ran };
}

const everything = ["npm ci", "npm rebuild", "-m venv", "-m pip install"];

describe("set-up", () => {
  it("installs everything once, one line a step, and then is silent", () => {
    const first = setUp();
    assert.deepEqual([first.status, first.ran], [0, everything]);
    assert.match(
      first.text,
      /^Node packages … [\d.]+ s\nNode 24 … [\d.]+ s\nPython packages of the trainer … [\d.]+ s\n$/,
    );
    assert.deepEqual(setUp(), { text: "", status: 0, ran: [] });
  });

  it("leaves Python alone with --no-python", () => {
    assert.deepEqual(setUp({}, "--no-python").ran, everything.slice(0, 2));
  });

  it("installs again what has another lock", () => {
    setUp();
    writeFileSync(join(checkout, "trainer", "requirements.lock"), "jax==2\n");
    assert.deepEqual(setUp().ran, everything.slice(2));
    writeFileSync(join(checkout, "package-lock.json"), "{ }");
    assert.deepEqual(setUp().ran, everything.slice(0, 2));
  });

  it("heals what was interrupted", () => {
    assert.equal(setUp({ PIP_FAILS: "broken pipe" }).status, 1);
    assert.deepEqual(setUp().ran, everything.slice(2));
    rmSync(join(checkout, "node_modules", ".driftline-setup"));
    assert.deepEqual(setUp().ran, everything.slice(0, 2));
    rmSync(join(checkout, "trainer", ".venv", "bin", "python"));
    assert.deepEqual(setUp().ran, everything.slice(2));
  });
});

describe("set-up says what to do", () => {
  const cases: [when: string, environment: Record<string, string>, says: RegExp[]][] = [
    ["npm is too old", { NPM_VERSION: "9.2.0" }, [/npm 9\.2\.0 is too old/, /npm install --global npm@10/]],
    [
      "there is no network for npm",
      { NPM_FAILS: "request failed, reason: getaddrinfo ENOTFOUND" },
      [/npm ended with exit code 1/, /ENOTFOUND/, /Check the network and proxy/],
    ],
    [
      "there is no network for pip",
      { PIP_FAILS: "No matching distribution found for jax==1" },
      [/jax==1/, /Check the network and proxy/],
    ],
    [
      "something else fails",
      { NPM_FAILS: "EACCES: permission denied" },
      [/EACCES/, /when the cause is mended, run this again/],
    ],
    ["there is no venv module", { NO_VENV: "1" }, [/no venv module/, /apt-get install python3-venv/]],
    [
      "the named Python is too old",
      { DRIFTLINE_SETUP_PYTHON: "python3.11", PYTHON_VERSION: "3.9.2" },
      [/No Python 3\.11 or later.*python3\.11 \(3\.9\.2\)/, /--no-python/],
    ],
    [
      "the named Python is not there",
      { DRIFTLINE_SETUP_PYTHON: "/nowhere/python" },
      [/\/nowhere\/python \(not found\)/, /DRIFTLINE_SETUP_PYTHON/],
    ],
  ];
  for (const [when, environment, says] of cases) {
    it(`when ${when}`, () => {
      const { status, text } = setUp(environment);
      assert.equal(status, 1);
      for (const each of says) assert.match(text, each);
    });
  }

  it("when there is no npm", () => {
    rmSync(join(programs, "npm"));
    const { status, text } = setUp({ PATH: programs });
    assert.equal(status, 1);
    assert.match(text, /no program npm on PATH/);
  });

  it("when an option is not known", () => {
    assert.match(setUp({}, "--python").text, /no option --python/);
  });
});
