import { useCompanion, useKit } from "../kit.ts";
import { hrefOf } from "../route.ts";
import { Lantern } from "./icons.tsx";
import { SignIn } from "./sign-in.tsx";

/** For who has not signed in. */
export const Welcome = () => {
  const { config } = useKit();
  const { trouble } = useCompanion();
  return (
    <main class="welcome" id="main">
      <div class="hero">
        <Lantern size={120} />
      </div>
      <h1>The light at home, from anywhere</h1>
      <p class="lead">Your lamps obey what this phone signs, and nobody else.</p>
      <SignIn trouble={trouble} />
      {config.org.signIn === "user-agent" ? <Legacy dialect={config.org.dialect} /> : null}
      <p class="small">
        You sign in at <b>{new URL(config.org.url).host}</b>. Your password stays there.
      </p>
      <p class="small">
        Somebody wants to share their lamp? <a href={hrefOf({ at: "guest" })}>Be a guest</a>
      </p>
    </main>
  );
};

/** What people have to know where the app was set up for the user-agent flow. */
const Legacy = ({ dialect }: { readonly dialect: "salesforce" | "rfc8628" }) => (
  <div class="trouble quiet">
    <strong>
      {dialect === "salesforce" ? "A legacy way in, until 20 February 2027" : "A legacy way in"}
    </strong>
    <p>
      This app was set up for the user-agent flow. Your sign-in lasts as long as one token, then you sign in
      again. On a phone that others use, clear the browser's history afterwards: the token may stand in it.
    </p>
  </div>
);
