// Which addresses may see a token. Whatever an org, a discovery document or the settings name has to pass here.

const isLoopback = (host: string): boolean =>
  host === "localhost" ||
  host.endsWith(".localhost") ||
  host === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(host);

/**
 * The text as a URL that tokens may be sent to: https, or http on this very machine; without user name, password
 * or fragment (RFC 6749 section 3.2). Undefined for anything else.
 */
export const trustedUrl = (address: string | undefined): URL | undefined => {
  if (address === undefined || address.length > 2048 || !URL.canParse(address)) return undefined;
  const url = new URL(address);
  const secure = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  return secure && url.username === "" && url.password === "" && url.hash === "" ? url : undefined;
};

/** A base address without the slash at its end, so that paths can be put behind it. */
export const withoutSlash = (address: string): string => address.replace(/\/+$/, "");

/** The verification link with the user code in it, next to whatever query it has already (RFC 8628 section 3.3.1). */
export const withUserCode = (verificationUri: string, userCode: string): string => {
  const url = new URL(verificationUri);
  url.searchParams.set("user_code", userCode);
  return url.href;
};
