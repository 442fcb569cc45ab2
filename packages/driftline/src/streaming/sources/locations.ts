import { resolve } from "node:path";
export async function listFiles(
  given: string[],
  { directory }: { directory: string; signal?: AbortSignal },
): Promise<string[]> {
  return given.map((one) => (/^[a-z]+:\/\//.test(one) ? one : resolve(directory, one)));
}
