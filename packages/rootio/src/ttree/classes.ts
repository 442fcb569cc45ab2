// From C++ types and the file's descriptions of classes to readers of their objects.

import type { Shape } from "../columns/column.ts";
import {
  arrays,
  type Collector,
  type ListBegin,
  lists,
  type MemberCollector,
  type NumberCollector,
  numbers,
  records,
  strings,
} from "./collectors.ts";
import { type CppType, formatCppType, numberNames, parseCppType } from "./cppTypes.ts";
import type { ClassDescription, FindClass, MemberDescription } from "./descriptions.ts";
import { formatOfCode, plainFormat, shortened } from "./numbers.ts";
import type { ObjectBytes } from "./objectBytes.ts";

/** What reads objects of a type. */
export interface ObjectReader {
  shape: Shape;
  collect(): Collector;
}

/** A type that this reader does not read; the message is about that type. */
export class UnreadableTypeError extends Error {}

const listTypes = [
  "vector",
  "list",
  "deque",
  "set",
  "multiset",
  "unordered_set",
  "unordered_multiset",
  "forward_list",
  "RVec",
  "ROOT::VecOps::RVec",
];
const mapTypes = ["map", "multimap", "unordered_map", "unordered_multimap"];

/** `header`: whether byte count and version stand before a collection or string: not for items of a collection. */
export function readerOf(
  type: CppType,
  findClass: FindClass,
  header: boolean,
  above: string[] = [],
): ObjectReader {
  const { name, parameters } = type;
  if (name.endsWith("*")) throw new UnreadableTypeError(`holds pointers, ${formatCppType(type)}`);
  if (Object.hasOwn(numberNames, name)) return numberReader(plainFormat(numberNames[name]));
  if (name === "Double32_t") return numberReader(plainFormat("float32"));
  if (name === "Float16_t") return numberReader(shortened("float32", ""));
  if (name === "string") return header ? behindHeader(stringReader, "std::string") : stringReader;
  if (name === "TString") return stringReader;
  if (name === "bitset") throw new UnreadableTypeError(`is of class ${formatCppType(type)}`);
  if (listTypes.includes(name) && parameters.length > 0)
    return listReader(readerOf(parameters[0], findClass, false, above), header);
  if (mapTypes.includes(name) && parameters.length > 1)
    return listReader(pairReader(parameters, findClass, above), header);
  if (name === "pair" && parameters.length === 2) return pairReader(parameters, findClass, above);
  return classReader(formatCppType(type), findClass, above);
}

const stringReader: ObjectReader = { shape: { kind: "string" }, collect: strings };

function numberReader(format: Parameters<typeof numbers>[0]): ObjectReader {
  return { shape: { kind: "number", type: format.type }, collect: () => numbers(format) };
}

function behindHeader(reader: ObjectReader, what: string): ObjectReader {
  return {
    shape: reader.shape,
    collect: () => {
      const collector = reader.collect();
      const read = (bytes: ObjectBytes) => {
        const header = bytes.header();
        collector.read(bytes);
        bytes.checkEnd(header, what);
      };
      return { read, finish: collector.finish };
    },
  };
}

/** Items with their number before them, after the collection's header where it has one. */
function listReader(content: ObjectReader, hasHeader: boolean): ObjectReader {
  const check = () => {};
  const plain = (bytes: ObjectBytes): ListBegin => ({ items: bytes.count(), byMember: false, check });
  const headed = (bytes: ObjectBytes): ListBegin => {
    const header = bytes.header();
    // What is written member by member begins with the version of the items' class, or 0 and its checksum.
    if (header.memberwise && bytes.uint16() === 0) bytes.skip(4);
    return {
      items: bytes.count(),
      byMember: header.memberwise,
      check: () => bytes.checkEnd(header, "a collection"),
    };
  };
  return {
    shape: { kind: "list", content: content.shape },
    collect: () => lists(content.collect(), hasHeader ? headed : plain),
  };
}

function pairReader(parameters: CppType[], findClass: FindClass, above: string[]): ObjectReader {
  const members = ["first", "second"].map((name, i) => ({
    name,
    reader: readerOf(parameters[i], findClass, false, above),
  }));
  return {
    shape: recordShape(members),
    collect: () => records(members.map(({ name, reader }) => ({ name, collector: reader.collect() }))),
  };
}

interface MemberReader {
  /** Empty for a base class. */
  name: string;
  reader: ObjectReader;
}

function recordShape(members: MemberReader[]): Shape {
  const fields = members.flatMap(({ name, reader: { shape } }) =>
    name !== "" ? [{ name, shape }] : shape.kind === "record" ? shape.fields : [],
  );
  return { kind: "record", fields: [...new Map(fields.map((field) => [field.name, field])).values()] };
}

/** An object with its header, by the members that the file describes. */
export function classReader(
  name: string,
  findClass: FindClass,
  above: string[],
  version?: number,
): ObjectReader {
  if (name === "TObject") return { shape: { kind: "record", fields: [] }, collect: tObject };
  const description = findClass(name, version);
  if (!description) throw new UnreadableTypeError(`is of class ${name}, which the file does not describe`);
  // A class can hold itself only through pointers and collections; what is nested without end is not data.
  if (above.includes(name)) throw new UnreadableTypeError(`is of class ${name}, which holds itself`);
  const members = memberReaders(description, findClass, [...above, name]);
  return {
    shape: recordShape(members.map(({ name, reader }) => ({ name, reader }))),
    collect: () => {
      const collectors = new Map<string, Collector>();
      const list = members.map(({ name, reader, counter }): MemberCollector => {
        const collector = counter ? reader.collect(collectors.get(counter)) : reader.collect();
        collectors.set(name, collector);
        return { name, collector };
      });
      const record = records(list);
      return {
        ...record,
        read: (bytes) => {
          const header = bytes.header();
          if (header.version === 0 && header.end !== null) bytes.skip(4); // the checksum of a class without a version
          record.read(bytes);
          bytes.checkEnd(header, name);
        },
      };
    },
  };
}

interface CountedReader {
  name: string;
  reader: { shape: Shape; collect(counter?: Collector): Collector };
  counter?: string;
}

function memberReaders(
  description: ClassDescription,
  findClass: FindClass,
  above: string[],
): CountedReader[] {
  return description.fElements.arr.map((member) => {
    try {
      return memberReader(member, findClass, above);
    } catch (error) {
      if (!(error instanceof UnreadableTypeError)) throw error;
      throw new UnreadableTypeError(
        `has member ${member.fName} of class ${description.fName}, which ${error.message}`,
      );
    }
  });
}

const offsetL = 20; // fixed array
const offsetP = 40; // pointer to counted values
const codes = { base: 0, object: 61, any: 62, tString: 65, tObject: 66, tNamed: 67, stl: 300 };

/** The reader of one member of a streamed object. */
export function memberReader(
  member: MemberDescription,
  findClass: FindClass,
  above: string[],
): CountedReader {
  const { fName: name, fType: code, fTypeName: typeName, fTitle: title } = member;
  if (code === codes.base) {
    if (parseCppType(name)?.parameters.length && listTypes.includes(parseCppType(name)!.name))
      throw new UnreadableTypeError(`is a base class that is a collection, ${name}`);
    return { name: "", reader: classReader(name, findClass, above, member.fBaseVersion) };
  }
  if (code > offsetP && code < offsetP + 20) {
    const format = formatOfCode(code - offsetP, title);
    if (!format || !member.fCountName) throw new UnreadableTypeError(`is a pointer, ${typeName}`);
    const reader = {
      shape: { kind: "list", content: { kind: "number", type: format.type } } as Shape,
      collect: (counter?: Collector) => {
        if (!counter || !("last" in counter))
          throw new UnreadableTypeError(`is counted by no number, ${typeName}`);
        const check = () => {};
        // A byte says whether there are values at all.
        return lists(numbers(format), (bytes) => {
          const items = bytes.uint8() === 0 ? 0 : (counter as NumberCollector).last();
          return { items, byMember: false, check };
        });
      },
    };
    return { name, reader, counter: member.fCountName };
  }
  const isArray = code > offsetL && code < offsetP;
  const format = formatOfCode(isArray ? code - offsetL : code, title);
  if (format)
    return { name, reader: isArray ? arrayReader(numberReader(format), member) : numberReader(format) };
  if (code === codes.tString) return { name, reader: stringReader };
  if (code === codes.tString + offsetL) return { name, reader: arrayReader(stringReader, member) };
  const type = parseCppType(typeName);
  if (!type) throw new UnreadableTypeError(`is of type ${typeName}`);
  switch (code) {
    case codes.object:
    case codes.any:
    case codes.tObject:
    case codes.tNamed:
      return { name, reader: classReader(formatCppType(type), findClass, above) };
    case codes.object + offsetL:
    case codes.any + offsetL:
      return { name, reader: arrayReader(classReader(formatCppType(type), findClass, above), member) };
    case codes.stl:
    case 365: // std::string
    case 500: // written by the class's own streamer, as collections are
      if (code === 500 && type.name !== "string" && type.parameters.length === 0)
        throw new UnreadableTypeError(`is written by the own streamer of class ${typeName}`);
      return { name, reader: readerOf(type, findClass, true, above) };
    default:
      throw new UnreadableTypeError(`is of type ${typeName} (code ${code})`);
  }
}

/** A fixed array of one or several dimensions. */
function arrayReader(item: ObjectReader, member: MemberDescription): ObjectReader {
  const lengths =
    member.fArrayDim > 1 ? Array.from(member.fMaxIndex).slice(0, member.fArrayDim) : [member.fArrayLength];
  return lengths.reduceRight<ObjectReader>(
    (content, length) => ({
      shape: { kind: "list", content: content.shape, length },
      collect: () => arrays(content.collect(), length),
    }),
    item,
  );
}

/** TObject has neither byte count nor members that are data; objects that others refer to have two bytes more. */
function tObject(): Collector {
  return behindNothing((bytes) => {
    const header = bytes.header();
    bytes.skip(4);
    const isReferenced = bytes.uint32() & 0x10;
    if (isReferenced) bytes.skip(2);
    bytes.checkEnd(header, "TObject");
  });
}

function behindNothing(read: (bytes: ObjectBytes) => void): Collector {
  let length = 0;
  return {
    read: (bytes) => {
      read(bytes);
      length++;
    },
    finish: () => ({ kind: "record", length, fields: new Map() }),
  };
}
