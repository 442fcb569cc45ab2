// A cluster: a manager that sends on to two data servers, waits that it asks for, a server that dies, circles of managers.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, XrootdError } from "@driftline/xrootd";
import { freePort, missingXrootd, startXrootd, type XrootdServer } from "../servers/xrootd.ts";

const skip = missingXrootd() ?? false;
const servers: XrootdServer[] = [];
let manager: XrootdServer;
let data: XrootdServer[];
let at: string;
const client = createClient({ timeoutMs: 10_000 });
const content = randomBytes(8 * 1024 * 1024);

before(async () => {
  if (skip) return;
  const cmsPort = await freePort();
  const delays = "cms.delay startup 1 servers 1 lookup 1 full 1 drop 1 suspend 1 service 1";
  const lines = [`all.manager localhost:${cmsPort}`, delays];
  manager = await startXrootd({ cmsPort, lines: ["all.role manager", ...lines] });
  servers.push(manager);
  const start = async () => startXrootd({ cmsPort: await freePort(), lines: ["all.role server", ...lines] });
  data = await Promise.all([start(), start()]);
  servers.push(...data);
  data.forEach(({ folder }, i) => {
    writeFileSync(join(folder, `data/only${i}`), content.subarray(i));
    writeFileSync(join(folder, "data/both"), content);
    // Copies of a file have one time only where whoever made them saw to it.
    utimesSync(join(folder, "data/both"), 1_700_000_000, 1_700_000_000);
  });
  at = `root://localhost:${manager.port}//data`;
  // The manager's words when its servers have reported; before that it asks to come back in 10 s.
  for (const { log } of data) while (!log().includes("active + nostaging")) await delay(20);
  while (!manager.log().includes("Status changed to active")) await delay(20);
});
after(async () => {
  client.close();
  for (const server of servers) await server.stop();
});

test("a manager sends on to the server that has the file", { skip }, async () => {
  for (const i of [0, 1]) {
    const file = await client.open(`${at}/only${i}`);
    assert.match(file.server, new RegExp(`:${data[i].port}$`));
    const [bytes] = await file.read([{ position: 0, length: file.size }]);
    assert.ok(content.subarray(i).equals(bytes));
    assert.equal((await client.stat(`${at}/only${i}`)).size, content.length - i);
    await file.close();
  }
});

test("a list holds what all servers have, each name once", { skip }, async () => {
  assert.deepEqual(
    (await client.list(at)).map(({ name, size }) => [name, size]),
    [
      ["both", content.length],
      ["only0", content.length],
      ["only1", content.length - 1],
    ],
  );
});

test("a file that no server has is known after the wait that the manager asks for", { skip }, async () => {
  const began = performance.now();
  await assert.rejects(
    client.open(`${at}/none`),
    (error) => error instanceof XrootdError && error.kind === "not_found" && error.serverCode === 3011,
  );
  assert.ok(performance.now() - began > 900, "it waited");
  const hasty = createClient({ waitLimitMs: 500 });
  await assert.rejects(
    hasty.open(`${at}/none-either`),
    /open: the server asks for another 1 s, more than 0\.5 s in all/,
  );
  hasty.close();
  const stop = new AbortController();
  const opening = client.open(`${at}/nor-this`, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 100);
  await assert.rejects(opening, /enough/);
});

test("when a data server dies the read goes on at the other", { skip }, async () => {
  const file = await client.open(`${at}/both`);
  const first = data.find(({ port }) => file.server.endsWith(`:${port}`))!;
  const [head] = await file.read([{ position: 0, length: 1000 }]);
  await first.kill();
  const [rest] = await file.read([{ position: 1000, length: file.size - 1000 }]);
  assert.ok(content.equals(Buffer.concat([head, rest])));
  assert.ok(!file.server.endsWith(`:${first.port}`));
  await file.close();
});

test("managers that send in circles are an error", { skip }, async () => {
  const ports = [await freePort(), await freePort()];
  const circle = await Promise.all(
    ports.map((port, i) => startXrootd({ port, lines: [`xrootd.redirect localhost:${ports[1 - i]} /data`] })),
  );
  servers.push(...circle);
  const error = await client.open(`root://localhost:${ports[0]}//data/x`).then(
    () => assert.fail("it opened"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof XrootdError);
  assert.equal(error.kind, "redirects");
  assert.match(error.message, /sent on 16 times, last to localhost:\d+, localhost:\d+/);
});
