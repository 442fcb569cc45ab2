// How many of something, in words.

/** `1 model`, `2 models`; nouns here take an s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
