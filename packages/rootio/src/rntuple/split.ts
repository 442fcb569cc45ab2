// Split pages: all first bytes of the elements, then all second bytes, and so on; joined to little-endian words again.

export function joinBytes16(bytes: Uint8Array, elements: number): Uint16Array<ArrayBuffer> {
  const words = new Uint16Array(elements);
  for (let i = 0; i < elements; i++) words[i] = bytes[i] | (bytes[elements + i] << 8);
  return words;
}

export function joinBytes32(bytes: Uint8Array, elements: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(elements);
  const second = elements;
  const third = 2 * elements;
  const fourth = 3 * elements;
  for (let i = 0; i < elements; i++)
    words[i] = bytes[i] | (bytes[second + i] << 8) | (bytes[third + i] << 16) | (bytes[fourth + i] << 24);
  return words;
}

/** Two 32-bit halves for each element, the less significant one first. */
export function joinBytes64(bytes: Uint8Array, elements: number): Uint32Array<ArrayBuffer> {
  const low = joinBytes32(bytes, elements);
  const high = joinBytes32(bytes.subarray(4 * elements), elements);
  const words = new Uint32Array(2 * elements);
  for (let i = 0; i < elements; i++) {
    words[2 * i] = low[i];
    words[2 * i + 1] = high[i];
  }
  return words;
}
