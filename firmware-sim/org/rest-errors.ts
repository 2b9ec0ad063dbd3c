import { json, type Reply } from "./messages.ts";

/** An error of the data interface: a JSON array of `{message, errorCode}`. */
export const problem = (status: number, errorCode: string, message: string, says: string): Reply =>
  json(status, [{ message, errorCode }], errorCode, says);

/** There is nothing at this address. */
export const missing = (): Reply =>
  problem(404, "NOT_FOUND", "The requested resource does not exist", "There is no such record.");
