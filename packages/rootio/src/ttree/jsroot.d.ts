// Types of the few parts of jsroot that read the metadata of a file; the package declares none for these modules.

declare module "jsroot/core" {
  export const internals: { _ZstdStream?: { decompress(bytes: Uint8Array): Uint8Array } };
}

declare module "jsroot/io" {
  export interface Key {
    fName: string;
    fClassName: string;
    fCycle: number;
    fSeekKey: number;
    fNbytes: number;
    fKeylen: number;
    fObjlen: number;
  }
  export interface Directory {
    fKeys: Key[];
  }
  export interface File extends Directory {
    fStreamerInfos: {
      arr: unknown[];
    };
    readObject(name: string, cycle: number): Promise<unknown>;
    readObjBuffer(key: Key): Promise<TBuffer>;
    /** Where it was opened through one. */
    proxy?: FileProxy;
  }
  export class TBuffer {
    constructor(bytes: DataView, position: number, file: File);
    fFile?: File;
    fTagOffset: number;
    arr: DataView;
    length: number;
    readObjectAny(): unknown;
    readTString(): string;
    /** Fills the target with an object of the class, and returns it. */
    classStreamer(target: object, className: string): object;
  }
  export class FileProxy {
    openFile(): Promise<boolean>;
    getFileName(): string;
    getFileSize(): number;
    readBuffer(position: number, length: number): Promise<DataView>;
  }
  export function openFile(proxy: FileProxy): Promise<File>;
}
