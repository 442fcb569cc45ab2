// What the classes of a tree look like in the versions written here (those of ROOT 6.24), for readers without ROOT.

/** A member: name and type; where its type is an array, the member with its length. */
export type Member =
  | { kind: "base"; name: string; version: number }
  | { kind: "basic"; name: string; type: keyof typeof basicTypes }
  | { kind: "counter"; name: string }
  | { kind: "string"; name: string }
  | { kind: "object" | "plain" | "pointer"; name: string; type: string; size: number }
  | { kind: "array"; name: string; type: keyof typeof basicTypes; count: string };

export interface ClassDescription {
  name: string;
  version: number;
  /** ROOT's checksum over names and types of the members. */
  checksum: number;
  members: Member[];
}

/** Code and size of each type of TStreamerInfo. */
export const basicTypes = {
  char: [1, 1],
  short: [2, 2],
  int: [3, 4],
  float: [5, 4],
  double: [8, 8],
  "unsigned char": [11, 1],
  "unsigned int": [13, 4],
  bits: [15, 4],
  "long long": [16, 8],
  bool: [18, 1],
} as const;

type Basic = keyof typeof basicTypes;
const base = (name: string, version: number): Member => ({ kind: "base", name, version });
const basics = (type: Basic, ...names: string[]) =>
  names.map((name): Member => ({ kind: "basic", name, type }));
const string = (name: string): Member => ({ kind: "string", name });
const counter = (name: string): Member => ({ kind: "counter", name });
const object = (name: string, type: string): Member => ({ kind: "object", name, type, size: 64 });
const plain = (name: string, type: string, size: number): Member => ({ kind: "plain", name, type, size });
const pointer = (name: string, type: string): Member => ({
  kind: "pointer",
  name,
  type: `${type}*`,
  size: 8,
});
const array = (name: string, type: Basic, count: string): Member => ({ kind: "array", name, type, count });

const describe = (name: string, version: number, checksum: number, members: Member[]): ClassDescription => ({
  name,
  version,
  checksum,
  members,
});
const leaf = (letter: string, checksum: number, type: Basic) =>
  describe(`TLeaf${letter}`, 1, checksum, [base("TLeaf", 2), ...basics(type, "fMinimum", "fMaximum")]);

export const classes: ClassDescription[] = [
  describe("TTree", 20, 0x7264e07f, [
    base("TNamed", 1),
    base("TAttLine", 2),
    base("TAttFill", 2),
    base("TAttMarker", 2),
    ...basics("long long", "fEntries", "fTotBytes", "fZipBytes", "fSavedBytes", "fFlushedBytes"),
    ...basics("double", "fWeight"),
    ...basics("int", "fTimerInterval", "fScanField", "fUpdate", "fDefaultEntryOffsetLen"),
    counter("fNClusterRange"),
    ...basics("long long", "fMaxEntries", "fMaxEntryLoop", "fMaxVirtualSize"),
    ...basics("long long", "fAutoSave", "fAutoFlush", "fEstimate"),
    array("fClusterRangeEnd", "long long", "fNClusterRange"),
    array("fClusterSize", "long long", "fNClusterRange"),
    plain("fIOFeatures", "ROOT::TIOFeatures", 1),
    object("fBranches", "TObjArray"),
    object("fLeaves", "TObjArray"),
    pointer("fAliases", "TList"),
    plain("fIndexValues", "TArrayD", 24),
    plain("fIndex", "TArrayI", 24),
    pointer("fTreeIndex", "TVirtualIndex"),
    pointer("fFriends", "TList"),
    pointer("fUserInfo", "TList"),
    pointer("fBranchRef", "TBranchRef"),
  ]),
  describe("TBranch", 13, 0x10978aac, [
    base("TNamed", 1),
    base("TAttFill", 2),
    ...basics("int", "fCompress", "fBasketSize", "fEntryOffsetLen", "fWriteBasket"),
    ...basics("long long", "fEntryNumber"),
    plain("fIOFeatures", "ROOT::TIOFeatures", 1),
    ...basics("int", "fOffset"),
    counter("fMaxBaskets"),
    ...basics("int", "fSplitLevel"),
    ...basics("long long", "fEntries", "fFirstEntry", "fTotBytes", "fZipBytes"),
    object("fBranches", "TObjArray"),
    object("fLeaves", "TObjArray"),
    object("fBaskets", "TObjArray"),
    array("fBasketBytes", "int", "fMaxBaskets"),
    array("fBasketEntry", "long long", "fMaxBaskets"),
    array("fBasketSeek", "long long", "fMaxBaskets"),
    string("fFileName"),
  ]),
  describe("TLeaf", 2, 0x6d1e8152, [
    base("TNamed", 1),
    ...basics("int", "fLen", "fLenType", "fOffset"),
    ...basics("bool", "fIsRange", "fIsUnsigned"),
    pointer("fLeafCount", "TLeaf"),
  ]),
  leaf("O", 0x02ae48d3, "bool"),
  leaf("B", 0x0f1e4b5e, "char"),
  leaf("S", 0x150ceecf, "short"),
  leaf("I", 0x7e6aae19, "int"),
  leaf("L", 0xde320862, "long long"),
  leaf("F", 0x3add9d72, "float"),
  leaf("D", 0x118e8776, "double"),
  leaf("C", 0xfbe3b2f3, "int"),
  describe("TNamed", 1, 0xdfb74a3c, [base("TObject", 1), string("fName"), string("fTitle")]),
  describe("TObject", 1, 0x901bc02d, [
    ...basics("unsigned int", "fUniqueID"),
    { kind: "basic", name: "fBits", type: "bits" },
  ]),
  describe("TAttLine", 2, 0x94074549, basics("short", "fLineColor", "fLineStyle", "fLineWidth")),
  describe("TAttFill", 2, 0xffd92a92, basics("short", "fFillColor", "fFillStyle")),
  describe("TAttMarker", 2, 0x291d8bec, [
    ...basics("short", "fMarkerColor", "fMarkerStyle"),
    ...basics("float", "fMarkerSize"),
  ]),
  describe("ROOT::TIOFeatures", 1, 0x1aa12f10, basics("unsigned char", "fIOBits")),
  describe("TObjArray", 3, 0xa99e6552, [base("TSeqCollection", 0), ...basics("int", "fLowerBound", "fLast")]),
  describe("TSeqCollection", 0, 0xfc6c3bc6, [base("TCollection", 3)]),
  describe("TCollection", 3, 0x57e3cb9c, [base("TObject", 1), string("fName"), ...basics("int", "fSize")]),
];
