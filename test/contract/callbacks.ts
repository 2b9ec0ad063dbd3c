// What every implementation of Callbacks must do.

import { expect, it } from "vitest";
import { AgentError } from "../../src/errors.ts";
import type { Callbacks, CallbackVisit } from "../../src/ports.ts";

const never = new AbortController().signal;

/** A browser at the board: what it gets from an address, redirects not followed. */
export type Visit = (
  address: string,
) => Promise<{ readonly status: number; readonly location: string | null; readonly text: string }>;

export interface CallbacksCase {
  readonly callbacks: Callbacks;
  readonly callback: string;
  readonly visit: Visit;
  /** Has another program take the port, until it is disposed. */
  occupy(): Promise<AsyncDisposable>;
}

/** The contract, on what `make` makes for each test. */
export const callbacksContract = (make: () => Promise<CallbacksCase>): void => {
  it("hands over whoever comes to the callback with an answer, and tells them what came of it", async () => {
    const { callbacks, callback, visit } = await make();
    const visits: CallbackVisit[] = [];
    await using _listening = await callbacks.open(
      callback,
      (each) => {
        visits.push(each);
        each.answer(each.address.includes("good") ? null : new AgentError("CODE_DENIED"));
        each.answer(new AgentError("BUG", "said twice"));
      },
      never,
    );
    expect(await visit(`${callback}?code=good&state=s`)).toMatchObject({
      status: 200,
      text: expect.stringContaining("The lamp is yours"),
    });
    const refused = await visit(`${callback}?error=access_denied`);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain("The sign-in was refused");
    expect(visits.map(({ address }) => address)).toEqual([
      `${callback}?code=good&state=s`,
      `${callback}?error=access_denied`,
    ]);
  });

  it("leads the short address to the link, once there is one", async () => {
    const { callbacks, callback, visit } = await make();
    await using listening = await callbacks.open(callback, () => {}, never);
    const short = new URL("/", callback).href;
    expect((await visit(short)).status).toBe(503);
    listening.lead("https://org.example/authorize?x=1");
    expect(await visit(short)).toMatchObject({ status: 302, location: "https://org.example/authorize?x=1" });
  });

  it("has nothing at other addresses", async () => {
    const { callbacks, callback, visit } = await make();
    const visits: CallbackVisit[] = [];
    await using _listening = await callbacks.open(callback, (each) => visits.push(each), never);
    expect((await visit(new URL("/else?code=c", callback).href)).status).toBe(404);
    expect((await visit(callback)).status).toBe(404);
    expect(visits).toEqual([]);
  });

  it("tells those who still wait when it ends, and can begin again at once", async () => {
    const { callbacks, callback, visit } = await make();
    const came = Promise.withResolvers<void>();
    const listening = await callbacks.open(callback, () => came.resolve(), never);
    const waiting = visit(`${callback}?code=c&state=s`);
    await came.promise;
    await listening[Symbol.asyncDispose]();
    expect((await waiting).status).toBe(400);
    await using _again = await callbacks.open(callback, () => {}, never);
  });

  it("says that the port is taken", async () => {
    const { callbacks, callback, occupy } = await make();
    {
      await using _other = await occupy();
      await expect(callbacks.open(callback, () => {}, never)).rejects.toMatchObject({
        code: "CALLBACK_CLOSED",
        detail: expect.stringContaining("EADDRINUSE"),
      });
    }
    await using _listening = await callbacks.open(callback, () => {}, never);
  });

  it("does not begin when it is no longer wanted", async () => {
    const { callbacks, callback } = await make();
    const stopped = AbortSignal.abort(new AgentError("INTERRUPTED"));
    await expect(callbacks.open(callback, () => {}, stopped)).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
};
