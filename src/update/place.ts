// Where releases lie: a folder of a web server, or of this board (a stick, a mounted share).

/** The answer to a request for a file from a certain byte on. */
export interface Part {
  /** The byte that `chunks` really begins with: 0 where the place cannot skip. */
  readonly from: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface Place {
  /** Its address without what may be secret, for messages. */
  readonly name: string;
  /** A small file whole. Throws UPDATE_UNREACHABLE, or UPDATE_DAMAGED for one of more than `maxBytes`. */
  read(name: string, maxBytes: number, signal: AbortSignal): Promise<Buffer>;
  /** A large file from the byte `from` on (RFC 9110 section 14). Throws UPDATE_UNREACHABLE; so may the chunks. */
  open(name: string, from: number, signal: AbortSignal): Promise<Part>;
}
