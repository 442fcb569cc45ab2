// Names nearest to a mistyped one; the code is in the client.

export * from "@driftline/client/question/nearestName";
