import type { OrgContext } from "./context.ts";
import { takeTurn } from "./faults.ts";
import { type Asked, formatted, json, NoAnswer, type Reply } from "./messages.ts";

// The faults that strike any request of a program, whatever it asks for.

const maintenance: Reply = {
  status: 200,
  headers: { "content-type": "text/html;charset=UTF-8" },
  body: "<!doctype html><title>Down for maintenance</title><h1>We are down for maintenance.</h1><p>Sorry for the inconvenience. We will be back shortly.</p>",
  title: "a web page",
  says: "Instead of an answer there is a page for people: the org is being worked on.",
};

const nothing: Reply = {
  status: 200,
  headers: { "content-type": "application/json;charset=UTF-8" },
  body: "",
  title: "an empty answer",
  says: "The answer is empty.",
};

const huge = (): Reply => ({
  ...nothing,
  body: JSON.stringify({ padding: "x".repeat(2 * 1024 * 1024) }),
  title: "a huge answer",
  says: "The answer is far larger than any sensible one.",
});

const serverError = (): Reply => ({
  ...formatted(500, { error: "server_error", error_description: "unexpected error" }, "urlencoded"),
  title: "server_error",
  says: "Something broke inside the org.",
});

const busy = (seconds: number): Reply => ({
  status: 503,
  headers: { "content-type": "text/html;charset=UTF-8", "retry-after": String(seconds) },
  body: "<!doctype html><title>Service unavailable</title><h1>Service unavailable</h1>",
  title: "busy",
  says: `The org is overloaded and asks to come back in ${seconds} seconds.`,
});

/** A refusal of whoever tries to be helpful: JSON, a form, the REST API's list, a page; one after the other. */
const echo = ({ form, headers, query, body }: Asked, turn: number): Reply => {
  const said = [...form, ...query, ["authorization", headers.authorization ?? ""]].map((pair) =>
    pair.join("="),
  );
  const words = `cannot read ${said.join(" ")} ${body.slice(0, 4000)}`;
  const fields = { error: "invalid_request", error_description: words };
  const rest = { title: "invalid_request", says: "The org repeats in its refusal what it was sent." };
  switch (turn % 4) {
    case 0:
      return { ...formatted(400, fields, "json"), ...rest };
    case 1:
      return { ...formatted(400, fields, "urlencoded"), ...rest };
    case 2:
      return { ...json(400, [{ message: words, errorCode: "MALFORMED_QUERY" }], rest.title, rest.says) };
    default:
      return { ...maintenance, status: 400, body: `<!doctype html><p>${words}</p>`, ...rest };
  }
};

/** Remembers since when the org has been busy. */
export interface Weather {
  busyUntil: number | null;
}

/** The bad answer that strikes this request before the org does anything about it. Throws NoAnswer. */
export const strike = (org: OrgContext, weather: Weather, asked: Asked): Reply | undefined => {
  const { faults, clock } = org;
  if (takeTurn(faults, "timeouts")) throw new NoAnswer("timeout");
  if (faults.busyWithRetryAfter > 0) {
    weather.busyUntil ??= clock.mono() + faults.busyWithRetryAfter * 1000;
    const seconds = Math.ceil((weather.busyUntil - clock.mono()) / 1000);
    if (seconds > 0) return busy(seconds);
    faults.busyWithRetryAfter = 0;
  }
  weather.busyUntil = null;
  if (takeTurn(faults, "serverErrors")) return serverError();
  if (takeTurn(faults, "echoes")) return echo(asked, faults.echoes);
  if (takeTurn(faults, "htmlPages")) return maintenance;
  if (takeTurn(faults, "emptyBodies")) return nothing;
  if (takeTurn(faults, "hugeBodies")) return huge();
  return undefined;
};

/** The fault that strikes an answer on its way back. Throws NoAnswer. */
export const maul = (org: OrgContext, reply: Reply): Reply => {
  // Who waits for all of it has nothing.
  if (takeTurn(org.faults, "drippingBodies")) throw new NoAnswer("timeout");
  if (!takeTurn(org.faults, "truncatedBodies")) return reply;
  return {
    ...reply,
    body: reply.body.slice(0, Math.floor(reply.body.length / 2)),
    title: `${reply.title}, cut off`,
  };
};
