// Sets up a checkout: Node packages and a Node 24 from the lock, then the trainer's virtual environment.
// Plain JavaScript, because it starts on whatever Node there is (20 or later) and with nothing installed.
// Each part leaves a stamp of its lock when it is complete, so a second run does nothing and an interrupted one is done again.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const oldestNpm = 10;
// `npm run --silent` would hush the npm started here too; and its own pauses between tries add up to over a minute.
const npmOptions = [
  "--loglevel=error",
  "--no-progress",
  "--fetch-retry-maxtimeout=5000",
  "--fetch-retry-mintimeout=2000",
];
const oldestPython = [3, 11];

/** The environment without this checkout's own Node, which `npm ci` deletes while it runs. */
function outsideEnvironment() {
  const directories = (process.env.PATH ?? "").split(path.delimiter);
  const PATH = directories.filter((d) => !d.endsWith(path.join("node_modules", ".bin"))).join(path.delimiter);
  return { ...process.env, PATH };
}

class SetupError extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

const networkTrouble =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|NewConnectionError|Max retries exceeded|Temporary failure in name resolution|Could not find a version that satisfies|No matching distribution|ReadTimeoutError|ProxyError/;

/** Runs one command to its end; a failure becomes an error with the last lines it printed and what to do. */
function command(what, program, args, options = {}) {
  const result = spawnSync(program, args, {
    cwd: root,
    env: outsideEnvironment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 2 ** 20,
    ...options,
  });
  if (result.error?.code === "ENOENT") {
    throw new SetupError(
      `${what}: there is no program ${program} on PATH.`,
      `Install ${program} and run this again.`,
    );
  }
  if (result.error) throw new SetupError(`${what}: ${result.error.message}.`, "Run this again.");
  if (result.signal)
    throw new SetupError(
      `${what}: stopped by ${result.signal}.`,
      "Run this again; it starts this step afresh.",
    );
  if (result.status !== 0) {
    const output = `${result.stdout}\n${result.stderr}`.trim();
    const tail = output.split("\n").slice(-15).join("\n  ");
    const remedy = networkTrouble.test(output)
      ? "The package registry could not be reached, or lacks a package. Check the network and proxy settings (HTTPS_PROXY, npm config, pip config) and run this again."
      : "See the lines above; when the cause is mended, run this again.";
    throw new SetupError(
      `${what}: ${path.basename(program)} ended with exit code ${result.status}:\n  ${tail}`,
      remedy,
    );
  }
  return result.stdout.trim();
}

function step(title, work) {
  const start = performance.now();
  process.stderr.write(`${title} … `);
  try {
    work();
  } catch (error) {
    process.stderr.write("failed\n");
    throw error;
  }
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

/** What a stamp says: the lock's hash and the platform that it was installed for. */
function fingerprint(lock) {
  const digest = createHash("sha256")
    .update(readFileSync(path.join(root, lock)))
    .digest("hex");
  return `${digest} ${process.platform}-${process.arch}\n`;
}

function isStamped(stamp, expected, program) {
  try {
    return existsSync(program) && readFileSync(stamp, "utf8") === expected;
  } catch {
    return false;
  }
}

function setUpNode() {
  const modules = path.join(root, "node_modules");
  const stamp = path.join(modules, ".driftline-setup");
  const expected = fingerprint("package-lock.json");
  const node = path.join(modules, "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (isStamped(stamp, expected, node)) return;
  const version = command("Asking npm for its version", "npm", ["--version"]);
  if (Number.parseInt(version, 10) < oldestNpm) {
    throw new SetupError(
      `npm ${version} is too old: set-up needs npm ${oldestNpm} or later.`,
      `Run \`npm install --global npm@${oldestNpm}\`, then this again.`,
    );
  }
  step("Node packages", () => {
    rmSync(stamp, { force: true });
    command("Installing Node packages", "npm", ["ci", ...npmOptions]);
  });
  step("Node 24", () => {
    // .npmrc turns install scripts off; this one fetches the program that npm scripts run with.
    command("Installing Node 24", "npm", ["rebuild", "node", "--ignore-scripts=false", ...npmOptions]);
    if (!existsSync(node)) {
      throw new SetupError(
        `Installing Node 24: npm left no program at ${path.relative(root, node)}.`,
        `The package \`node\` may lack a build for ${process.platform}-${process.arch}; install Node 24 yourself.`,
      );
    }
  });
  writeFileSync(stamp, expected);
}

/** The Python to make the environment with: DRIFTLINE_SETUP_PYTHON, else the first of the usual names that is new enough. */
function findPython() {
  const given = process.env.DRIFTLINE_SETUP_PYTHON;
  const tried = [];
  for (const program of given ? [given] : ["python3.11", "python3"]) {
    const asked = spawnSync(program, ["-c", "import sys; print(*sys.version_info[:3], sep='.')"], {
      encoding: "utf8",
      env: outsideEnvironment(),
    });
    if (asked.status !== 0) {
      tried.push(`${program} (${asked.error?.code === "ENOENT" ? "not found" : "does not run"})`);
      continue;
    }
    const version = asked.stdout.trim();
    const [major, minor] = version.split(".").map(Number);
    if (major === oldestPython[0] && minor >= oldestPython[1]) return program;
    tried.push(`${program} (${version})`);
  }
  throw new SetupError(
    `No Python ${oldestPython.join(".")} or later for the trainer: tried ${tried.join(", ")}.`,
    "Install it (Debian, Ubuntu: `apt-get install python3 python3-venv`), or name one in DRIFTLINE_SETUP_PYTHON; " +
      "`npm run setup -- --no-python` sets up without the trainer.",
  );
}

function setUpPython() {
  const environment = path.join(root, "trainer", ".venv");
  const stamp = path.join(environment, ".driftline-setup");
  const expected = fingerprint("trainer/requirements.lock");
  const python =
    process.platform === "win32"
      ? path.join(environment, "Scripts", "python.exe")
      : path.join(environment, "bin", "python");
  if (isStamped(stamp, expected, python)) return;
  const base = findPython();
  if (spawnSync(base, ["-c", "import venv, ensurepip"], { env: outsideEnvironment() }).status !== 0) {
    throw new SetupError(
      `${base} has no venv module.`,
      "Install it (Debian, Ubuntu: `apt-get install python3-venv`), then run this again.",
    );
  }
  step("Python packages of the trainer", () => {
    rmSync(environment, { recursive: true, force: true });
    command("Making the trainer's environment", base, ["-m", "venv", environment]);
    const install = ["install", "--require-hashes", "--no-compile", "--only-binary", ":all:"];
    const quiet = ["--quiet", "--no-input", "--disable-pip-version-check"];
    const lock = path.join(root, "trainer", "requirements.lock");
    command("Installing Python packages", python, ["-m", "pip", ...install, ...quiet, "-r", lock]);
    writeFileSync(stamp, expected);
  });
}

const unknown = process.argv.slice(2).filter((argument) => argument !== "--no-python");
try {
  if (unknown.length > 0) {
    throw new SetupError(`Set-up knows no option ${unknown.join(" ")}.`, "The only one is --no-python.");
  }
  setUpNode();
  if (!process.argv.includes("--no-python")) setUpPython();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\nset-up: ${error.message}\n${error.remedy}\n`);
  process.exitCode = 1;
}
