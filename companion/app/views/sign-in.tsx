import { useEffect, useState } from "preact/hooks";
import { Trouble } from "../../core/trouble.ts";
import { useKit } from "../kit.ts";
import { Told } from "./parts.tsx";

/** The way to the org's page can be tried again after so much, in milliseconds: nothing tells of one that was stopped. */
const PATIENCE_MS = 10_000;

/** The way to the org's sign-in; says what keeps one from there, or else the `trouble` that led here. */
export const SignIn = ({ trouble }: { readonly trouble: Trouble | null }) => {
  const { companion, app } = useKit();
  const [failed, setFailed] = useState<Trouble | null>(null);
  const [going, setGoing] = useState(false);
  useEffect(() => {
    // The browser's way back may lead to the very page that went away.
    const onShown = (): void => setGoing(false);
    addEventListener("pageshow", onShown);
    return () => removeEventListener("pageshow", onShown);
  }, []);
  const signIn = async (): Promise<void> => {
    setGoing(true);
    try {
      location.assign(await companion.signIn(app));
      setTimeout(() => setGoing(false), PATIENCE_MS);
    } catch (error) {
      setGoing(false);
      setFailed(error instanceof Trouble ? error : new Trouble("ORG_UNREACHABLE", String(error)));
    }
  };
  const told = failed ?? trouble;
  return (
    <>
      {told === null ? null : <Told trouble={told} />}
      <button type="button" class="primary" disabled={going} onClick={() => void signIn()}>
        {going ? "Opening…" : "Sign in"}
      </button>
    </>
  );
};
