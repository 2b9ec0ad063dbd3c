import type { ErrorCode } from "../errors.ts";

/** Why a signed command is not obeyed; never leaves this folder. `detail` says what is wrong, never what is in it. */
export class Refused extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = "Refused";
    this.code = code;
    this.detail = detail;
  }
}

export const unreadable = (what: string): Refused => new Refused("COMMAND_UNREADABLE", what);
