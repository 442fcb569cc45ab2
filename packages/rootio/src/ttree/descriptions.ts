// How a file describes the classes in it: their members with types, as TStreamerInfo and TStreamerElement have them.

/** One member of a class as the file describes it (a TStreamerElement). */
export interface MemberDescription {
  fName: string;
  fTitle: string;
  fType: number;
  fTypeName: string;
  fArrayLength: number;
  fArrayDim: number;
  fMaxIndex: ArrayLike<number>;
  /** Of a base class. */
  fBaseVersion?: number;
  /** Of a pointer to numbers: the member that counts them. */
  fCountName?: string;
}

export interface ClassDescription {
  fName: string;
  fClassVersion: number;
  fCheckSum: number;
  fElements: { arr: MemberDescription[] };
}

/** The description of a class of the file, by version where there are several. */
export type FindClass = (name: string, version?: number, checksum?: number) => ClassDescription | undefined;
