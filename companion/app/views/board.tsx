import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Board, boardWith, nameOf, roleOf } from "../../core/boards.ts";
import { within } from "../../core/name.ts";
import type { Pass } from "../../core/pass.ts";
import { useCompanion, useKit, useLasting } from "../kit.ts";
import { go, hrefOf } from "../route.ts";
import { dayWords, healthLines, passWords, takenBackWords } from "../words.ts";
import { EveningSection } from "./evening.tsx";
import { NamesSection } from "./names.tsx";
import { Page, Section } from "./parts.tsx";

/** What an owner may do with a board besides moving its lamps. */
export const BoardPage = ({ id }: { readonly id: string }) => {
  const { boards, person } = useCompanion();
  const board = boardWith(boards, id);
  if (board === undefined || board.hidden !== null || roleOf(board, person?.userId ?? null) !== "owner")
    return (
      <Page
        key="strange"
        title="This lamp is not yours"
        back={{ at: "home" }}
        lead="It may have been signed out."
      />
    );
  return (
    <Page key="own" title={nameOf(board)} back={{ at: "home" }}>
      <EveningSection board={board} />
      <GuestsSection board={board} />
      <NamesSection board={board} />
      <AboutSection board={board} />
      <LeaveSection board={board} />
      <GoneSection board={board} />
    </Page>
  );
};

const GuestsSection = ({ board }: { readonly board: Board }) => {
  const { ask, tell } = useKit();
  const [busy, setBusy] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const look = useRef<HTMLButtonElement>(null);
  const lookAgain = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    await ask(board.id, { do: "guests" }, null);
    setBusy(false);
  };
  const takeBack = async (pass: Pass): Promise<void> => {
    const outcome = await ask(board.id, { do: "revoke", pass: pass.id }, null);
    if (outcome.ok) tell({ text: takenBackWords(pass, outcome.answer.guests ?? []), help: null, bad: false });
  };
  const { guests } = board;
  // What is here when the list changes: a row that goes takes the focus with it.
  const wasWithin = list.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (wasWithin && document.activeElement === document.body) look.current?.focus();
  });
  return (
    <Section title="Guests">
      {guests === null ? null : guests.length === 0 ? (
        <p class="hint">Nobody has a pass.</p>
      ) : (
        <ul class="list" ref={list}>
          {guests.map((pass) => (
            <li key={pass.id}>
              <div class="list-words">
                <b dir="auto">{pass.name}</b>
                <p class="hint">{passWords(pass)}</p>
              </div>
              <button
                type="button"
                class="secondary small-button"
                aria-label={`Take the pass of ${within(pass.name)} back`}
                onClick={() => void takeBack(pass)}
              >
                Take back
              </button>
            </li>
          ))}
        </ul>
      )}
      {/* The same one all the time, and never disabled, so that it keeps the focus. */}
      <button
        type="button"
        class="secondary"
        ref={look}
        aria-disabled={busy}
        onClick={() => void lookAgain()}
      >
        {guests === null ? "Show who has a pass" : "Look again"}
      </button>
      <a class="primary" href={hrefOf({ at: "pass", id: board.id, card: null })}>
        Give a pass
      </a>
    </Section>
  );
};

const AboutSection = ({ board }: { readonly board: Board }) => {
  const { ask } = useKit();
  const { info } = board;
  if (info === null) return null;
  const health = info.health ?? null;
  const rows = [
    ...(health === null ? [] : [["Health", health.well ? "Good" : "Something is wrong"]]),
    ["Owner", info.owner?.name ?? "nobody"],
    ["Id", info.id],
    ["Program", info.version ?? "unknown"],
    [
      "Obeys",
      info.trust === "owner" ? "you and your guests, by signature" : "whatever the broker lets through",
    ],
    ...(info.signedInUntil === null ? [] : [["Signed in until", dayWords(info.signedInUntil)]]),
    ...(info.approvals === null
      ? []
      : [["Sign-ins for lamps", `${info.approvals.used} of ${info.approvals.limit}`]]),
  ];
  return (
    <Section title="About">
      <dl>
        {rows.map(([name, value]) => (
          <div class="fact" key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {health === null
        ? null
        : healthLines(health, info.lamps).map((line) => (
            <p key={line} class="hint" dir="auto">
              {line}
            </p>
          ))}
      <button
        type="button"
        class="secondary"
        onClick={() => void ask(board.id, { do: "update" }, "It looks for a new version of its program.")}
      >
        Look for a new version
      </button>
    </Section>
  );
};

const LeaveSection = ({ board }: { readonly board: Board }) => {
  const { ask, companion } = useKit();
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const signOut = async (): Promise<void> => {
    setBusy(true);
    const outcome = await ask(board.id, { do: "signOut" }, `${within(nameOf(board))} is signed out.`);
    setBusy(false);
    dialog.current?.close();
    if (!outcome.ok) return;
    companion.hideBoard(board.id);
    go({ at: "home" }, true);
  };
  return (
    <Section title="Give it away">
      <p class="hint">
        Signs the board out: it forgets you, your guests and the evening, and shows a new code.
      </p>
      <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
        Sign this board out
      </button>
      <dialog ref={dialog} class="ask" aria-labelledby="leave-title">
        <h2 id="leave-title">Sign {within(nameOf(board))} out?</h2>
        <p>Whoever scans its new code next owns it. You have to be at the lamp to get it back.</p>
        <div class="row">
          <button type="button" class="secondary" onClick={() => dialog.current?.close()}>
            Keep it
          </button>
          <button type="button" class="danger" disabled={busy} onClick={() => void signOut()}>
            Sign it out
          </button>
        </div>
      </dialog>
    </Section>
  );
};

/** A board that is dead or lost says nothing more; nobody else can take it off the list. */
const GoneSection = ({ board }: { readonly board: Board }) => {
  const { companion } = useKit();
  const { connection } = useCompanion();
  // Without a connection no board is known to be there, and one that is would only be hidden.
  const isAway = useLasting(connection === "up" && !board.online, 2500);
  if (!isAway) return null;
  return (
    <Section title="It is not there">
      <p class="hint">
        Is it gone for good? It stays yours, and comes back to the list when it is started anew.
      </p>
      <button
        type="button"
        class="secondary"
        onClick={() => {
          companion.hideBoard(board.id);
          go({ at: "home" }, true);
        }}
      >
        Take it off this list
      </button>
    </Section>
  );
};
