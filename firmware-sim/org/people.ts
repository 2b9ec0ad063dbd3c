import { forgetOldest } from "../newest.ts";
import type { OrgContext } from "./context.ts";
import { answerCode, tidyUserCode, waitingRequest } from "./device-flow.ts";
import { endApproval } from "./grants.ts";
import { type Asked, type Reply, redirect } from "./messages.ts";
import { approvePage } from "./pages/approve.ts";
import { assetsPage } from "./pages/assets.ts";
import { connectPage } from "./pages/connect.ts";
import { loginPage } from "./pages/login.ts";
import { brokenLinkPage, deniedPage, donePage, expiredPage, lostPage } from "./pages/outcome.ts";
import { pageReply } from "./pages/page.ts";
import type { BrowserSession, CodeRequest, OrgUser } from "./store.ts";
import { callback, grantAnswer, readAuthorize } from "./web-server-flow.ts";

const COOKIE = "northwind_sid";
/** Browsers that are known again; the one that was longest not here is forgotten first. */
const SESSIONS = 100;

/** A person's request, with their browser's session. */
interface Visit {
  readonly org: OrgContext;
  readonly asked: Asked;
  readonly session: BrowserSession;
  readonly user: OrgUser | undefined;
  /** Puts the session under a new cookie: an id from before the sign-in is worth nothing after it. */
  readonly renew: () => void;
}

type Handler = (visit: Visit) => Reply;

const newId = (org: OrgContext): string => org.random(24).toString("base64url");

const signIn = (): Reply => redirect("/login", "sign in", "First the org wants to know who the person is.");

/** A code that waits for its answer; undefined when it has one, or is too old by now. */
const waiting = (org: OrgContext, deviceCode: string): CodeRequest | undefined => {
  const request = org.store.codeRequests.get(deviceCode);
  return request?.status === "pending" && request.endsAt > org.clock.mono() ? request : undefined;
};

const afterSignIn = (session: BrowserSession): string => {
  if (session.pending === null) return "/setup/assets";
  return session.pending.kind === "page" ? session.pending.path : "/setup/approve";
};

const showConnect: Handler = ({ asked, session }) =>
  pageReply(
    connectPage({
      csrf: session.csrf,
      userCode: tidyUserCode(asked.query.get("user_code") ?? "").slice(0, 8),
      problem: null,
    }),
  );

const takeCode: Handler = ({ org, asked, session, user }) => {
  const userCode = tidyUserCode(asked.form.get("user_code") ?? "").slice(0, 8);
  const request = waitingRequest(org, userCode);
  if (request === undefined) {
    const known = [...org.store.codeRequests.values()].some((each) => each.userCode === userCode);
    if (known) return pageReply(expiredPage());
    const problem = "No device shows this code. Look again: 0 and O, 1 and I are easily mixed up.";
    return pageReply(connectPage({ csrf: session.csrf, userCode, problem }));
  }
  session.pending = { kind: "device", id: newId(org), deviceCode: request.deviceCode };
  return user === undefined ? signIn() : redirect("/setup/approve", "approve", "Next the person decides.");
};

const showLogin: Handler = ({ org, session, asked }) =>
  pageReply(
    loginPage({ csrf: session.csrf, users: org.store.users, chosen: asked.query.get("un"), problem: null }),
  );

const takeLogin: Handler = ({ org, asked, session, renew }) => {
  const username = asked.form.get("username");
  const user = org.store.users.find((each) => each.username === username);
  if (user === undefined || user.password !== asked.form.get("pw"))
    return pageReply(
      loginPage({
        csrf: session.csrf,
        users: org.store.users,
        chosen: username,
        problem: "Name or password is wrong.",
      }),
    );
  session.userId = user.id;
  renew();
  return redirect(afterSignIn(session), "signed in", "The org knows the person now.");
};

const logOut: Handler = ({ session, renew }) => {
  session.userId = null;
  renew();
  return signIn();
};

const showApprove: Handler = ({ org, session, user }) => {
  if (user === undefined) return signIn();
  const { csrf, pending } = session;
  if (pending === null || pending.kind === "page") return pageReply(expiredPage());
  const asks =
    pending.kind === "authorize"
      ? { ...pending.request, userCode: null, device: null }
      : waiting(org, pending.deviceCode);
  const app = org.store.apps.find((each) => each.clientId === asks?.clientId);
  if (asks === undefined || app === undefined) return pageReply(expiredPage());
  const { scope, userCode, device } = asks;
  return pageReply(approvePage({ csrf, question: pending.id, user, app, scope, userCode, device }));
};

/** What the phone's callback comes by. */
const gets = {
  code: "the phone's callback gets a code",
  tokens: "the phone's callback gets tokens behind the # of its address (user-agent flow, legacy)",
} as const;

const takeDecision: Handler = ({ org, asked, session, user }) => {
  if (user === undefined) return signIn();
  const { pending } = session;
  if (pending === null || pending.kind === "page") return pageReply(expiredPage());
  // Another tab has asked something else since: the yes is for the code that this page shows (RFC 8628 section 5.4).
  if (asked.form.get("question") !== pending.id) return pageReply(lostPage());
  const allowed = asked.form.get("decision") === "allow";
  session.pending = null;
  if (pending.kind === "authorize") {
    const { redirectUri, state, wants } = pending.request;
    const refused = { error: "access_denied", error_description: "end-user denied authorization", state };
    return allowed
      ? redirect(grantAnswer(org, pending.request, user), wants.kind, `Allowed: ${gets[wants.kind]}.`)
      : redirect(
          callback(redirectUri, refused, wants.kind),
          "access_denied",
          "Denied: the app's callback is told.",
        );
  }
  const request = waiting(org, pending.deviceCode);
  if (request === undefined) return pageReply(expiredPage());
  answerCode(org, request, allowed ? user : null);
  return allowed
    ? redirect("/setup/connected", "allowed", "The person has allowed the board.")
    : redirect("/setup/denied", "denied", "The person has said No to the board.");
};

const authorize: Handler = ({ org, asked, session, user }) => {
  const reading = readAuthorize(org, asked.query);
  switch (reading.kind) {
    case "page":
      return pageReply(brokenLinkPage(reading.error, reading.description));
    case "callback":
      return redirect(reading.location, "error", "The request is wrong; the app's callback is told.");
    case "ask":
      break;
  }
  session.pending = { kind: "authorize", id: newId(org), request: reading.request };
  const prompt = asked.query.get("prompt") ?? "";
  if (user === undefined || /\blogin\b/.test(prompt)) return signIn();
  const known = [...org.store.approvals.values()].some(
    (each) =>
      each.userId === user.id &&
      each.clientId === reading.app.clientId &&
      reading.request.scope.every((scope) => each.scope.includes(scope)),
  );
  if (!known || /\bconsent\b/.test(prompt))
    return redirect("/setup/approve", "approve", "Next the person decides.");
  session.pending = null;
  return redirect(
    grantAnswer(org, reading.request, user),
    reading.request.wants.kind,
    `This person has allowed this app before: ${gets[reading.request.wants.kind]} at once.`,
  );
};

const showAssets: Handler = ({ org, session, user }) => {
  if (user === undefined) {
    session.pending = { kind: "page", path: "/setup/assets" };
    return signIn();
  }
  const { store } = org;
  const approvals = [...store.approvals.values()]
    .filter((each) => each.userId === user.id)
    .map((approval) => ({ approval, app: store.apps.find((app) => app.clientId === approval.clientId) }));
  return pageReply(
    assetsPage({ csrf: session.csrf, user, approvals, assets: store.assets, events: store.events }),
  );
};

const takeRevoke: Handler = ({ org, asked, user }) => {
  const approval = org.store.approvals.get(asked.form.get("approval") ?? "");
  if (user === undefined) return signIn();
  if (approval?.userId === user.id) endApproval(org, approval.id);
  return redirect("/setup/assets", "revoked", "The approval has ended, with all its tokens.");
};

interface Place {
  readonly asks: string;
  readonly handle: Handler;
}

const places: Readonly<Record<string, Place>> = {
  "GET /": {
    asks: "The person opens the org.",
    handle: () => redirect("/setup/assets", "devices", "The devices are shown."),
  },
  "GET /setup/connect": {
    asks: "The person opens the link that the board shows, or scans its QR code.",
    handle: showConnect,
  },
  "POST /setup/connect": { asks: "The person hands in the code that the board shows.", handle: takeCode },
  "GET /login": { asks: "The person's phone asks for the sign-in page.", handle: showLogin },
  "POST /login": { asks: "The person signs in, at the org and nowhere else.", handle: takeLogin },
  "POST /logout": { asks: "The person signs out.", handle: logOut },
  "GET /setup/approve": { asks: "The person looks at who asks for what.", handle: showApprove },
  "POST /setup/approve": { asks: "The person answers: allow, or deny.", handle: takeDecision },
  "GET /setup/connected": { asks: "The person waits for the lamp.", handle: () => pageReply(donePage()) },
  "GET /setup/denied": { asks: "The person has said No.", handle: () => pageReply(deniedPage()) },
  "GET /setup/assets": { asks: "The person looks at their devices.", handle: showAssets },
  "POST /setup/assets/revoke": { asks: "The person takes an approval back.", handle: takeRevoke },
  "GET /services/oauth2/authorize": {
    asks: "An app sends the person to the org to sign in (web server flow with PKCE, or the legacy user-agent flow).",
    handle: authorize,
  },
};

/** The place of a page or form, when the request is one of a person's. */
export const placeOf = (asked: Asked): Place | undefined => {
  const name = `${asked.method} ${asked.path}`;
  return Object.hasOwn(places, name) ? places[name] : undefined;
};

/** Answers a person's request: finds or opens the browser's session, checks the form's CSRF token. */
export const visit = (org: OrgContext, asked: Asked, place: Place): Reply => {
  const { sessions, users } = org.store;
  const cookies = (asked.headers.cookie ?? "").split(/;\s*/);
  const sent = cookies.find((each) => each.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? "";
  const known = sessions.get(sent);
  const session: BrowserSession = known ?? { csrf: newId(org), userId: null, pending: null };
  let id = known === undefined ? newId(org) : sent;
  // Anew, so that the one that was longest not used is the oldest.
  sessions.delete(id);
  sessions.set(id, session);
  forgetOldest(sessions, SESSIONS);
  const reply =
    asked.method === "POST" && asked.form.get("csrf") !== session.csrf
      ? pageReply(lostPage())
      : place.handle({
          org,
          asked,
          session,
          user: users.find((each) => each.id === session.userId),
          renew: () => {
            sessions.delete(id);
            id = newId(org);
            sessions.set(id, { ...session, csrf: newId(org) });
          },
        });
  if (id === sent) return { ...reply, party: "person" };
  const cookie = `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Lax`;
  return { ...reply, headers: { ...reply.headers, "set-cookie": cookie }, party: "person" };
};
