// Which addresses of files a client may name: those in folders of other servers that the operator allows.

import { fail } from "../errors/registry.ts";

/** Every scheme, so that none is taken for a path. */
export const isAddress = (location: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(location);

/**
 * The address as it will be asked, if it lies in one of the folders; throws `forbidden`. The server that it names is the
 * operator's choice, and where that one redirects to as well; a client chooses the rest of the path alone.
 */
export function allowedAddress(given: string, folders: string[]): string {
  const address = plainAddress(given);
  if (address !== null && folders.some((folder) => address.startsWith(plainAddress(folder) ?? "\0")))
    return address;
  throw fail(
    "forbidden",
    `${given} is not in a folder of another server whose files clients of this server may name.`,
    {
      field: "data.files",
      remedy: `Folders: ${folders.join(", ") || "none"}. Put the file there, or have server.dataAddresses (DRIFTLINE_SERVER_DATA_ADDRESSES) name its folder.`,
    },
  );
}

/**
 * Scheme and host in lower case and nothing left that could lead out of a folder or to another server: no user, dots,
 * globs, query, fragment, backslash, control characters, nor escapes of them. null where there is such a thing.
 */
function plainAddress(given: string): string | null {
  const [, scheme, host, path] = /^([a-z]+):\/\/([a-z0-9.:[\]-]+)(\/.*)$/is.exec(given) ?? [];
  if (path === undefined || !/^(?:https?|x?roots?)$/i.test(scheme)) return null;
  if (/[\s\p{Cc}\\?#@*]/u.test(path) || /%(?:2e|2f|5c|25|00|3f|23|2a)/i.test(path)) return null;
  if (path.split("/").some((part) => part === "." || part === "..")) return null;
  const isWeb = /^http/i.test(scheme);
  // A web server's default port and spelling of the host are as URL has them.
  if (isWeb && !URL.canParse(given)) return null;
  return isWeb ? new URL(given).href : `${scheme.toLowerCase()}://${host.toLowerCase()}${path}`;
}
