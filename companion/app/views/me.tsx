import { useEffect, useState } from "preact/hooks";
import { guestLink } from "../../core/guest-link.ts";
import type { Person } from "../../core/sign-in.ts";
import { useCompanion, useKit } from "../kit.ts";
import { go, hrefOf } from "../route.ts";
import { Field, Handout, Page, Section } from "./parts.tsx";

/** Who has signed in, and the way out. */
export const Me = ({ person }: { readonly person: Person }) => {
  const { companion, config, tell } = useKit();
  const [busy, setBusy] = useState(false);
  const signOut = async (): Promise<void> => {
    setBusy(true);
    const told = await companion.signOut(AbortSignal.timeout(20_000));
    tell(
      told
        ? { text: "You are signed out.", help: null, bad: false }
        : {
            text: "This phone has forgotten you.",
            help: "Your organisation could not be told: end the sign-in there if this phone is not yours.",
            bad: true,
          },
    );
    go({ at: "home" }, true);
  };
  return (
    <Page title={person.name} back={{ at: "home" }} lead={`Signed in at ${new URL(config.org.url).host}.`}>
      <Section title="Use somebody else's lamp">
        <p class="hint">Show its owner a code, and they give you a pass.</p>
        <a class="secondary" href={hrefOf({ at: "guest" })}>
          Be a guest
        </a>
      </Section>
      <Section title="This phone">
        <p class="hint">
          Signing out gives the sign-in back and forgets your lamps and this phone's key. The lamps stay
          yours.
        </p>
        <button type="button" class="danger" disabled={busy} onClick={() => void signOut()}>
          Sign out on this phone
        </button>
      </Section>
    </Page>
  );
};

/** The app as it stands on the home screen, where it has a memory of its own that Safari does not clear. */
const isInstalled = (): boolean => matchMedia("(display-mode: standalone)").matches;

/** What a guest shows to an owner: who they are, or this phone's key. */
export const BeGuest = () => {
  const { app, config, companion } = useKit();
  const { person } = useCompanion();
  const [name, setName] = useState("");
  const [link, setLink] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    const make = async (): Promise<string> => {
      if (person !== null) return guestLink(app, { name: person.name, user: person.userId });
      const key = await companion.key();
      return guestLink(app, { name: name.trim() === "" ? "Guest" : name.trim(), key: key.publicJwk });
    };
    void make().then((made) => {
      if (current) setLink(made);
    });
    return () => {
      current = false;
    };
  }, [app, companion, person, name]);
  const lead =
    person !== null
      ? "Let the owner of the lamp scan this in their app. It says who you are, and holds no secret."
      : config.broker.guest === null
        ? "Sign in first: the broker of these lamps lets nobody in without an account."
        : "Let the owner of the lamp scan this in their app. It is the public half of this phone's key; the other half never leaves it.";
  return (
    <Page title="Be a guest" back={{ at: "home" }} lead={lead}>
      {person === null && config.broker.guest === null ? (
        <a class="primary" href={hrefOf({ at: "home" })}>
          To the sign-in
        </a>
      ) : (
        <>
          {person !== null || isInstalled() ? null : (
            <p class="hint">
              On an iPhone or iPad put this app on the Home Screen first, then show this card and scan the
              owner's link in there: Safari may forget this phone's key after a week without a visit, and your
              pass with it.
            </p>
          )}
          {person !== null ? null : (
            <Field label="Your name" hint="So that the owner knows whose pass it is.">
              {(ids) => (
                <input
                  {...ids}
                  type="text"
                  maxLength={64}
                  autocomplete="name"
                  value={name}
                  onInput={(event) => setName(event.currentTarget.value)}
                />
              )}
            </Field>
          )}
          {link === null ? null : <Handout link={link} what="Your guest's card" />}
          <p class="small">
            Then the owner shows you a link to the lamp: open it, or scan it under “Add a lamp”.
          </p>
        </>
      )}
    </Page>
  );
};
