// Exits with 0 when the server of this container is ready to answer: the image's health check.

import http from "node:http";
import https from "node:https";

const { DRIFTLINE_SERVER_HTTP_PORT: port = "8080", DRIFTLINE_SERVER_TLS_CERTIFICATE: certificate } =
  process.env;
const options = {
  host: "127.0.0.1",
  port,
  path: "/readyz",
  timeout: 4_000,
  // The certificate is for the server's name, and this asks at loopback.
  rejectUnauthorized: false,
};
const request = (certificate ? https : http).get(options, ({ statusCode }) => {
  process.exit(statusCode === 200 ? 0 : 1);
});
request.on("timeout", () => process.exit(1)).on("error", () => process.exit(1));
