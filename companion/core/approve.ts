// The link that a board shows as a QR code, and what to compare before it is opened. Pure.

/** Where a board is approved. */
export interface Approval {
  /** The org's page; only ever `https:`, or `http:` on this computer. */
  readonly url: string;
  /** As the board shows it; null when the link has none. */
  readonly userCode: string | null;
}

/**
 * The approval behind what was scanned or typed: the board's link, or its code alone. `page` is the org's own page for
 * codes, where it is known. Null for anything else, a link to somewhere else than the org included.
 */
export const readApproval = (text: string, orgUrl: string, page: string | null): Approval | null => {
  const given = text.trim();
  if (URL.canParse(given)) {
    const url = new URL(given);
    // A blob: has the origin of whoever made it.
    if (!/^https?:$/.test(url.protocol)) return null;
    if (url.origin !== new URL(orgUrl).origin && url.origin !== (page === null ? null : new URL(page).origin))
      return null;
    return { url: url.href, userCode: url.searchParams.get("user_code") };
  }
  const code = given.replace(/[\s-]/g, "").toUpperCase();
  if (!/^[A-Z0-9]{6,12}$/.test(code) || page === null) return null;
  const url = new URL(page);
  url.searchParams.set("user_code", code);
  return { url: url.href, userCode: code };
};
