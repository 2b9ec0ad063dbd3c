import { signalOf, signalWordsUnseen } from "../../../src/signal.ts";
import { fullName, type OrgApp, type OrgUser } from "../store.ts";
import { html } from "./html.ts";
import { lampIcon, type Page } from "./page.ts";

const meanings: Readonly<Record<string, string>> = {
  api: "Read and change data in your org, such as where your home is",
  openid: "Know who you are",
  id: "Know who you are",
  refresh_token: "Stay signed in until you revoke it",
  offline_access: "Stay signed in until you revoke it",
};

const particulars: Readonly<Record<string, string>> = {
  profile: "name",
  email: "e-mail address",
  address: "postal address",
};

const inWords = new Intl.ListFormat("en-GB");

/** What the scopes allow, in words, each thing once; what is not known here is shown as it is. */
export const meaningOf = (scope: readonly string[]): readonly string[] => {
  const seen = Object.entries(particulars).flatMap(([name, word]) => (scope.includes(name) ? [word] : []));
  const rest = scope
    .filter((each) => !Object.hasOwn(particulars, each))
    .map((each) => meanings[each] ?? each);
  return [...new Set(rest), ...(seen.length === 0 ? [] : [`See your ${inWords.format(seen)}`])];
};

/** `/setup/approve`: which app, which board, what it may do, and the code to compare. Allow or deny. */
export const approvePage = (options: {
  readonly csrf: string;
  /** Id of what is answered. */
  readonly question: string;
  readonly user: OrgUser;
  readonly app: OrgApp;
  readonly scope: readonly string[];
  /** Null for an app that asks through its own callback. */
  readonly userCode: string | null;
  readonly device: string | null;
}): Page => ({
  title: `Allow ${options.app.name}?`,
  says: "The org shows who asks for what, and the person decides.",
  main: html`<h1>Allow ${options.app.name}?</h1>
<div class="board">${lampIcon}<div><strong>${options.device ?? options.app.name}</strong><small>by ${options.app.maker}</small></div></div>
${
  options.userCode === null
    ? null
    : html`<div class="shown"><span>Your device must show</span><output>${options.userCode}</output><small>A lamp that waits for it ${signalWordsUnseen(signalOf(options.userCode))}</small></div>`
}
<p>It will be able to:</p>
<ul class="may">${meaningOf(options.scope).map((each) => html`<li>${each}</li>`)}</ul>
${
  options.userCode === null
    ? null
    : html`<p class="note warn"><strong>Only allow it if you see this code on a device in front of you.</strong> If its lamp blinks, it must blink as said here. If somebody sent you here, deny it.</p>`
}
<form method="post" action="/setup/approve">
<input type="hidden" name="csrf" value="${options.csrf}">
<input type="hidden" name="question" value="${options.question}">
<div class="pair">
<button class="quiet" name="decision" value="deny">Deny</button>
<button name="decision" value="allow">Allow</button>
</div>
</form>
<div class="as">Signed in as ${fullName(options.user)}.
<form method="post" action="/logout"><input type="hidden" name="csrf" value="${options.csrf}"><button class="link">Not you?</button></form></div>`,
});
