import { useState } from "preact/hooks";
import { Trouble } from "../../core/trouble.ts";
import { useKit } from "../kit.ts";
import { Told } from "./parts.tsx";

/** The way to the org's sign-in; says what keeps one from there, or else the `trouble` that led here. */
export const SignIn = ({ trouble }: { readonly trouble: Trouble | null }) => {
  const { companion, app } = useKit();
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
    <>
      {told === null ? null : <Told trouble={told} />}
      <button type="button" class="primary" disabled={going} onClick={() => void signIn()}>
        {going ? "Opening…" : "Sign in"}
      </button>
    </>
  );
};
