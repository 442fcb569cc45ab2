// The metadata of a file, read by jsroot from our bytes: its trees, and of each TTree the branches and their baskets.

import { zstdDecompressSync } from "node:zlib";
import { internals } from "jsroot/core";
import { type Directory, type File, FileProxy, type Key, openFile, TBuffer } from "jsroot/io";
import { type ByteSource, checkInside } from "../bytes/source.ts";
import { BlockError, decompress } from "../compression/blocks.ts";
import { RootError } from "../errors.ts";
import type { ClassDescription, FindClass } from "./descriptions.ts";

// jsroot would load a package for this; Node has Zstandard itself.
internals._ZstdStream = { decompress: (bytes) => zstdDecompressSync(bytes) };

// jsroot prints on standard output what it stumbles over in a damaged object, and results belong there; and where a
// damaged byte count leads it back to where it has been, it goes on for ever. Streaming an object is synchronous: while
// the outermost call lasts, nothing is printed, and the objects within it are counted. Each takes at least a few bytes.
const { classStreamer, readObjectAny } = TBuffer.prototype;
let depth = 0;
let objectsLeft = 0;
TBuffer.prototype.classStreamer = function (target, className) {
  const { log, warn, error } = console;
  if (depth === 0) objectsLeft = this.length + 1000;
  // jsroot opens a file and reads its classes before it hands the file over: its first object is the place to see
  // that from the start all objects are decompressed by our own code, which checks and names what is wrong.
  const { fFile: file } = this;
  if (file?.proxy instanceof SourceProxy && !Object.hasOwn(file, "readObjBuffer")) {
    const { source } = file.proxy;
    file.readObjBuffer = (key) => readObject(source, file, key);
  }
  console.log = console.warn = console.error = () => {};
  depth++;
  try {
    countObject();
    return classStreamer.call(this, target, className);
  } catch (failure) {
    // The list of class descriptions is the only list streamed by itself. jsroot would go on without it, and say so
    // on standard error; without its array it fails.
    if (depth > 1 || className !== "TList") throw failure;
    return Object.assign(target, { arr: undefined });
  } finally {
    depth--;
    Object.assign(console, { log, warn, error });
  }
};
TBuffer.prototype.readObjectAny = function () {
  countObject();
  return readObjectAny.call(this);
};

// jsroot takes the bytes of names and titles for Latin-1; they are UTF-8 wherever that fits.
const { readTString } = TBuffer.prototype;
const utf8 = new TextDecoder("utf-8", { fatal: true });
TBuffer.prototype.readTString = function () {
  const text = readTString.call(this);
  if (!/[\u0080-\u00ff]/.test(text)) return text;
  try {
    return utf8.decode(Buffer.from(text, "latin1"));
  } catch {
    return text;
  }
};

function countObject(): void {
  if (--objectsLeft < 0) throw new BlockError("an object holds more objects than bytes");
}

/** What jsroot gives for a leaf, a basket within the tree, a branch and a tree: the members that are used here. */
export interface LeafObject {
  _typename: string;
  fName: string;
  fTitle: string;
  /** Values of one entry, or of one element of a counted array. */
  fLen: number;
  fIsUnsigned: boolean;
  fLeafCount: LeafObject | null;
}

export interface EmbeddedBasket {
  fKeylen: number;
  fNevBuf: number;
  fLast: number;
  fEntryOffset?: ArrayLike<number>;
  /** Content without the key; absent where it is empty. */
  fBufferRef?: TBuffer;
}

export interface BranchObject {
  _typename: string;
  fName: string;
  fEntries: number;
  fWriteBasket: number;
  fBasketBytes: ArrayLike<number>;
  fBasketEntry: ArrayLike<number>;
  fBasketSeek: ArrayLike<number>;
  fFileName?: string;
  fLeaves: { arr: LeafObject[] };
  fBranches: { arr: BranchObject[] };
  fBaskets: { arr: (EmbeddedBasket | null)[] };
  /** From here on of a TBranchElement only. */
  fClassName?: string;
  fClonesName?: string;
  fClassVersion?: number;
  fCheckSum?: number;
  /** Whether the branch is of an object, of a member, of a collection or of a member of its items. */
  fType?: number;
  /** Which member of the class; -1 for an object of the class itself. */
  fID?: number;
}

export interface TreeObject {
  fName: string;
  fEntries: number;
  fBranches: { arr: BranchObject[] };
}

export interface TreeKey {
  /** Path within the file: directories and name. */
  name: string;
  className: string;
  cycle: number;
  /** False where a later cycle of the same name exists. */
  newest: boolean;
}

export interface Metadata {
  /** All trees in the order of the file, all cycles. */
  trees: TreeKey[];
  /** Names and classes of everything else, for messages. */
  others: { name: string; className: string }[];
  /** Reads a TTree and applies `use`, in which an inconsistency of the metadata may throw anything. */
  readTree<T>(tree: TreeKey, use: (object: TreeObject, findClass: FindClass) => T): Promise<T>;
  /** The bytes of the object that says where the parts of an RNTuple lie. */
  readAnchor(tree: TreeKey): Promise<Uint8Array>;
}

export const ntupleClass = "ROOT::RNTuple";
const treeClasses = ["TTree", "TNtuple", "TNtupleD", ntupleClass];
const directoryClasses = ["TDirectory", "TDirectoryFile"];

/** Reads the header, the keys and the descriptions of classes. Throws `not_root` or `damaged`. */
export async function readMetadata(source: ByteSource): Promise<Metadata> {
  const where = { file: source.name };
  const [header] = await source.read([{ position: 0, length: Math.min(20, source.size) }]);
  if (new TextDecoder("latin1").decode(header.subarray(0, 4)) !== "root")
    throw new RootError("not_root", where, 'is not a ROOT file (it does not begin with "root")');
  const end = endOfFile(header);
  if (end === null || end > source.size)
    throw new RootError(
      "damaged",
      where,
      `is truncated or damaged: it has ${source.size} bytes and its header says ${end ?? "nothing"}`,
    );
  const file = await attempt(source, {}, () => openFile(new SourceProxy(source)));
  const trees: TreeKey[] = [];
  const keys = new Map<TreeKey, Key>();
  const others: Metadata["others"] = [];
  const visited = new Set<number>();
  const walk = async (directory: Directory, path: string) => {
    const newest = newestCycles(directory.fKeys);
    for (const key of directory.fKeys) {
      const name = path + key.fName;
      const isNewest = newest.get(key.fName) === key;
      if (treeClasses.includes(key.fClassName)) {
        const tree = { name, className: key.fClassName, cycle: key.fCycle, newest: isNewest };
        trees.push(tree);
        keys.set(tree, key);
      } else if (key.fName !== "StreamerInfo" && isNewest) others.push({ name, className: key.fClassName });
      if (directoryClasses.includes(key.fClassName) && isNewest && !visited.has(key.fSeekKey)) {
        visited.add(key.fSeekKey);
        await walk((await file.readObject(name, key.fCycle)) as Directory, `${name}/`);
      }
    }
  };
  await attempt(source, {}, () => walk(file, ""));
  const findClass: FindClass = (name, version, checksum) => {
    const all = file.fStreamerInfos.arr as ClassDescription[];
    const classes = all.filter((info) => info.fName === name);
    return (
      classes.find((info) => info.fCheckSum === checksum) ??
      classes.find((info) => info.fClassVersion === version) ??
      classes[0]
    );
  };
  return {
    trees,
    others,
    readTree: (tree, use) =>
      attempt(source, { tree: tree.name }, async () => {
        return use((await file.readObject(tree.name, tree.cycle)) as TreeObject, findClass);
      }),
    readAnchor: (tree) => attempt(source, { tree: tree.name }, async () => readKey(source, keys.get(tree)!)),
  };
}

/** Where the file ends, after its magic word, version and first record; large files have 8 bytes for it. */
function endOfFile(header: Uint8Array): number | null {
  if (header.length < 20) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return view.getUint32(4) < 1_000_000 ? view.getUint32(12) : Number(view.getBigUint64(12));
}

class SourceProxy extends FileProxy {
  readonly source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.source = source;
  }

  override async openFile() {
    return true;
  }

  override getFileName() {
    return this.source.name;
  }

  override getFileSize() {
    return this.source.size;
  }

  override async readBuffer(position: number, length: number) {
    // jsroot asks for a fixed number of bytes at the start, which a small file may not have.
    const inside = position < 1024 ? Math.min(length, this.source.size - position) : length;
    const [bytes] = await this.source.read([{ position, length: inside }]);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** The most that the object of a tree or directory may have: what is decompressed in one piece. */
const largestObject = 512 * 1024 * 1024;

/** The content of a key, decompressed by our own code, which checks it and names what is wrong. */
async function readKey(source: ByteSource, key: Key): Promise<Uint8Array> {
  const range = { position: key.fSeekKey + key.fKeylen, length: key.fNbytes - key.fKeylen };
  checkInside(range, source);
  if (!(key.fObjlen <= largestObject)) throw new BlockError(`an object claims ${key.fObjlen} bytes`);
  const [block] = await source.read([range]);
  return key.fObjlen === block.length ? block : decompress(block, key.fObjlen);
}

async function readObject(source: ByteSource, file: File, key: Key): Promise<TBuffer> {
  const bytes = await readKey(source, key);
  const buffer = new TBuffer(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, file);
  buffer.fTagOffset = key.fKeylen;
  return buffer;
}

/** By name. */
function newestCycles(keys: Key[]): Map<string, Key> {
  const newest = new Map<string, Key>();
  for (const key of keys) {
    const known = newest.get(key.fName);
    if (!known || known.fCycle < key.fCycle) newest.set(key.fName, key);
  }
  return newest;
}

async function attempt<T>(source: ByteSource, where: { tree?: string }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RootError) throw error;
    const at = { file: source.name, ...where };
    const reason = error instanceof BlockError ? ` (${error.message})` : "";
    throw new RootError(
      "damaged",
      at,
      `its metadata cannot be read: it is truncated or damaged${reason}`,
      error,
    );
  }
}
