// The requests of this client as bytes: a header of 24 bytes (stream, number, 16 of arguments, length) and what follows.
// Numbers and layouts are those of the XRootD protocol reference, version 5.1.

import type { ByteRange } from "./plan.ts";

const numbers = {
  auth: 3000,
  query: 3001,
  close: 3003,
  dirlist: 3004,
  protocol: 3006,
  login: 3007,
  open: 3010,
  read: 3013,
  stat: 3017,
  readv: 3025,
  locate: 3027,
};

/** What a server knows an open file by: four bytes. */
export type FileHandle = Uint8Array;

/** A request whose first two bytes, the stream's number, are filled in when it is sent. */
function request(number: number, data: Uint8Array | string, fill?: (header: Buffer) => void): Buffer {
  const body = typeof data === "string" ? Buffer.from(data) : data;
  const header = Buffer.alloc(24 + body.length);
  header.writeUInt16BE(number, 2);
  fill?.(header);
  header.writeInt32BE(body.length, 20);
  header.set(body, 24);
  return header;
}

/** The first 20 bytes on a new connection. */
export function handshake(): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeInt32BE(4, 12);
  bytes.writeInt32BE(2012, 16);
  return bytes;
}

const version = 0x511;

export function protocolRequest(wantTls: boolean): Buffer {
  const [ableTls, wantTlsNow, expectLogin] = [0x02, 0x04, 0x03];
  return request(numbers.protocol, "", (header) => {
    header.writeInt32BE(version, 4);
    header[8] = ableTls | (wantTls ? wantTlsNow : 0);
    header[9] = expectLogin;
  });
}

/** `token` is what a redirecting server asked to hand on. */
export function loginRequest(user: string, token: string): Buffer {
  const [fullUrl, multiProtocol, readRedirect, ipv6] = [1, 2, 4, 8];
  const [asynchronous, tlsCapable] = [0x80, 5];
  return request(numbers.login, token, (header) => {
    header.writeInt32BE(process.pid & 0x7fffffff, 4);
    header.write(user.slice(0, 8), 8, 8, "latin1");
    header[17] = fullUrl | multiProtocol | readRedirect | ipv6;
    header[18] = asynchronous | tlsCapable;
  });
}

export function authRequest(protocol: string, credentials: Uint8Array): Buffer {
  return request(numbers.auth, credentials, (header) => {
    header.write(protocol.slice(0, 4), 16, 4, "latin1");
  });
}

/** Opens for reading and asks for size and times; `refresh` makes a manager look again where the file is. */
export function openRequest(path: string, refresh: boolean): Buffer {
  const [again, read, statToo] = [0x80, 0x10, 0x400];
  return request(numbers.open, path, (header) => {
    header.writeUInt16BE(read | statToo | (refresh ? again : 0), 6);
  });
}

export function statRequest(path: string): Buffer {
  return request(numbers.stat, path);
}

export function closeRequest(handle: FileHandle): Buffer {
  return request(numbers.close, "", (header) => header.set(handle, 4));
}

export function readRequest(handle: FileHandle, { position, length }: ByteRange): Buffer {
  return request(numbers.read, "", (header) => {
    header.set(handle, 4);
    header.writeBigInt64BE(BigInt(position), 8);
    header.writeInt32BE(length, 16);
  });
}

/** Many ranges in one request; planReads() keeps to the limits of their number and length. */
export function readVectorRequest(handle: FileHandle, ranges: ByteRange[]): Buffer {
  const list = Buffer.alloc(16 * ranges.length);
  ranges.forEach(({ position, length }, i) => {
    list.set(handle, 16 * i);
    list.writeInt32BE(length, 16 * i + 4);
    list.writeBigInt64BE(BigInt(position), 16 * i + 8);
  });
  return request(numbers.readv, list);
}

/** Names of a folder with what stat says of each. */
export function listRequest(path: string): Buffer {
  const withStat = 2;
  return request(numbers.dirlist, path, (header) => {
    header[19] = withStat;
  });
}

export function checksumRequest(path: string): Buffer {
  const checksum = 3;
  return request(numbers.query, path, (header) => header.writeUInt16BE(checksum, 4));
}

/** Which servers hold a folder, all of them, by name; asked of managers. */
export function locateRequest(folder: string): Buffer {
  const byName = 0x100;
  return request(numbers.locate, `*${folder}`, (header) => header.writeUInt16BE(byName, 4));
}
