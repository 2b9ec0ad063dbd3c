import { html } from "./html.ts";
import type { Page } from "./page.ts";

/** `/setup/connect`: where the code is typed, or only looked at when the link brought it along. */
export const connectPage = (options: {
  readonly csrf: string;
  readonly userCode: string;
  readonly problem: string | null;
}): Page => ({
  title: "Connect a device",
  status: options.problem === null ? 200 : 400,
  says: "The person's phone shows where the code goes.",
  main: html`<h1>Connect a device</h1>
<p>${
    options.userCode === ""
      ? "Type the code that your device shows."
      : "Is this the code that your device shows? Then go on."
  }</p>
${options.problem === null ? null : html`<p class="note warn" role="alert">${options.problem}</p>`}
<form method="post" action="/setup/connect">
<input type="hidden" name="csrf" value="${options.csrf}">
<label for="user_code">Code</label>
<input class="code" id="user_code" name="user_code" value="${options.userCode}" maxlength="11" required
  autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="&middot;&middot;&middot;&middot;&middot;&middot;&middot;&middot;">
<button name="save" value="Connect">Connect</button>
</form>`,
});
