// Starts real XRootD servers on free ports of this machine: data servers, a cluster with its manager, TLS and tokens.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface XrootdServer {
  port: number;
  /** What is exported as /data lies in its folder data. */
  folder: string;
  /** What the server has said. */
  log(): string;
  /** SIGKILL, as a crash; the folder stays. */
  kill(): Promise<void>;
  /** The same server again, on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface XrootdConfig {
  /** More lines of configuration; `$own` stands for a folder of the server's own. */
  lines?: string[];
  env?: Record<string, string>;
  /** The port of the cmsd that makes the server a part of a cluster. */
  cmsPort?: number;
  port?: number;
}

/** Why no server can be started here; undefined where one can. */
export function missingXrootd(): string | undefined {
  try {
    execFileSync("sh", ["-c", "command -v xrootd && command -v cmsd && command -v xrdcp"], {
      stdio: "ignore",
    });
    return undefined;
  } catch {
    return "xrootd is not installed; bash e2e/install.sh installs it";
  }
}

/** xrootd does not run as root; the Debian package brings a user for it. */
export function account(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "xrootd"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** A folder that the servers may read and write. */
export function serverFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "driftline-xrootd-"));
  const user = account();
  chmodSync(folder, 0o755);
  if (user) chownSync(folder, user.uid, user.gid);
  return folder;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Starts a server, with its cmsd where it is part of a cluster, and waits until it says that it is ready. */
export async function startXrootd(config: XrootdConfig = {}): Promise<XrootdServer> {
  const { lines = [], env = {}, cmsPort, port = await freePort() } = config;
  const [folder, own] = [serverFolder(), serverFolder()];
  const user = account();
  for (const path of [join(folder, "data"), join(own, "admin"), join(own, "run")]) {
    mkdirSync(path);
    if (user) chownSync(path, user.uid, user.gid);
  }
  const file = join(own, "xrootd.cfg");
  const all = [
    `xrd.port ${port}`,
    ...(cmsPort === undefined ? [] : ["if exec cmsd", `xrd.port ${cmsPort}`, "fi"]),
    `oss.localroot ${folder}`,
    "all.export /data",
    `all.adminpath ${own}/admin`,
    `all.pidpath ${own}/run`,
    ...lines.map((line) => line.replaceAll("$own", own)),
  ];
  writeFileSync(file, `${all.join("\n")}\n`);
  // An xrootd that does not find its cmsd tries again only after 10 s.
  const programs = cmsPort === undefined ? ["xrootd"] : ["cmsd", "xrootd"];
  const children: ChildProcess[] = [];
  let said = "";

  function start(program: string): Promise<void> {
    const child = spawn(program, ["-c", file, "-n", `port${port}`], {
      ...user,
      cwd: own,
      env: { ...process.env, HOME: own, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.push(child);
    return new Promise((resolve, reject) => {
      let own = "";
      const ready = new RegExp(`^------ ${program} port${port}@.* initialization completed`, "m");
      const late = setTimeout(
        () => reject(new Error(`${program} is not ready after 20 s: ${own}`)),
        20_000,
      ).unref();
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`${program} ended: ${own}`)));
      child.stderr!.setEncoding("utf8").on("data", (text: string) => {
        own += text;
        said += text;
        if (!ready.test(own)) return;
        clearTimeout(late);
        resolve();
      });
    });
  }
  async function end() {
    await Promise.all(
      children.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
      }),
    );
  }
  async function startAll() {
    try {
      for (const program of programs) await start(program);
      // It says so a little before it listens.
      while (!(await answers(port))) await delay(20);
    } catch (error) {
      await end();
      throw error;
    }
  }
  const remove = () => {
    for (const each of [own, folder]) rmSync(each, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await startAll();
  } catch (error) {
    remove();
    throw error;
  }
  return {
    port,
    folder,
    log: () => said,
    kill: end,
    restart: startAll,
    async stop() {
      await end();
      remove();
    },
  };
}
