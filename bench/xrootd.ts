// Reading over root:// from a server on this machine, against the local file and against xrdcp: node bench/xrootd.ts [--mb 400]
// Three works: the whole file, many short ranges, and short ranges that are decompressed as a reader of ROOT files does.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { deflateSync, inflateSync } from "node:zlib";
import { type ByteRange, createClient } from "@driftline/xrootd";
import { missingXrootd, startXrootd } from "../e2e/servers/xrootd.ts";

const { values } = parseArgs({
  options: { mb: { type: "string", default: "400" }, runs: { type: "string", default: "7" } },
});
const [megabytes, runs] = [Number(values.mb), Number(values.runs)];
const million = 1e6;

interface Source {
  size: number;
  read(ranges: ByteRange[]): Promise<Uint8Array[]>;
}

function local(file: FileHandle, size: number): Source {
  return {
    size,
    read: (ranges) =>
      Promise.all(
        ranges.map(async ({ position, length }) => {
          const bytes = new Uint8Array(length);
          await file.read(bytes, 0, length, position);
          return bytes;
        }),
      ),
  };
}

/** Reads group after group, the next while one is worked on, and returns the bytes that came. */
async function through(
  source: Source,
  groups: ByteRange[][],
  work: (bytes: Uint8Array) => void,
): Promise<number> {
  let bytes = 0;
  let next = source.read(groups[0]);
  for (let i = 0; i < groups.length; i++) {
    const parts = await next;
    if (i + 1 < groups.length) next = source.read(groups[i + 1]);
    for (const part of parts) {
      work(part);
      bytes += part.length;
    }
  }
  return bytes;
}

/** `ranges` in groups of about 8 MB. */
function grouped(ranges: ByteRange[]): ByteRange[][] {
  const groups: ByteRange[][] = [[]];
  let bytes = 0;
  for (const range of ranges) {
    if (bytes + range.length > 8 * million && groups.at(-1)!.length > 0) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(range);
    bytes += range.length;
  }
  return groups;
}

const median = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

async function seconds(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

const missing = missingXrootd();
if (missing) throw new Error(missing);
const server = await startXrootd();
const client = createClient();
try {
  // Baskets of 32 kB floats of about 12 significant bits, as detectors give them, in zlib at ROOT's usual level.
  const path = join(server.folder, "data/baskets");
  const baskets: ByteRange[] = [];
  const out = openSync(path, "w");
  for (let at = 0; at < (megabytes / 4) * million; ) {
    const floats = Float32Array.from(
      new Uint16Array(randomBytes(16_384).buffer, 0, 8192),
      (word) => (word & 0xfff) / 8,
    );
    const packed = deflateSync(new Uint8Array(floats.buffer), { level: 1 });
    baskets.push({ position: at, length: packed.length });
    at += writeSync(out, packed);
  }
  closeSync(out);
  const plain = join(server.folder, "data/plain");
  writeFileSync(plain, randomBytes(megabytes * million));
  const url = (name: string) => `root://localhost:${server.port}//data/${name}`;

  const [plainFile, basketFile] = [await open(plain), await open(path)];
  const [plainRemote, basketRemote] = [await client.open(url("plain")), await client.open(url("baskets"))];
  const [plainLocal, basketLocal] = [
    local(plainFile, plainRemote.size),
    local(basketFile, basketRemote.size),
  ];
  const whole = grouped(
    Array.from({ length: Math.ceil(plainLocal.size / (8 * million)) }, (_, i) => ({
      position: i * 8 * million,
      length: Math.min(8 * million, plainLocal.size - i * 8 * million),
    })),
  );
  // Every third piece of 10 kB: what a few branches of many are in a file.
  const short = grouped(
    Array.from({ length: Math.floor(plainLocal.size / 30_000) }, (_, i) => ({
      position: i * 30_000,
      length: 10_000,
    })),
  );
  const nothing = () => {};
  const works: [string, number, () => Promise<unknown>, () => Promise<unknown>][] = [
    [
      "whole file",
      plainLocal.size,
      () => through(plainLocal, whole, nothing),
      () => through(plainRemote, whole, nothing),
    ],
    [
      "ranges of 10 kB",
      short.flat().length * 10_000,
      () => through(plainLocal, short, nothing),
      () => through(plainRemote, short, nothing),
    ],
    [
      "baskets, decompressed",
      basketLocal.size,
      () => through(basketLocal, grouped(baskets), inflateSync),
      () => through(basketRemote, grouped(baskets), inflateSync),
    ],
  ];
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, load ${loadavg()[0].toFixed(1)}; median of ${runs}, files cached; MB/s of the file`,
  );
  for (const [name, bytes, here, there] of works) {
    const [localRuns, remoteRuns]: number[][] = [[], []];
    for (let i = 0; i < runs; i++) {
      localRuns.push(await seconds(here));
      remoteRuns.push(await seconds(there));
    }
    const [localRate, remoteRate] = [localRuns, remoteRuns].map((all) => bytes / median(all) / million);
    console.log(
      `  ${name.padEnd(22)} local ${localRate.toFixed(0).padStart(5)}  root:// ${remoteRate.toFixed(0).padStart(5)}  (${((remoteRate / localRate) * 100).toFixed(0)} %)`,
    );
  }
  const copies: number[] = [];
  const ours: number[] = [];
  for (let i = 0; i < runs; i++) {
    copies.push(await seconds(() => execFileSync("xrdcp", ["-f", "-s", url("plain"), "/dev/null"])));
    ours.push(
      await seconds(() =>
        execFileSync(process.execPath, [join(import.meta.dirname, "xrootd/copy.ts"), url("plain")]),
      ),
    );
  }
  const [xrdcp, copy] = [copies, ours].map((all) => plainLocal.size / median(all) / million);
  console.log(
    `  whole file as a process of its own, start included: xrdcp ${xrdcp.toFixed(0)}, this client ${copy.toFixed(0)}`,
  );
  for (const each of [plainFile, basketFile, plainRemote, basketRemote]) await each.close();
} finally {
  client.close();
  await server.stop();
}
