// The yardstick of bench/resolve-http.ts: fastify alone, which parses a JSON body and sends it back.

import fastify from "fastify";

const app = fastify();
app.post("/", async (request) => request.body);
process.stderr.write(`${await app.listen({ host: "127.0.0.1", port: 0 })}\n`);
process.once("SIGTERM", () => app.close());
