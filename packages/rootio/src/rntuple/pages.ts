// Pages read, checked, decompressed and decoded.

import type { Take } from "../budget.ts";
import { readMerged } from "../bytes/merge.ts";
import type { ByteSource } from "../bytes/source.ts";
import type { Values } from "../columns/column.ts";
import { BlockError, decompress } from "../compression/blocks.ts";
import { isHashLittleEndian, xxhash3 } from "../compression/checksums.ts";
import type { WantedPage } from "./build.ts";
import type { Page } from "./clusters.ts";
import { decodePage, pageBytes } from "./encodings.ts";

/** Reads the wanted pages, each once, into `loaded`. */
export async function loadPages(
  source: ByteSource,
  wanted: WantedPage[],
  loaded: Map<Page, Values>,
  take: Take,
): Promise<void> {
  const pages = [...new Map(wanted.map((want) => [want.page, want])).values()];
  for (const { page, column } of pages) take(pageBytes(page.elements, column.bits));
  const blocks = await readMerged(
    source,
    pages.map(({ page }) => ({
      position: page.position,
      length: page.stored + (page.hasChecksum ? 8 : 0),
    })),
  );
  await Promise.all(
    pages.map(async ({ page, column }, i) => {
      const block = blocks[i].subarray(0, page.stored);
      if (page.hasChecksum && !isHashLittleEndian(xxhash3(block), blocks[i], page.stored))
        throw new BlockError(
          `the checksum of a page of field "${column.fieldName}" at ${page.position} differs`,
        );
      const length = pageBytes(page.elements, column.bits);
      const bytes = length === page.stored ? block : await decompress(block, length);
      loaded.set(page, decodePage(bytes, page.elements, column));
    }),
  );
}
