// Who has proven themselves to this board before, by the name of their key: a flood of forged commands is not to push their
// commands out of the inbox. It proves nothing; what is obeyed is decided elsewhere.

/** Keys that are remembered; the one obeyed longest ago is forgotten first. */
const REMEMBERED = 32;
const LONGEST_KID = 128;

const membersOf = (text: string): Readonly<Record<string, unknown>> => {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? { ...value } : {};
};

/** The key that a signed command names (`kid` of its header); null for anything else. */
export const senderOf = (payload: Uint8Array): string | null => {
  try {
    const { osm } = membersOf(Buffer.from(payload).toString("utf8"));
    const [header = ""] = typeof osm === "string" ? osm.split(".", 1) : [];
    const { kid } = membersOf(Buffer.from(header, "base64url").toString("utf8"));
    return typeof kid === "string" && kid.length <= LONGEST_KID ? kid : null;
  } catch {
    return null;
  }
};

export interface ProvenSenders {
  /** Whether a command of this key was obeyed. */
  knows(sender: string | null): boolean;
  /** A command of this key was obeyed. */
  obeyed(sender: string | null): void;
}

export const createProvenSenders = (): ProvenSenders => {
  const known = new Set<string>();
  return {
    knows: (sender) => sender !== null && known.has(sender),
    obeyed(sender) {
      if (sender === null) return;
      known.delete(sender);
      known.add(sender);
      const [oldest] = known;
      if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
    },
  };
};
