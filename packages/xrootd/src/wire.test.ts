// A peer that misbehaves: silence, torn answers, late answers, waits, redirects with data to hand on, lies about lengths.

import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, test } from "node:test";
import { createClient, type XrootdClient, type XrootdOptions } from "./client.ts";
import { XrootdError } from "./errors.ts";

interface Request {
  stream: number;
  number: number;
  /** The 16 bytes of arguments. */
  head: Buffer;
  data: string;
}

const [ok, okSoFar, attention, error, redirect, wait, waitForResponse] = [
  0, 4000, 4001, 4003, 4004, 4005, 4006,
];
const [close, protocol, login, open, read, stat] = [3003, 3006, 3007, 3010, 3013, 3017];

function frame(stream: number, status: number, body: Uint8Array | string = "", claimed?: number): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
  const head = Buffer.alloc(8);
  head.writeUInt16BE(stream, 0);
  head.writeUInt16BE(status, 2);
  head.writeInt32BE(claimed ?? bytes.length, 4);
  return Buffer.concat([head, bytes]);
}
function numbered(number: number, text = ""): Buffer {
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeInt32BE(number);
  bytes.write(text, 4, "latin1");
  return bytes;
}

const running: (Server | XrootdClient)[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const each of running.splice(0)) each.close();
  for (const socket of sockets) socket.destroy();
});

/** Answers greeting, protocol and login as a server without any demands does, and the rest as told. */
async function peer(answer: (request: Request, socket: Socket, seen: Request[]) => Buffer | undefined) {
  const seen: Request[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let bytes = Buffer.alloc(0);
    let greeted = false;
    socket.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      if (!greeted && bytes.length >= 20) {
        greeted = true;
        bytes = bytes.subarray(20);
        socket.write(frame(0, ok, Buffer.from([0, 0, 5, 0x11, 0, 0, 0, 1])));
      }
      while (greeted && bytes.length >= 24) {
        const end = 24 + bytes.readInt32BE(20);
        if (bytes.length < end) return;
        const request = {
          stream: bytes.readUInt16BE(0),
          number: bytes.readUInt16BE(2),
          head: Buffer.from(bytes.subarray(4, 20)),
          data: bytes.toString("latin1", 24, end),
        };
        bytes = bytes.subarray(end);
        seen.push(request);
        const said = answer(request, socket, seen) ?? usual(request);
        if (said) socket.write(said);
      }
    });
  });
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return { port: address.port, url: `root://127.0.0.1:${address.port}//file`, seen };
}

const size = 100_000;
const described = `1 ${size} 16 1700000000`;
function usual({ stream, number }: Request): Buffer | undefined {
  if (number === protocol) return frame(stream, ok, Buffer.from([0, 0, 5, 0x11, 0, 0, 0, 1]));
  if (number === login) return frame(stream, ok, Buffer.alloc(16));
  if (number === open)
    return frame(stream, ok, Buffer.concat([Buffer.from("hndl"), Buffer.alloc(8), Buffer.from(described)]));
  if (number === close) return frame(stream, ok);
  return undefined;
}

function client(options: XrootdOptions = {}): XrootdClient {
  const made = createClient({ timeoutMs: 5000, retries: 1, ...options });
  running.push(made);
  return made;
}

async function problem(promise: Promise<unknown>): Promise<XrootdError> {
  const failure = await promise.then(
    () => assert.fail("it worked"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof XrootdError, String(failure));
  return failure;
}

test("a peer that says nothing is given up", async () => {
  const server = createServer((socket) => sockets.add(socket));
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const failure = await problem(client({ timeoutMs: 300 }).stat(`root://127.0.0.1:${port}//file`));
  assert.equal(failure.kind, "timeout");
  assert.match(failure.message, /not logged in within 0\.3 s \(tried 2 times\)/);
});

test("another protocol is named as what it is not", async () => {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const failure = await problem(client().stat(`root://127.0.0.1:${port}//file`));
  assert.equal(failure.kind, "protocol");
  assert.match(failure.message, /Check that the port is that of an XRootD server/);
});

test("a read that is never answered ends in time, also where the server talks of other things", async () => {
  const { url } = await peer(({ number }, socket) => {
    if (number === read) {
      const chatter = setInterval(() => socket.write(frame(0, attention, numbered(5002, "hello"))), 50);
      socket.once("close", () => clearInterval(chatter));
    }
    return undefined;
  });
  const file = await client({ timeoutMs: 300 }).open(url);
  const failure = await problem(file.read([{ position: 0, length: 10 }]));
  assert.equal(failure.kind, "timeout");
  assert.match(failure.message, /read: no answer for 0\.3 s/);
});

test("an answer that comes slowly but steadily is waited for", async () => {
  const { url } = await peer(({ number, stream }, socket) => {
    if (number !== read) return undefined;
    socket.write(frame(stream, ok, "", 10));
    const pieces = ["01", "23", "45", "67", "89"];
    const drip = setInterval(() => {
      const piece = pieces.shift();
      if (piece === undefined) clearInterval(drip);
      else socket.write(piece);
    }, 300);
    return undefined;
  });
  const file = await client({ timeoutMs: 1000 }).open(url);
  const [got] = await file.read([{ position: 0, length: 10 }]);
  assert.equal(Buffer.from(got).toString(), "0123456789");
});

test("an answer may come late, inside a notice, when the server said so", async () => {
  const { url } = await peer(({ number, stream }, socket) => {
    if (number !== stat) return undefined;
    const inner = frame(stream, ok, described);
    setTimeout(
      () => socket.write(frame(0, attention, Buffer.concat([numbered(5008, "\0\0\0\0"), inner]))),
      1200,
    );
    return frame(stream, waitForResponse, numbered(1));
  });
  // Longer than the 0.5 s after which silence would be an error.
  assert.equal((await client({ timeoutMs: 500 }).stat(url)).size, size);
});

test("a request is sent again after the wait that the server asks for", async () => {
  const { url, seen } = await peer(({ number, stream }, _, seen) => {
    if (number !== stat) return undefined;
    return seen.filter((each) => each.number === stat).length < 3
      ? frame(stream, wait, numbered(0, "busy"))
      : frame(stream, ok, described);
  });
  assert.equal((await client().stat(url)).size, size);
  assert.equal(seen.filter(({ number }) => number === stat).length, 3);
  const slow = await peer(({ number, stream }) =>
    number === stat ? frame(stream, wait, numbered(2 ** 31 - 1, "come\x1b[2J back")) : undefined,
  );
  assert.match(
    (await problem(client().stat(slow.url))).message,
    /another 2147483647 s \(come \[2J back\), more than 600 s in all/,
  );
});

test("a read waits as the server asks, within the limit", async () => {
  const { url, seen } = await peer(({ number, stream }, _, seen) => {
    if (number !== read) return undefined;
    return seen.filter((each) => each.number === read).length === 1
      ? frame(stream, wait, numbered(0))
      : frame(stream, wait, numbered(60, "tape"));
  });
  const file = await client({ waitLimitMs: 1000 }).open(url);
  const failure = await problem(file.read([{ position: 0, length: 10 }]));
  assert.match(failure.message, /read: the server asks for another 60 s \(tape\), more than 1 s in all/);
  assert.equal(seen.filter(({ number }) => number === read).length, 2);
});

test("redirects hand on opaque data to the path and a token to the login", async () => {
  const target = await peer(({ number, stream }) =>
    number === stat ? frame(stream, ok, described) : undefined,
  );
  const first = await peer(({ number, stream }) =>
    number === stat
      ? frame(stream, redirect, numbered(target.port, "127.0.0.1?cap=1&own=new?the-token"))
      : undefined,
  );
  await client().stat(`${first.url}?own=old&authz=x`);
  const asked = (number: number) => target.seen.find((each) => each.number === number);
  assert.equal(asked(stat)?.data, "/file?own=new&authz=x&cap=1");
  assert.equal(asked(login)?.data, "the-token");
});

test("the manager hears which server failed", async () => {
  const lost = await peer(({ number, stream }) =>
    number === open ? frame(stream, error, numbered(3011, "not here")) : undefined,
  );
  const manager = await peer(({ number, stream, data }) => {
    if (number !== open || data.includes("tried=")) return undefined;
    return frame(stream, redirect, numbered(lost.port, "127.0.0.1"));
  });
  assert.equal((await client().open(manager.url)).server, `127.0.0.1:${manager.port}`);
  const opens = manager.seen.filter(({ number }) => number === open);
  assert.deepEqual(
    opens.map(({ data }) => data),
    ["/file", "/file?tried=127.0.0.1&triedrc=enoent"],
  );
  const refresh = 0x80;
  assert.deepEqual(
    opens.map(({ head }) => head.readUInt16BE(2) & refresh),
    [0, refresh],
  );
});

test("many reads whose server is gone for a while all fail, and later ones go on", async () => {
  let gone = true;
  const { url } = await peer(({ number, stream, head }, socket, seen) => {
    if (gone && (number === read || (number === open && seen.some((each) => each.number === read)))) {
      socket.destroy();
      return undefined;
    }
    return number === read ? frame(stream, ok, Buffer.alloc(head.readInt32BE(12), "x")) : undefined;
  });
  const file = await client().open(url);
  const range = [{ position: 0, length: 10 }];
  const outcomes = await Promise.allSettled([file.read(range), file.read(range), file.read(range)]);
  for (const outcome of outcomes)
    assert.equal(outcome.status === "rejected" && outcome.reason.kind, "unreachable");
  gone = false;
  assert.equal(Buffer.from((await file.read(range))[0]).toString(), "xxxxxxxxxx");
});

test("an answer that breaks off is asked for again, whole", async () => {
  let reads = 0;
  const bytes = Buffer.alloc(size, "abcdefg");
  const { url, seen } = await peer(({ number, stream }, socket) => {
    if (number !== read) return undefined;
    reads++;
    if (reads > 1)
      return Buffer.concat([
        frame(stream, okSoFar, bytes.subarray(0, 10)),
        frame(stream, ok, bytes.subarray(10)),
      ]);
    socket.end(frame(stream, ok, Buffer.alloc(50_000, "z"), size));
    return undefined;
  });
  const file = await client().open(url);
  const [got] = await file.read([{ position: 0, length: size }]);
  assert.ok(bytes.equals(got));
  assert.equal(seen.filter(({ number }) => number === open).length, 2);
});

test("a handle that the server forgot is opened again", async () => {
  let reads = 0;
  const { url } = await peer(({ number, stream }) => {
    if (number !== read) return undefined;
    reads++;
    return reads === 1
      ? frame(stream, error, numbered(3004, "no such handle"))
      : frame(stream, ok, "0123456789");
  });
  const file = await client().open(url);
  const [got] = await file.read([{ position: 0, length: 10 }]);
  assert.equal(Buffer.from(got).toString(), "0123456789");
});

for (const [what, answer, kind] of [
  ["fewer bytes than there are", (stream: number) => frame(stream, ok, "short"), "changed"],
  ["more bytes than asked for", (stream: number) => frame(stream, ok, "0123456789x"), "protocol"],
  ["a length of 2 GB", (stream: number) => frame(stream, ok, "", 2 ** 31 - 1), "protocol"],
  ["a negative length", (stream: number) => frame(stream, ok, "", -5), "protocol"],
  ["an answer to another question", (stream: number) => frame(stream + 9, ok, "0123456789"), "protocol"],
  ["an error without a number", (stream: number) => frame(stream, error, "x"), "protocol"],
  [
    "a late answer in pieces",
    (stream: number) => frame(stream, attention, numbered(5008, "1234567890ab")),
    "protocol",
  ],
] as const) {
  test(`a read that is answered by ${what} is an error`, async () => {
    const { url } = await peer(({ number, stream }) => (number === read ? answer(stream) : undefined));
    const file = await client().open(url);
    assert.equal((await problem(file.read([{ position: 0, length: 10 }]))).kind, kind);
  });
}

test("an answer of endless parts is refused before it fills memory", async () => {
  const { url } = await peer(({ number, stream }, socket) => {
    if (number !== stat) return undefined;
    const part = frame(stream, okSoFar, Buffer.alloc(1024 * 1024));
    const more = () => {
      while (!socket.destroyed && socket.write(part));
      if (!socket.destroyed) socket.once("drain", more);
    };
    more();
    return undefined;
  });
  assert.match((await problem(client().stat(url))).message, /an answer has \d+ bytes and may have 67108864/);
});
