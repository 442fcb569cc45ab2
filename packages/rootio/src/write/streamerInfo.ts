// The record "StreamerInfo": descriptions of the classes that the file's objects are of.

import { basicTypes, type ClassDescription, classes, type Member } from "./classes.ts";
import { ObjectBytes } from "./objectBytes.ts";

/** A TList of one TStreamerInfo for each class. */
export function streamerInfoBytes(keyLength: number): Buffer {
  const out = new ObjectBytes(keyLength);
  out.object(5, () => {
    out.tObject();
    out.string("");
    out.i32(classes.length);
    for (const description of classes) {
      out.pointed("TStreamerInfo", () => writeInfo(out, description));
      out.string(""); // the option that a TList keeps for each object
    }
  });
  return out.bytes;
}

function writeInfo(out: ObjectBytes, { name, version, checksum, members }: ClassDescription): void {
  out.object(9, () => {
    out.tNamed(name, "");
    out.u32(checksum);
    out.i32(version);
    out.pointed("TObjArray", () =>
      out.objArray(members.length, () => {
        for (const member of members) writeMember(out, member, { name, version });
      }),
    );
  });
}

const checksums = new Map(classes.map(({ name, checksum }) => [name, checksum]));

function writeMember(out: ObjectBytes, member: Member, owner: { name: string; version: number }): void {
  const element = (type: number, size: number, typeName: string, title = "", checksum = 0) =>
    out.object(4, () => {
      out.tNamed(member.name, title);
      out.i32(type, size, 0, 0);
      out.i32(0, checksum, 0, 0, 0); // of a base, ROOT keeps its checksum where dimensions would be
      out.string(typeName);
    });
  switch (member.kind) {
    case "base": {
      const type = { TObject: 66, TNamed: 67 }[member.name] ?? 0;
      out.pointed("TStreamerBase", () =>
        out.object(3, () => {
          element(type, 0, "BASE", "", checksums.get(member.name));
          out.i32(member.version);
        }),
      );
      return;
    }
    case "basic": {
      const [type, size] = basicTypes[member.type];
      const typeName = member.type === "bits" ? "unsigned int" : member.type;
      out.pointed("TStreamerBasicType", () => out.object(2, () => element(type, size, typeName)));
      return;
    }
    case "counter":
      out.pointed("TStreamerBasicType", () => out.object(2, () => element(6, 4, "int")));
      return;
    case "string":
      out.pointed("TStreamerString", () => out.object(2, () => element(65, 24, "TString")));
      return;
    case "array": {
      const [type] = basicTypes[member.type];
      out.pointed("TStreamerBasicPointer", () =>
        out.object(2, () => {
          element(type + 40, basicTypes[member.type][1], `${member.type}*`, `[${member.count}]`);
          out.i32(owner.version);
          out.string(member.count);
          out.string(owner.name);
        }),
      );
      return;
    }
    default: {
      const [className, type] = {
        object: ["TStreamerObject", 61] as const,
        plain: ["TStreamerObjectAny", 62] as const,
        pointer: ["TStreamerObjectPointer", 64] as const,
      }[member.kind];
      out.pointed(className, () => out.object(2, () => element(type, member.size, member.type)));
    }
  }
}
