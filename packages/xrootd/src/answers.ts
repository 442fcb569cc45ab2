// What the bodies of answers say: open, stat, folder lists, checksums, places, redirects, protocol.

import { violation } from "./errors.ts";
import { defaultPort, type Endpoint, hostPort, parseUrl } from "./url.ts";

export interface Stat {
  size: number;
  /** Time of the last change, whole seconds since 1970. */
  mtime: number;
  isDirectory: boolean;
  /** On tape or otherwise not at hand; opening it may take long. */
  isOffline: boolean;
  isReadable: boolean;
}

const statFlags = { directory: 2, offline: 8, readable: 16 };

/** "id size flags mtime", with more behind in newer servers; the end may be a zero byte. */
export function parseStat(text: string, server: string): Stat {
  const [, size, flags, mtime] = text.replace(/\0.*$/s, "").trim().split(/\s+/);
  const stat = { size: Number(size), flags: Number(flags), mtime: Number(mtime) };
  if (
    !Number.isSafeInteger(stat.size) ||
    stat.size < 0 ||
    !Number.isInteger(stat.flags) ||
    !Number.isInteger(stat.mtime)
  )
    throw violation(
      server,
      `the server described a file by ${JSON.stringify(text.slice(0, 100))}, which has no size, flags and time`,
    );
  return {
    size: stat.size,
    mtime: stat.mtime,
    isDirectory: (stat.flags & statFlags.directory) !== 0,
    isOffline: (stat.flags & statFlags.offline) !== 0,
    isReadable: (stat.flags & statFlags.readable) !== 0,
  };
}

/** Handle (4 bytes), compression (8 bytes, unused), then what stat says. */
export function parseOpen(body: Buffer, server: string): { handle: Uint8Array; stat: Stat } {
  if (body.length < 12)
    throw violation(
      server,
      `the answer to open has ${body.length} bytes and not the 12 and more that it needs`,
    );
  return { handle: new Uint8Array(body.subarray(0, 4)), stat: parseStat(body.toString("utf8", 12), server) };
}

export interface Entry extends Stat {
  name: string;
}

/** Lines in turn of name and stat, after a first pair that says that stats follow; without it names alone. */
export function parseList(body: Buffer, server: string): Entry[] {
  const lines = body.toString("utf8").replace(/\0+$/, "").split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) return [];
  if (lines[0] !== "." || lines[1] === undefined || !/^0 0 0 0/.test(lines[1]))
    throw violation(server, "the server lists names without sizes; it is older than this client knows");
  const entries: Entry[] = [];
  for (let i = 2; i < lines.length; i += 2) {
    const name = lines[i];
    if (name === "." || name === "..") continue;
    if (name === "" || name.includes("/"))
      throw violation(server, `the list has the name ${JSON.stringify(name)}`);
    entries.push({ name, ...parseStat(lines[i + 1] ?? "", server) });
  }
  return entries;
}

export interface Checksum {
  /** "adler32", "crc32", "md5", … as the server names it. */
  algorithm: string;
  /** Hexadecimal digits. */
  value: string;
}

export function parseChecksum(body: Buffer, server: string): Checksum {
  const text = body.toString("utf8").replace(/\0.*$/s, "");
  const found = /^([\w-]+)\s+([\da-fA-F]+)\s*$/.exec(text);
  if (!found)
    throw violation(
      server,
      `the checksum is ${JSON.stringify(text.slice(0, 100))}, not an algorithm and a value`,
    );
  return { algorithm: found[1], value: found[2].toLowerCase() };
}

export interface Place {
  /** A manager has to be asked again; a server holds the path. */
  isManager: boolean;
  host: string;
  port: number;
}

/** Servers write an IPv4 address as [::1.2.3.4] or [::ffff:1.2.3.4] to clients that know IPv6. */
function plainAddress(host: string): string {
  return host.replace(/^::(?:ffff:)?(\d+\.\d+\.\d+\.\d+)$/i, "$1");
}

/** "Srhost:port Mwhost:port": a letter for manager or server (small: not there at the moment), one for access. */
export function parsePlaces(body: Buffer, server: string): Place[] {
  const places: Place[] = [];
  for (const word of body.toString("utf8").replace(/\0.*$/s, "").split(/\s+/)) {
    const found = /^([MS])[rw](.+:\d+)$/.exec(word);
    if (!found) continue;
    const { host, port } = answeredUrl(`root://${found[2]}`, server);
    places.push({ isManager: found[1] === "M", host: plainAddress(host), port });
  }
  return places;
}

export interface Redirect {
  host: string;
  port: number;
  /** The connection must be encrypted; undefined where the redirect leaves that as it is. */
  tls?: boolean;
  user?: string;
  /** Another path, where the redirect names one. */
  path?: string;
  /** To be added to the path's own opaque data. */
  opaque: string;
  /** To be shown at login to the next server. */
  token: string;
}

/** port, then host?opaque?token; a negative port says that a whole address stands in the host's place. */
export function parseRedirect(body: Buffer, server: string): Redirect {
  if (body.length < 5) throw violation(server, `a redirect of ${body.length} bytes names no server`);
  const port = body.readInt32BE(0);
  const text = body.toString("utf8", 4).replace(/\0.*$/s, "");
  const [place, opaque = "", ...token] = text.split("?");
  const rest = { opaque: opaque.replace(/^&/, ""), token: token.join("?") };
  if (port >= 0) {
    const host = place.replace(/^\[(.*)\]$/, "$1");
    // Looked at as the addresses of a caller are; anything but a host would move the port.
    const checked = answeredUrl(`root://${hostPort({ host, port: port || defaultPort })}/`, server);
    if (hostPort(checked) !== hostPort({ host, port: port || defaultPort }))
      throw violation(
        server,
        `the server sends on to ${JSON.stringify(place.slice(0, 200))}, which is no host`,
      );
    return { host: plainAddress(checked.host), port: checked.port, ...rest };
  }
  const url = answeredUrl(place, server);
  return {
    host: plainAddress(url.host),
    port: url.port,
    tls: url.tls || undefined,
    user: url.user || undefined,
    path: url.path || undefined,
    ...rest,
  };
}

function answeredUrl(url: string, server: string): Endpoint & { path: string } {
  try {
    return parseUrl(url);
  } catch {
    throw violation(
      server,
      `the server names ${JSON.stringify(url.slice(0, 200))}, which is no address that this client knows`,
    );
  }
}

/** Flags of a server, from its answer to the protocol request. */
export interface ServerFlags {
  isManager: boolean;
  hasTls: boolean;
  /** The connection is encrypted from the next byte. */
  tlsNow: boolean;
  /** To be encrypted before login, or at the latest after it. */
  tlsForLogin: boolean;
  tlsForSession: boolean;
}

export function parseProtocol(body: Buffer, server: string): ServerFlags {
  if (body.length < 8) throw violation(server, `the answer to protocol has ${body.length} bytes, not 8`);
  const flags = body.readUInt32BE(4);
  const has = (bit: number) => (flags & bit) !== 0;
  return {
    isManager: has(0x2),
    hasTls: has(0x80000000),
    tlsNow: has(0x40000000),
    tlsForLogin: has(0x04000000),
    tlsForSession: has(0x08000000),
  };
}
