// Where the bytes of a data file come from: a local file, a web server that answers ranges, an XRootD server.

import { type ByteSource, checkInside, fileSource, httpSource, RootError } from "@driftline/rootio";
import { createClient, discoverToken, type XrootdClient, XrootdError } from "@driftline/xrootd";
import { schemeOf, schemeText, withoutSecrets } from "./address.ts";
import { reading, unusable } from "./failure.ts";
import { fingerprintOf } from "./fingerprint.ts";

export interface BytesOptions {
  /**
   * Bearer token for the servers asked, in place of the one that WLCG's discovery finds (BEARER_TOKEN and the places
   * after it). It goes out over encrypted connections only, and to this machine.
   */
  token?: string;
  /** Ends reads under way, with its reason. */
  signal?: AbortSignal;
}

/** Opens a path or address. Throws `invalid_data` where it cannot be had. */
export async function openBytes(location: string, options: BytesOptions = {}): Promise<ByteSource> {
  const source = await reading(location, () => open(location, options), options.signal);
  const named = { ...source, name: withoutSecrets(location) };
  return options.signal ? endedBy(named, options.signal) : named;
}

/** Fingerprint and size of a file as it lies. Throws `invalid_data`. */
export async function identifyFile(
  location: string,
  options: BytesOptions = {},
): Promise<{ fingerprint: string; size: number }> {
  const source = await openBytes(location, options);
  try {
    const fingerprint = await reading(location, () => fingerprintOf(source), options.signal);
    return { fingerprint, size: source.size };
  } finally {
    await source.close();
  }
}

async function open(location: string, { token, signal }: BytesOptions): Promise<ByteSource> {
  const scheme = schemeOf(location);
  if (scheme === "root" || scheme === "roots") return xrootdSource(location, token, signal);
  if (scheme === "http" || scheme === "https")
    return httpSource(location, { token: await httpToken(location, token) });
  const other = schemeText(location);
  if (other === null) return localSource(location);
  throw unusable(
    location,
    `nothing here reads ${other}:// addresses`,
    "Give a path, or an address that begins with https://, http://, root:// or roots://.",
  );
}

async function localSource(path: string): Promise<ByteSource> {
  try {
    return await fileSource(path);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    const problem = { ENOENT: "there is no such file", EACCES: "you may not read it" }[code ?? ""];
    if (problem === undefined) throw error;
    throw unusable(path, problem, "Give the path of a file that exists and can be read.", { cause: error });
  }
}

/** A token in plain HTTP could be read on the way. */
async function httpToken(location: string, token: string | undefined): Promise<string | undefined> {
  const { protocol, hostname } = new URL(location);
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  // A token file that can't be used is no reason not to read what is public.
  if (protocol === "https:") return token ?? (await discoverToken().catch(() => undefined));
  return isHere ? token : undefined;
}

/** Clients with the number of their open files: files of one token share connections, and the last closes them. */
const clients = new Map<string, { client: XrootdClient; users: number }>();

function clientFor(token: string | undefined): { client: XrootdClient; release: () => void } {
  const key = token ?? "";
  const held = clients.get(key) ?? { client: createClient({ token }), users: 0 };
  clients.set(key, held);
  held.users++;
  let released = false;
  return {
    client: held.client,
    release() {
      if (released) return;
      released = true;
      if (--held.users > 0) return;
      clients.delete(key);
      held.client.close();
    },
  };
}

/** What a folder of an XRootD server holds: names of plain files and of folders. Throws `invalid_data`. */
export async function listXrootd(
  url: string,
  { token, signal }: BytesOptions,
): Promise<{ name: string; isFolder: boolean }[]> {
  const { client, release } = clientFor(token);
  try {
    const entries = await reading(url, () => client.list(url, { signal }), signal);
    return entries.map(({ name, isDirectory }) => ({ name, isFolder: isDirectory }));
  } finally {
    release();
  }
}

async function xrootdSource(
  url: string,
  token: string | undefined,
  signal?: AbortSignal,
): Promise<ByteSource> {
  const { client, release } = clientFor(token);
  const file = await client.open(url, { signal }).catch((error) => {
    release();
    throw error;
  });
  const { size, mtime } = file;
  return {
    name: url,
    size,
    identity: `${url} ${size} ${mtime}`,
    async read(ranges) {
      for (const range of ranges) checkInside(range, { name: url, size });
      try {
        return await file.read(ranges, { signal });
      } catch (error) {
        // What reads through a ByteSource knows its errors only.
        if (!(error instanceof XrootdError)) throw error;
        const at = error.server === undefined ? "" : `${error.server}: `;
        throw new RootError("unreadable", { file: url }, `${at}${error.problem}`, error);
      }
    },
    async close() {
      await file.close();
      release();
    },
  };
}

/** The same source, closed by the signal, whose reason its reads then throw. */
function endedBy(source: ByteSource, signal: AbortSignal): ByteSource {
  const end = () => void source.close().catch(() => {});
  signal.addEventListener("abort", end, { once: true });
  return {
    ...source,
    async read(ranges) {
      signal.throwIfAborted();
      try {
        return await source.read(ranges);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
    },
    async close() {
      signal.removeEventListener("abort", end);
      await source.close();
    },
  };
}
