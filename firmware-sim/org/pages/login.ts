import { fullName, type OrgUser } from "../store.ts";
import { html } from "./html.ts";
import type { Page } from "./page.ts";

/** `/login`: who are you? The simulator fills the password in, and says so. */
export const loginPage = (options: {
  readonly csrf: string;
  readonly users: readonly OrgUser[];
  readonly chosen: string | null;
  readonly problem: string | null;
}): Page => ({
  title: "Sign in",
  status: options.problem === null ? 200 : 403,
  says: "The org wants to know who the person is. The board never sees this password.",
  main: html`<h1>Sign in</h1>
<p>Choose who you are.</p>
${options.problem === null ? null : html`<p class="note warn" role="alert">${options.problem}</p>`}
<form method="post" action="/login">
<input type="hidden" name="csrf" value="${options.csrf}">
<label for="username">Person</label>
<select id="username" name="username" autocomplete="username">${options.users.map(
    (user) =>
      html`<option value="${user.username}"${
        user.username === options.chosen ? html` selected` : null
      }>${fullName(user)}</option>`,
  )}</select>
<label for="pw">Password</label>
<input id="pw" name="pw" type="password" value="porchlight" autocomplete="current-password" required>
<button name="Login" value="Log In">Sign in</button>
</form>
<p class="note" style="margin:1.1rem 0 0">This is a simulation: everybody's password is <strong>porchlight</strong>, and it is already filled in.</p>`,
});
