// Server-sent events from a response's body, with an end to waiting when the connection has gone quiet.

import { createParser, type EventSourceMessage } from "eventsource-parser";

/** Thrown when nothing came for a while, though the server sends heartbeats. */
export class QuietConnection extends Error {}

/** Events as they arrive. Ends with the body; cancels it when the caller stops early. */
export async function* serverEvents(
  body: ReadableStream<Uint8Array>,
  quietMs: number,
): AsyncGenerator<EventSourceMessage> {
  const waiting: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (event) => waiting.push(event),
    maxBufferSize: 4 * 1024 * 1024,
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(quietMs, reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      while (waiting.length > 0) yield waiting.shift()!;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new QuietConnection(`nothing for ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, quiet]);
  } finally {
    clearTimeout(timer);
  }
}
