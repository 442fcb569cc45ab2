// Writes a ROOT file: flat TTrees, basket by basket, under a temporary name until all is there.

import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import type { BasketLimits, FullBasket } from "./basket.ts";
import type { WrittenBranch } from "./branch.ts";
import { type Compression, compressBlock, compressionCodes } from "./compress.ts";
import { WriteError } from "./errors.ts";
import { ObjectBytes } from "./objectBytes.ts";
import {
  datime,
  directoryBytes,
  firstRecord,
  freeBytes,
  headerBytes,
  type KeyFields,
  keyBytes,
  keyLength,
} from "./records.ts";
import { fileSink } from "./sink.ts";
import { streamerInfoBytes } from "./streamerInfo.ts";
import {
  type BranchPlan,
  basketMembers,
  createTree,
  type OpenTree,
  type TreeOptions,
  type TreeWriter,
} from "./tree.ts";

export interface RootFileWriter {
  /** A new tree. Throws WriteError `unsupported` naming the branch that a flat tree cannot hold. */
  tree(name: string, branches: BranchPlan[], options?: TreeOptions): TreeWriter;
  /** Writes what is left; from then on there is a file of the name. Gives its size. Throws WriteError. */
  close(): Promise<{ bytes: number }>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
}

export interface CreateOptions {
  /** zlib by default, which everything that reads ROOT files reads. */
  compression?: Compression;
}

/** Baskets that are compressed at a time, in threads where Node has them. */
const inFlight = 4;

/** A file that does not exist yet. Throws WriteError: `exists` or `unwritable`. */
export async function createRootFile(
  path: string,
  { compression = "zlib" }: CreateOptions = {},
): Promise<RootFileWriter> {
  const sink = await fileSink(path);
  const name = basename(path);
  const uuid = Buffer.from(randomUUID().replaceAll("-", ""), "hex");
  const time = datime(new Date());
  const fileKey = { className: "TFile", name, title: "", parent: firstRecord, time };
  const trees: OpenTree[] = [];

  // Name and title stand once in the record's key and once in its object.
  const names = new ObjectBytes();
  names.string(name);
  names.string("");
  const nameBytes = keyLength(fileKey, false) + names.bytes.length;
  const directoryLength = directoryBytes({ time, nameBytes, keys: { position: 0, bytes: 0 }, uuid }).length;
  let end = firstRecord + nameBytes + directoryLength;

  /** Appends a record. `fields` are those of its key. */
  const append = async (
    fields: Omit<KeyFields, "position" | "objectBytes" | "storedBytes">,
    object: Uint8Array,
    stored = object,
  ) => {
    const position = end;
    const key = { ...fields, objectBytes: object.length, storedBytes: stored.length, position };
    const bytes = Buffer.concat([keyBytes(key), stored]);
    end += bytes.length;
    await sink.write(bytes, position);
    return { position, bytes: bytes.length, key };
  };

  const queue: {
    tree: string;
    branch: WrittenBranch;
    basket: FullBasket;
    limits: BasketLimits;
    stored: Promise<Uint8Array>;
  }[] = [];
  const storeFirst = async () => {
    const { tree, branch, basket, limits, stored } = queue.shift()!;
    const extra = new ObjectBytes();
    const key = {
      className: "TBasket",
      name: branch.name,
      title: tree,
      parent: firstRecord,
      time,
      big: true,
      cycle: 0,
    };
    const length = keyLength({ ...key, extra: new Uint8Array(basketMembers) }, true);
    extra.i16(3);
    extra.i32(limits.bytes, basket.entrySize, basket.entries, length + basket.border);
    extra.u8(0);
    const record = await append({ ...key, extra: extra.bytes }, basket.content, await stored);
    branch.baskets.push({ bytes: record.bytes, firstEntry: basket.firstEntry, position: record.position });
    branch.totalBytes += length + basket.content.length;
    branch.storedBytes += record.bytes;
  };
  const drain = async () => {
    while (queue.length > 0) await storeFirst();
  };
  const abort = async () => {
    await Promise.allSettled(queue.splice(0).map(({ stored }) => stored));
    await sink.abort();
  };

  return {
    tree: (treeName, branches, options = {}) => {
      if (treeName === "" || /[/;]/.test(treeName) || trees.some((tree) => tree.name === treeName))
        throw new WriteError(
          "unsupported",
          { file: path, tree: treeName },
          'cannot be the name of a tree: it is empty, there already, or has "/" or ";"',
          "Give the tree another name.",
        );
      const host = {
        file: path,
        store: async (branch: WrittenBranch, basket: FullBasket, limits: BasketLimits) => {
          const stored = compressBlock(basket.content, compression);
          stored.catch(() => {}); // seen when its turn comes
          queue.push({ tree: treeName, branch, basket, limits, stored });
          if (queue.length > inFlight) await storeFirst();
        },
        drain,
        abort,
      };
      const tree = createTree(host, treeName, branches, options);
      trees.push(tree);
      return tree;
    },
    close: async () => {
      try {
        const keys: Buffer[] = [];
        for (const tree of trees) {
          await tree.finish();
          const key = {
            className: "TTree",
            name: tree.name,
            title: tree.title,
            parent: firstRecord,
            time,
            big: true,
          };
          const object = tree.object(keyLength(key, true));
          const record = await append(key, object, await compressBlock(object, compression));
          keys.push(keyBytes(record.key));
        }
        const infoKey = {
          className: "TList",
          name: "StreamerInfo",
          title: "Doubly linked list",
          parent: firstRecord,
          time,
          big: true,
        };
        const infos = streamerInfoBytes(keyLength(infoKey, true));
        const info = await append(infoKey, infos, await compressBlock(infos, compression));
        const count = Buffer.alloc(4);
        count.writeInt32BE(keys.length);
        const list = await append({ ...fileKey, big: true }, Buffer.concat([count, ...keys]));
        const free = await append({ ...fileKey, big: true }, freeBytes(end + keyLength(fileKey, true)));
        const directory = directoryBytes({ time, nameBytes, keys: list, uuid });
        const rootObject = Buffer.concat([names.bytes, directory]);
        const rootKey = { ...fileKey, parent: 0, position: firstRecord };
        const sizes = { objectBytes: rootObject.length, storedBytes: rootObject.length };
        await sink.write(Buffer.concat([keyBytes({ ...rootKey, ...sizes }), rootObject]), firstRecord);
        const code = compressionCodes[compression];
        const header = headerBytes({ end, free, info, nameBytes, compression: code, uuid });
        await sink.write(Buffer.concat([header, Buffer.alloc(firstRecord - header.length)]), 0);
        await sink.close();
        return { bytes: end };
      } catch (error) {
        await abort();
        throw error;
      }
    },
    abort,
  };
}
