// Examples for the OpenAPI document, by operation; a test checks each against its schema.
export const examples: Record<string, { request?: unknown; responses?: Record<string, unknown> }> = {};
