// Names of C++ types, as ROOT writes them, taken apart.

import type { ElementType } from "../columns/column.ts";

/** `vector<pair<int,string> >` is vector of pair of int and string. */
export interface CppType {
  name: string;
  parameters: CppType[];
}

export const numberNames: Record<string, ElementType> = {
  bool: "bool",
  Bool_t: "bool",
  char: "int8",
  Char_t: "int8",
  "signed char": "int8",
  int8_t: "int8",
  "unsigned char": "uint8",
  UChar_t: "uint8",
  uint8_t: "uint8",
  short: "int16",
  Short_t: "int16",
  int16_t: "int16",
  "unsigned short": "uint16",
  UShort_t: "uint16",
  uint16_t: "uint16",
  int: "int32",
  Int_t: "int32",
  int32_t: "int32",
  unsigned: "uint32",
  "unsigned int": "uint32",
  UInt_t: "uint32",
  uint32_t: "uint32",
  long: "int64",
  Long_t: "int64",
  "unsigned long": "uint64",
  ULong_t: "uint64",
  "long long": "int64",
  "unsigned long long": "uint64",
  Long64_t: "int64",
  ULong64_t: "uint64",
  int64_t: "int64",
  uint64_t: "uint64",
  float: "float32",
  Float_t: "float32",
  double: "float64",
  Double_t: "float64",
};

/** Null for what is no type name. */
export function parseCppType(text: string): CppType | null {
  let at = 0;
  const type = (depth: number): CppType | null => {
    const start = at;
    while (at < text.length && !"<>,".includes(text[at])) at++;
    const name = text
      .slice(start, at)
      .replace(/\b(const|volatile|class|struct|enum)\b/g, "")
      .replace(/^\s*(::)?std::/, "")
      .replace(/\s+/g, " ")
      .trim();
    const parameters: CppType[] = [];
    if (depth > 20) return null;
    if (text[at] === "<") {
      do {
        at++;
        const parameter = type(depth + 1);
        if (!parameter) return null;
        parameters.push(parameter);
      } while (text[at] === ",");
      if (text[at] !== ">") return null;
      at++;
      // What follows the brackets: a star or reference, or a nested name, which makes another type of it.
      const tail = at;
      while (at < text.length && !"<>,".includes(text[at])) at++;
      const rest = text.slice(tail, at).trim();
      if (rest !== "") return { name: `${text.slice(start, at).trim()}`, parameters: [] };
    }
    return name === "" ? null : { name, parameters };
  };
  const parsed = type(0);
  return parsed && at === text.length ? parsed : null;
}

export function formatCppType({ name, parameters }: CppType): string {
  return parameters.length === 0 ? name : `${name}<${parameters.map(formatCppType).join(",")}>`;
}
