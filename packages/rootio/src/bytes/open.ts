// A source for a path or an address.

import { RootError } from "../errors.ts";
import { type HttpOptions, httpSource } from "./http.ts";
import { fileSource } from "./local.ts";
import type { ByteSource } from "./source.ts";

/** Opens a local path, or an address that begins with http:// or https://. Throws RootError `unreadable`. */
export async function openSource(location: string, options: HttpOptions): Promise<ByteSource> {
  const protocol = /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1].toLowerCase();
  if (protocol === undefined) return fileSource(location);
  if (protocol === "http" || protocol === "https") return httpSource(location, options);
  throw new RootError(
    "unreadable",
    { file: location },
    `this library has no source for ${protocol}://; give a source that reads it in place of the address`,
  );
}
