import { useEffect, useRef } from "preact/hooks";
import type { Approval } from "../../core/approve.ts";
import { nameOf } from "../../core/boards.ts";
import { within } from "../../core/name.ts";
import { knownBefore, newcomer } from "../../core/newcomer.ts";
import { useCompanion, useKit, useLasting } from "../kit.ts";
import { go } from "../route.ts";
import { Page } from "./parts.tsx";
import { SignIn } from "./sign-in.tsx";

/** Codes live for ten minutes at most orgs. */
const CODE_LIFE_MS = 10 * 60_000;

/** After the org's page was opened: until the board says that it is this person's. */
export const Waiting = ({
  approval,
  onBack,
}: {
  readonly approval: Approval;
  readonly onBack: () => void;
}) => {
  const { tell } = useKit();
  const { boards, person, connection } = useCompanion();
  const before = useRef<ReadonlySet<string> | null>(null);
  const userId = person?.userId ?? null;
  before.current ??= knownBefore(boards, userId, connection === "up");
  const arrived = newcomer(boards, userId, before.current);
  useEffect(() => {
    if (arrived === undefined) return;
    tell({ text: `${within(nameOf(arrived))} is yours.`, help: null, bad: false });
    go({ at: "home" }, true);
  }, [arrived, tell]);
  const isLong = useLasting(true, CODE_LIFE_MS);
  const host = new URL(approval.url).host;
  return (
    <Page
      title="Waiting for the lamp"
      back={{ at: "home" }}
      lead={
        <>
          Allow it at <b>{host}</b>, in the page that has opened, then come back here. This page goes on by
          itself once the lamp says that it is yours; that takes a few seconds.
        </>
      }
    >
      <p class="waits" role="status">
        <span class="pulse" aria-hidden="true" />
        {person === null
          ? "You have not signed in here. Sign in, and the lamp is on your list."
          : connection !== "up"
            ? "This phone has no connection to the broker at the moment, and cannot hear the lamp."
            : isLong
              ? "Ten minutes have gone by, and the code with them. Look whether the lamp shows a new one."
              : "Waiting until the lamp reports…"}
      </p>
      {person === null ? <SignIn trouble={null} /> : null}
      <a class="secondary" href={approval.url} target="_blank" rel="noopener noreferrer">
        Open the page of {host} again
      </a>
      <button type="button" class="secondary" onClick={onBack}>
        Another code
      </button>
    </Page>
  );
};
