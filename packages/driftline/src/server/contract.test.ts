// The same contract in memory and through server and client over a real socket.

import { connect } from "@driftline/client/connect";
import { driftlineContract } from "@driftline/client/testing/contract";
import { listen } from "./server.ts";
import { memorySubject } from "./testing.ts";

driftlineContract("The memory Driftline", () =>
  memorySubject(async (memory) => ({ driftline: memory, close: () => memory.close() })),
);

driftlineContract("A server with its client", () =>
  memorySubject(async (memory) => {
    const server = await listen({ driftline: memory, host: "127.0.0.1", port: 0, token: "secret" });
    const driftline = connect(server.url, { token: "secret" });
    return {
      driftline,
      async close() {
        await driftline.close();
        await server.close();
      },
    };
  }),
);
