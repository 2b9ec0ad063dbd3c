import { useEffect, useState } from "preact/hooks";
import { listed } from "../../core/boards.ts";
import type { CompanionState } from "../../core/companion.ts";
import type { ShownBoard } from "../../core/guest-link.ts";
import { within } from "../../core/name.ts";
import { addShown, type Notice, useCompanion, useKit } from "../kit.ts";
import { go, hrefOf, type Route, useRoute } from "../route.ts";
import { Add } from "./add.tsx";
import { BoardPage } from "./board.tsx";
import { Home } from "./home.tsx";
import { Lantern, PersonIcon } from "./icons.tsx";
import { BeGuest, Me } from "./me.tsx";
import { PassPage } from "./pass.tsx";
import { Welcome } from "./welcome.tsx";

export const Shell = ({
  notice,
  onClose,
}: {
  readonly notice: Notice | null;
  readonly onClose: () => void;
}) => {
  const state = useCompanion();
  const route = useRoute();
  const { person, ready } = state;
  return (
    <>
      <header class="bar">
        <a class="brand" href={hrefOf({ at: "home" })}>
          <Lantern size={20} />
          <span>Porchlight</span>
        </a>
        <InstallButton />
        {person !== null ? (
          <a class="round" href={hrefOf({ at: "me" })} aria-label={`${within(person.name)}: account`}>
            <PersonIcon />
          </a>
        ) : ready && !isWelcome(state, route) ? (
          <a class="quiet" href={hrefOf({ at: "me" })}>
            Sign in
          </a>
        ) : null}
      </header>
      {ready ? <Place state={state} route={route} /> : <main id="main" aria-busy="true" />}
      <Toast notice={notice} onClose={onClose} />
    </>
  );
};

/** Nothing but the sign-in for who has none, and is no guest by their phone's key either or asks for it. */
const isWelcome = ({ person, boards }: CompanionState, { at }: Route): boolean => {
  if (person !== null || at === "guest" || at === "shown" || at === "add") return false;
  return at === "me" || !listed(boards).some(({ added }) => added === "key");
};

const Place = ({ state, route }: { readonly state: CompanionState; readonly route: Route }) => {
  if (isWelcome(state, route)) return <Welcome />;
  switch (route.at) {
    case "guest":
      return <BeGuest />;
    case "shown":
      return <Shown {...route.shown} />;
    case "add":
      return <Add />;
    case "me":
      return state.person === null ? null : <Me person={state.person} />;
    case "board":
      return <BoardPage key={route.id} id={route.id} />;
    case "pass":
      return (
        <PassPage
          key={route.card === null ? route.id : JSON.stringify(route.card)}
          id={route.id}
          card={route.card}
        />
      );
    default:
      return <Home />;
  }
};

/** A link from an owner: the board goes onto the list. */
const Shown = (shown: ShownBoard) => {
  const kit = useKit();
  // Once for each link: the allowance is read from it anew at every drawing.
  useEffect(() => {
    addShown(kit, shown);
    go({ at: "home" }, true);
  }, [kit, shown.device, shown.as]);
  return <main id="main" aria-busy="true" />;
};

/** What happened, read out and shown. The two regions stay, so that screen readers know them. */
const Toast = ({ notice, onClose }: { readonly notice: Notice | null; readonly onClose: () => void }) => {
  const body =
    notice === null ? null : (
      <div class={notice.bad ? "toast bad" : "toast"}>
        <div>
          <strong>{notice.text}</strong>
          {notice.help === null ? null : <p>{notice.help}</p>}
        </div>
        <button type="button" aria-label="Close this message" onClick={onClose}>
          ×
        </button>
      </div>
    );
  return (
    <div class="toasts">
      <div role="status">{notice?.bad === false ? body : null}</div>
      <div role="alert">{notice?.bad === true ? body : null}</div>
    </div>
  );
};

/** The event with which Chromium offers to install (it is in no standard). */
interface InstallEvent extends Event {
  prompt(): Promise<unknown>;
}

const InstallButton = () => {
  const [offer, setOffer] = useState<InstallEvent | null>(null);
  useEffect(() => {
    const onOffer = (event: Event): void => {
      event.preventDefault();
      if ("prompt" in event) setOffer(event as InstallEvent);
    };
    const onInstalled = (): void => setOffer(null);
    addEventListener("beforeinstallprompt", onOffer);
    addEventListener("appinstalled", onInstalled);
    return () => {
      removeEventListener("beforeinstallprompt", onOffer);
      removeEventListener("appinstalled", onInstalled);
    };
  }, []);
  if (offer === null) return null;
  const install = async (): Promise<void> => {
    await offer.prompt();
    setOffer(null);
  };
  return (
    <button type="button" class="quiet" onClick={() => void install()}>
      Install
    </button>
  );
};
