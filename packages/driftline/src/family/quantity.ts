// Quantities; the code is in the client.

export * from "@driftline/client/question/quantity";
