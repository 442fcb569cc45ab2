// A load generator that takes little of the machine itself: POSTs prepared bodies over kept connections, checks each answer.

import { connect, type Socket } from "node:net";

export interface Load {
  url: URL;
  path: string;
  /** Asked in turn, again and again. */
  bodies: string[];
  /** Text that the answer to the body of the same index must hold. */
  holds: string[];
  /** A further check of one answer in a hundred, the nth; throws where it is wrong. */
  check: (body: string, n: number) => void;
  connections: number;
  seconds: number;
}

/** Asks over each connection as soon as the answer before has come. Times in milliseconds. */
export async function load({ url, path, bodies, holds, check, connections, seconds }: Load) {
  const requests = bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
  const expected = holds.map((text) => Buffer.from(text));
  const times: number[] = [];
  let asked = 0;
  let errors = 0;
  const started = performance.now();
  const end = started + seconds * 1000;

  function oneConnection(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket: Socket = connect(Number(url.port), url.hostname);
      socket.setNoDelay(true);
      let n = 0;
      let sentAt = 0;
      let received: Buffer<ArrayBufferLike> = Buffer.alloc(0);
      const ask = () => {
        n = asked++;
        sentAt = performance.now();
        socket.write(requests[n % requests.length]);
      };
      socket.on("connect", ask);
      socket.on("error", reject);
      socket.on("close", resolve);
      socket.on("data", (piece) => {
        received = received.length === 0 ? piece : Buffer.concat([received, piece]);
        const answer = complete(received);
        if (answer === null) return;
        received = Buffer.alloc(0);
        const now = performance.now();
        times.push(now - sentAt);
        try {
          if (answer.status !== 200 || !answer.body.includes(expected[n % expected.length])) errors++;
          if (n % 100 === 0) check(answer.body.toString(), n);
        } catch (error) {
          errors++;
          console.error(error);
        }
        if (now < end) ask();
        else socket.end();
      });
    });
  }

  await Promise.all(Array.from({ length: connections }, oneConnection));
  const wall = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  const at = (fraction: number) => times[Math.min(times.length - 1, Math.floor(fraction * times.length))];
  return {
    answers: times.length,
    errors,
    perSecond: times.length / wall,
    p50: at(0.5),
    p99: at(0.99),
    worst: times[times.length - 1],
  };
}

/** The answer, if all of it is there. */
function complete(received: Buffer): { status: number; body: Buffer } | null {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = received.toString("latin1", 0, end);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  if (!(received.length >= end + 4 + length)) return null;
  return { status: Number(head.slice(9, 12)), body: received.subarray(end + 4, end + 4 + length) };
}
