// What a branch holds: from its leaves, or for a branch of classes from the file's description of the class.

import type { Shape } from "../columns/column.ts";
import { classReader, memberReader, type ObjectReader, readerOf, UnreadableTypeError } from "./classes.ts";
import { arrays, type Collector, listsToEnd, numbers, records, strings } from "./collectors.ts";
import { numberNames, parseCppType } from "./cppTypes.ts";
import type { ClassDescription, FindClass, MemberDescription } from "./descriptions.ts";
import type { Layout } from "./layout.ts";
import type { BranchObject, LeafObject } from "./metadata.ts";
import { formatOfCode, type NumberFormat, plainFormat, shortened } from "./numbers.ts";

interface Described {
  layout: Layout;
  typeName: string;
}

/** A branch of leaves: a number, an array, a string, or a record of them. */
export function layoutOfLeaves(object: BranchObject): Described {
  const leaves = object.fLeaves.arr;
  if (object._typename !== "TBranch" || leaves.length === 0)
    throw new UnreadableTypeError(`is a ${object._typename} without leaves, which this reader does not know`);
  if (leaves.length > 1) return { layout: leafList(leaves), typeName: "leaf list" };
  const [leaf] = leaves;
  if (leaf._typename === "TLeafC")
    return { layout: { kind: "objects", reader: leafReader(leaf) }, typeName: "char*" };
  const format = leafFormat(leaf);
  const dimensions = leafDimensions(leaf);
  const brackets = dimensions.map((length) => `[${length}]`).join("");
  if (leaf.fLeafCount) {
    const counter = leaf.fLeafCount.fName;
    return {
      layout: { kind: "counted", format, dimensions, header: 0, counter },
      typeName: `${format.type}[${counter}]${brackets}`,
    };
  }
  return { layout: { kind: "fixed", format, dimensions }, typeName: `${format.type}${brackets}` };
}

const leafTypes: Record<string, [signed: NumberFormat, unsigned: NumberFormat]> = {
  TLeafO: [plainFormat("bool"), plainFormat("bool")],
  TLeafB: [plainFormat("int8"), plainFormat("uint8")],
  TLeafS: [plainFormat("int16"), plainFormat("uint16")],
  TLeafI: [plainFormat("int32"), plainFormat("uint32")],
  TLeafL: [plainFormat("int64"), plainFormat("uint64")],
  TLeafG: [plainFormat("int64"), plainFormat("uint64")],
  TLeafF: [plainFormat("float32"), plainFormat("float32")],
  TLeafD: [plainFormat("float64"), plainFormat("float64")],
};

function leafFormat(leaf: LeafObject): NumberFormat {
  if (leaf._typename === "TLeafD32") return shortened("float64", leaf.fTitle);
  if (leaf._typename === "TLeafF16") return shortened("float32", leaf.fTitle);
  const formats = Object.hasOwn(leafTypes, leaf._typename) ? leafTypes[leaf._typename] : undefined;
  if (!formats)
    throw new UnreadableTypeError(`has a leaf of class ${leaf._typename}, which this reader does not know`);
  return formats[leaf.fIsUnsigned ? 1 : 0];
}

/** Of "x[n][3][4]" 3 and 4: the title has the lengths of each dimension, fLen their product. */
function leafDimensions(leaf: LeafObject): number[] {
  if (!(leaf.fLen >= 1)) throw new UnreadableTypeError(`has a leaf of ${leaf.fLen} values`);
  const title = leaf.fTitle.replace(/\[[^\]]*,[^\]]*\]/g, "");
  const lengths = Array.from(title.matchAll(/\[(\d+)\]/g), (match) => Number(match[1]));
  if (lengths.reduce((product, length) => product * length, 1) === leaf.fLen) return lengths;
  return leaf.fLen === 1 ? [] : [leaf.fLen];
}

/** The leaves of an entry stand one after another. */
function leafList(leaves: LeafObject[]): Layout {
  const members = leaves.map((leaf) => ({ name: leaf.fName, reader: leafReader(leaf) }));
  const shape: Shape = {
    kind: "record",
    fields: members.map(({ name, reader }) => ({ name, shape: reader.shape })),
  };
  const collect = () => records(members.map(({ name, reader }) => ({ name, collector: reader.collect() })));
  return { kind: "objects", reader: { shape, collect } };
}

function leafReader(leaf: LeafObject): ObjectReader {
  if (leaf.fLeafCount)
    throw new UnreadableTypeError(`has leaf ${leaf.fName}, a counted array, beside other leaves`);
  if (leaf._typename === "TLeafC") return { shape: { kind: "string" }, collect: strings };
  const format = leafFormat(leaf);
  const number: ObjectReader = {
    shape: { kind: "number", type: format.type },
    collect: () => numbers(format),
  };
  return leafDimensions(leaf).reduceRight(
    (content, length) => ({
      shape: { kind: "list", content: content.shape, length },
      collect: () => arrays(content.collect(), length),
    }),
    number,
  );
}

/** Values of TBranchElement::fType. */
const kinds = {
  member: 0,
  base: 1,
  object: 2,
  clones: 3,
  collection: 4,
  clonesMember: 31,
  collectionMember: 41,
};

/** A branch of objects, of their members, or of the members of objects in a collection. */
export function layoutOfElement(object: BranchObject, findClass: FindClass): Described {
  const { fType = 0, fID = -1, fClassName = "", fClassVersion, fCheckSum } = object;
  if (fType === kinds.clones || fType === kinds.collection) {
    // The branch above those of the members holds how many objects an entry has.
    if (object.fBranches.arr.length > 0)
      return { layout: { kind: "fixed", format: plainFormat("int32"), dimensions: [] }, typeName: "int32" };
  } else if (object.fBranches.arr.length > 0)
    throw new UnreadableTypeError(
      `has no values of its own; its members are the branches below it (class ${fClassName})`,
    );
  if (fType === kinds.clones)
    throw new UnreadableTypeError(`is a TClonesArray of ${object.fClonesName} that is not split`);
  if (fID < 0) return wholeObject(fClassName, findClass, fClassVersion);
  const description = findClass(fClassName, fClassVersion, fCheckSum);
  const member = description?.fElements.arr[fID];
  if (!description || !member)
    throw new UnreadableTypeError(`is a member of class ${fClassName}, which the file does not describe`);
  const inCollection = fType === kinds.clonesMember || fType === kinds.collectionMember;
  return inCollection ? collectedMember(member, findClass) : singleMember(member, description, findClass);
}

function wholeObject(className: string, findClass: FindClass, version: number | undefined): Described {
  const type = parseCppType(className);
  if (!type) throw new UnreadableTypeError(`is of class ${className}`);
  const item = type.parameters[0]?.name;
  const format = type.name === "vector" && type.parameters.length > 0 ? itemFormat(item) : null;
  if (format)
    return {
      layout: { kind: "counted", format, dimensions: [], header: 10, counter: null },
      typeName: className,
    };
  const isClass = !findClass(className, version) ? null : classReader(className, findClass, [], version);
  const reader = isClass ?? readerOf(type, findClass, true);
  return { layout: { kind: "objects", reader }, typeName: className };
}

/** The format of a vector's items where they are numbers. */
function itemFormat(name: string): NumberFormat | null {
  if (Object.hasOwn(numberNames, name)) return plainFormat(numberNames[name]);
  if (name === "Double32_t") return plainFormat("float32");
  return null;
}

/** A member of an object that is split: its branch has the member alone. */
function singleMember(member: MemberDescription, parent: ClassDescription, findClass: FindClass): Described {
  const { fType: code, fTypeName: typeName } = member;
  const isArray = code > 20 && code < 40;
  const format = formatOfCode(isArray ? code - 20 : code, member.fTitle);
  if (format)
    return { layout: { kind: "fixed", format, dimensions: isArray ? dimensionsOf(member) : [] }, typeName };
  const counted = code > 40 && code < 60 ? formatOfCode(code - 40, member.fTitle) : null;
  if (counted) {
    const counter = member.fCountName ?? null;
    return { layout: { kind: "counted", format: counted, dimensions: [], header: 1, counter }, typeName };
  }
  const type = parseCppType(typeName);
  const item = type?.name === "vector" && code >= 300 ? itemFormat(type.parameters[0]?.name ?? "") : null;
  if (item)
    return { layout: { kind: "counted", format: item, dimensions: [], header: 10, counter: null }, typeName };
  const { reader } = memberReader(member, findClass, [parent.fName]);
  return {
    layout: { kind: "objects", reader: { shape: reader.shape, collect: () => reader.collect() } },
    typeName,
  };
}

/** A member of all objects of a collection: an entry has it for each of them, as many as fit. */
function collectedMember(member: MemberDescription, findClass: FindClass): Described {
  const { fType: code, fTypeName } = member;
  const typeName = `vector<${fTypeName}>`;
  const isArray = code > 20 && code < 40;
  const format = formatOfCode(isArray ? code - 20 : code, member.fTitle);
  if (format) {
    const dimensions = isArray ? dimensionsOf(member) : [];
    return { layout: { kind: "counted", format, dimensions, header: 0, counter: null }, typeName };
  }
  const type = parseCppType(fTypeName);
  if (!type) throw new UnreadableTypeError(`is of type ${fTypeName}`);
  // One header stands before the collections of all objects of an entry.
  const isCollection = code >= 300;
  const content = isCollection
    ? readerOf(type, findClass, false)
    : memberReader(member, findClass, []).reader;
  const collect = (): Collector => listsToEnd(content.collect(), isCollection);
  return {
    layout: { kind: "objects", reader: { shape: { kind: "list", content: content.shape }, collect } },
    typeName,
  };
}

function dimensionsOf(member: MemberDescription): number[] {
  return member.fArrayDim > 1
    ? Array.from(member.fMaxIndex).slice(0, member.fArrayDim)
    : [member.fArrayLength];
}
