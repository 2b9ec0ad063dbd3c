/** What can go wrong on the phone itself; what a board refuses comes in the board's own words. */
export type TroubleCode =
  | "ORG_UNREACHABLE"
  | "ORG_REFUSED"
  | "ORG_ANSWER"
  | "SIGN_IN_STRANGE"
  | "SIGN_IN_DENIED"
  | "SIGN_IN_ENDED"
  | "SIGN_IN_RETIRED"
  | "ID_TOKEN"
  | "PHONE_CLOCK"
  | "OFFLINE"
  | "SILENCE"
  | "BROKER_REFUSED"
  | "BROKER_FORBIDS"
  | "BROKER_ENDS"
  | "CONFIG";

/** What happened, and what to do, for the person with the phone. */
export const troubles: Readonly<Record<TroubleCode, { readonly title: string; readonly help: string }>> = {
  ORG_UNREACHABLE: {
    title: "Your organisation cannot be reached",
    help: "Check that this phone is online, and try again.",
  },
  ORG_REFUSED: {
    title: "Your organisation said no",
    help: "Try again. If it stays like this, show the words below to whoever looks after the organisation.",
  },
  ORG_ANSWER: {
    title: "Your organisation answers strangely",
    help: "Something between this phone and the organisation may be in the way, such as a hotel's sign-in page.",
  },
  SIGN_IN_STRANGE: {
    title: "This is not the answer to a sign-in begun here",
    help: "Begin again, in this browser.",
  },
  SIGN_IN_DENIED: { title: "The sign-in was not allowed", help: "Try again, and allow it." },
  SIGN_IN_ENDED: { title: "Your sign-in has ended", help: "Sign in again. Your lamps stay in the list." },
  SIGN_IN_RETIRED: {
    title: "This way of signing in is no more",
    help: "The app was set up for the legacy user-agent flow, which your organisation does not take any more. Whoever looks after the app has to write it anew, without --legacy-user-agent.",
  },
  ID_TOKEN: {
    title: "The organisation's answer does not fit this sign-in",
    help: "Nothing of it was used. Begin again; if it stays like this, tell whoever looks after the app.",
  },
  PHONE_CLOCK: {
    title: "The clock of this phone is wrong",
    help: "Let it set its time by itself, then sign in again.",
  },
  OFFLINE: {
    title: "Not sent: this phone is offline",
    help: "Commands are not kept for later, so that no lamp moves when nobody expects it.",
  },
  SILENCE: {
    title: "The lamp did not answer",
    help: "It may be without power or network. What was asked for counts for half a minute, then no more.",
  },
  BROKER_REFUSED: {
    title: "The broker lets this phone not in",
    help: "Sign in again. If it stays like this, the broker's rules have to be changed.",
  },
  BROKER_FORBIDS: {
    title: "The broker did not take it",
    help: "Its rules have to let phones send commands to this lamp. Tell whoever looks after it.",
  },
  BROKER_ENDS: {
    title: "The broker lets this phone in and hangs up",
    help: "The app goes on trying. If it stays like this, the broker's rules or limits have to be changed.",
  },
  CONFIG: {
    title: "This app is not set up",
    help: "The file companion.json beside it is missing or wrong.",
  },
};

/** Trouble on the phone. `detail` is for who has to mend it; it never holds a token. */
export class Trouble extends Error {
  readonly code: TroubleCode;
  readonly detail: string;
  /** The org's own word for it (`error`), when it said one. */
  readonly orgError: string | null;

  constructor(code: TroubleCode, detail = "", orgError: string | null = null) {
    super(detail === "" ? troubles[code].title : `${troubles[code].title}: ${detail}`);
    this.name = "Trouble";
    this.code = code;
    this.detail = detail;
    this.orgError = orgError;
  }
}
