// Condition keys as text; the code is in the client.

export * from "@driftline/client/question/key";
