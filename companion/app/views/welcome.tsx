import { useState } from "preact/hooks";
import { Trouble, troubles } from "../../core/trouble.ts";
import { useCompanion, useKit } from "../kit.ts";
import { hrefOf } from "../route.ts";
import { Lantern } from "./icons.tsx";

/** For who has not signed in. */
export const Welcome = () => {
  const { companion, config, app } = useKit();
  const { trouble } = useCompanion();
  const [failed, setFailed] = useState<Trouble | null>(null);
  const [going, setGoing] = useState(false);
  const signIn = async (): Promise<void> => {
    setGoing(true);
    try {
      location.assign(await companion.signIn(app));
    } catch (error) {
      setGoing(false);
      setFailed(error instanceof Trouble ? error : new Trouble("ORG_UNREACHABLE", String(error)));
    }
  };
  const told = failed ?? trouble;
  return (
    <main class="welcome" id="main">
      <div class="hero">
        <Lantern size={120} />
      </div>
      <h1>The light at home, from anywhere</h1>
      <p class="lead">Your lamps obey what this phone signs, and nobody else.</p>
      {told === null ? null : (
        <div class="trouble" role="alert">
          <strong>{troubles[told.code].title}</strong>
          <p>{troubles[told.code].help}</p>
          {told.detail === "" ? null : <p class="detail">{told.detail}</p>}
        </div>
      )}
      <button type="button" class="primary" disabled={going} onClick={() => void signIn()}>
        {going ? "Opening…" : "Sign in"}
      </button>
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
