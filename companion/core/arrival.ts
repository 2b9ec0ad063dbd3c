// What may not stay in the browser's address. Pure.

/** Members of an org's answer to a sign-in (RFC 6749 sections 4.1.2 and 4.2.2); no place in the app is called like them. */
const ANSWER = ["state", "code", "error", "access_token", "id_token"];

export interface Arrival {
  /** The address as it is to stand there from now on. */
  readonly clean: string;
  /** The address as it came, when it holds an org's answer, good or bad, in its query or behind its `#`. */
  readonly answer: string | null;
}

/** Codes and tokens go out of the address with all that stands with them; a place in the app stays. */
export const readArrival = (href: string): Arrival => {
  const url = new URL(href);
  const isAnswer = [url.searchParams, new URLSearchParams(url.hash.slice(1))].some((fields) =>
    ANSWER.some((name) => fields.has(name)),
  );
  url.search = "";
  if (isAnswer) url.hash = "";
  return { clean: url.href, answer: isAnswer ? href : null };
};
