// Canonical questions and keys; the code is in the client, which computes keys without a server.

export * from "@driftline/client/question/question";
