// A file contradicts itself: the decoders of a format say what, and who called them adds where.

export class DamagedError extends Error {}
