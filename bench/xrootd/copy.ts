// Reads a remote file to its end and forgets the bytes, as `xrdcp ADDRESS /dev/null` does.

import { createClient } from "@driftline/xrootd";

const client = createClient();
const file = await client.open(process.argv[2]);
const window = 8_000_000;
const read = (position: number) => file.read([{ position, length: Math.min(window, file.size - position) }]);
let next = read(0);
for (let position = window; position < file.size; position += window) {
  const following = read(position);
  await next;
  next = following;
}
await next;
await file.close();
client.close();
