import { useState } from "preact/hooks";
import {
  allowed,
  type Board,
  listed,
  nameOf,
  roleOf,
  type ShownLamp,
  shownLamps,
} from "../../core/boards.ts";
import { within } from "../../core/name.ts";
import { useCompanion, useKit, useLasting, useNow } from "../kit.ts";
import { hrefOf } from "../route.ts";
import { agoWords, glowOf, lampWords, lowerFirst, passWords, percent } from "../words.ts";
import { ColourPanel } from "./colour.tsx";
import { BlinkIcon, ChevronIcon, GearIcon, Lantern, PlusIcon, PowerIcon } from "./icons.tsx";
import { Slider, Told } from "./parts.tsx";
import { SignIn } from "./sign-in.tsx";

/** All lamps of this person. */
export const Home = () => {
  const state = useCompanion();
  const boards = listed(state.boards);
  return (
    <main class="home" id="main">
      <h1 class="unseen">Your lamps</h1>
      <TroubleBox />
      {boards.length === 0 ? <NoLamps /> : boards.map((board) => <BoardCard key={board.id} board={board} />)}
      {boards.length === 0 ? null : (
        <a class="add" href={hrefOf({ at: "add" })}>
          <PlusIcon />
          Add a lamp
        </a>
      )}
    </main>
  );
};

/** Why the phone is not connected, when that is not just the way from one moment to the next. */
const TroubleBox = () => {
  const { trouble, connection, person } = useCompanion();
  const waits = useLasting(connection !== "up", 2500);
  // A guest without an account has a connection, or tries to get one.
  const isSignInDue = person === null && navigator.onLine && connection === "off";
  if (trouble !== null)
    return person === null && navigator.onLine ? <SignIn trouble={trouble} /> : <Told trouble={trouble} />;
  if (!waits) return null;
  return (
    <>
      <p class="trouble quiet" role="status">
        {navigator.onLine
          ? isSignInDue
            ? "Sign in to reach your lamps."
            : "Looking for the broker… What you see is from before."
          : "This phone is offline. What you see is from before, and nothing is sent until it is back."}
      </p>
      {isSignInDue ? <SignIn trouble={null} /> : null}
    </>
  );
};

const NoLamps = () => (
  <div class="empty">
    <div class="empty-lamp">
      <Lantern size={88} />
    </div>
    <h2>No lamp yet</h2>
    <p>
      Give your lamp power. When its display shows a code, add it here and allow it: from then on it obeys
      you.
    </p>
    <a class="primary" href={hrefOf({ at: "add" })}>
      Add a lamp
    </a>
    <p class="small">Just allowed one? It appears here in a few seconds.</p>
    <p class="small">
      Somebody wants to share theirs? <a href={hrefOf({ at: "guest" })}>Be a guest</a>
    </p>
  </div>
);

const BoardCard = ({ board }: { readonly board: Board }) => {
  const { person, connection } = useCompanion();
  const { companion } = useKit();
  const now = useNow();
  const owner = roleOf(board, person?.userId ?? null) === "owner";
  const reachable = connection === "up" && board.online;
  const approvals = board.info?.approvals ?? null;
  const words =
    connection !== "up"
      ? board.heardAt === null
        ? "not heard of yet"
        : `last heard ${agoWords(board.heardAt, now)}`
      : board.online
        ? owner
          ? "online"
          : `online, ${within(board.info?.owner?.name ?? "somebody")}'s`
        : board.heardAt === null
          ? "not there"
          : `not there, last heard ${agoWords(board.heardAt, now)}`;
  return (
    <section class={`board${reachable ? "" : " away"}`} aria-label={nameOf(board)} data-board={board.id}>
      <header class="board-head">
        <div>
          <h2 dir="auto">{nameOf(board)}</h2>
          <p class="presence">
            <i class={reachable ? "dot on" : "dot"} aria-hidden="true" />
            {words}
          </p>
        </div>
        {owner ? (
          <a
            class="round"
            href={hrefOf({ at: "board", id: board.id })}
            aria-label={`Settings of ${within(nameOf(board))}`}
          >
            <GearIcon />
          </a>
        ) : (
          <button type="button" class="quiet" onClick={() => companion.hideBoard(board.id)}>
            Take off the list
          </button>
        )}
      </header>
      {owner && approvals !== null && approvals.used >= approvals.limit ? (
        <p class="warning">
          You have {approvals.used} of {approvals.limit} sign-ins for lamps. One more signs the oldest out.
        </p>
      ) : null}
      {shownLamps(board).map((lamp) => (
        <LampCard key={lamp.info.id} board={board} lamp={lamp} reachable={reachable} />
      ))}
      {owner || board.allowance === null ? null : (
        <p class="hint">Your pass: {lowerFirst(passWords(board.allowance))}.</p>
      )}
      {board.info === null ? (
        <p class="hint">
          Nothing was heard of this board. It shows here as soon as it is online and you may use it.
        </p>
      ) : null}
    </section>
  );
};

const refusalWords = {
  ended: "Your pass has ended. Ask for a new one.",
  "another lamp": "Your pass is not for this lamp.",
} as const;

const LampCard = (props: {
  readonly board: Board;
  readonly lamp: ShownLamp;
  readonly reachable: boolean;
}) => {
  const { board, lamp, reachable } = props;
  const { light } = useKit();
  const { person } = useCompanion();
  const now = useNow();
  const [open, setOpen] = useState(false);
  const { info, state } = lamp;
  const { traits } = info;
  const on = state?.on ?? false;
  const { may, maxBrightness, refusal } = allowed(board, info.id, person?.userId ?? null, now);
  // What would also switch it on takes leave to switch.
  const mayNow = (what: "brightness" | "colour"): boolean => may(what) && (on || may("switch"));
  const hasColour = (traits.rgb || traits.temperature !== null) && mayNow("colour");
  // It flashes at full brightness.
  const mayIdentify = may("effect") && maxBrightness === 1;
  const panel = `more-${board.id}-${info.id}`;
  const send = (change: Parameters<typeof light>[2]): void => void light(board.id, info.id, change);
  const alone = board.info?.lamps.length === 1 && info.name === nameOf(board);
  const name = alone ? "Lamp" : info.name;
  return (
    <article
      class={`lamp${on ? " lit" : ""}${lamp.waiting ? " waiting" : ""}`}
      style={{
        "--glow": glowOf(state?.colour ?? { mode: "none" }),
        "--seen": on ? (state?.brightness ?? 1) : 0,
      }}
      aria-label={info.name}
      aria-busy={lamp.waiting}
      data-lamp={info.id}
    >
      <div class="lamp-top">
        <Lantern size={34} />
        <div class="lamp-words">
          <h3 dir="auto">{name}</h3>
          <p>{lampWords(lamp, reachable)}</p>
        </div>
        <button
          type="button"
          role="switch"
          class="power"
          aria-checked={on}
          aria-label={`${within(info.name)}, on or off`}
          disabled={!may("switch")}
          onClick={() => send({ on: !on })}
        >
          <PowerIcon />
        </button>
      </div>
      {traits.dims ? (
        <Slider
          label={`Brightness of ${within(info.name)}`}
          class="bright"
          min={1}
          max={Math.max(2, Math.floor(maxBrightness * 100))}
          disabled={!mayNow("brightness")}
          value={Math.max(1, Math.round((state?.brightness ?? 1) * 100))}
          text={(value) => percent(value / 100)}
          onMove={(value) => send({ on: true, brightness: value / 100 })}
        />
      ) : null}
      <div class="lamp-more">
        {hasColour ? (
          <button
            type="button"
            class="quiet"
            aria-expanded={open}
            aria-controls={panel}
            onClick={() => setOpen(!open)}
          >
            Colour
            <ChevronIcon />
          </button>
        ) : null}
        {traits.effects.includes("identify") && mayIdentify ? (
          <button type="button" class="quiet" onClick={() => send({ effect: "identify" })}>
            <BlinkIcon />
            Which one is it?
          </button>
        ) : null}
      </div>
      {open && hasColour ? (
        <ColourPanel
          id={panel}
          lamp={lamp}
          onChange={(colour) => send(on ? { colour } : { on: true, colour })}
        />
      ) : null}
      {refusal === null ? null : <p class="hint">{refusalWords[refusal]}</p>}
    </article>
  );
};
