import { useState } from "preact/hooks";
import type { Board } from "../../core/boards.ts";
import {
  afterDusk,
  beginWords,
  duskAnd,
  type Evening,
  eveningAsked,
  eveningWords,
  lampsOf,
} from "../../core/evening.ts";
import { useKit } from "../kit.ts";
import { percent } from "../words.ts";
import { LampChoice } from "./lamp-choice.tsx";
import { Field, Section } from "./parts.tsx";

/** Minutes after dusk that one can choose, and their words. */
const duskChoices: readonly (readonly [number, string])[] = [
  [-60, "An hour before dusk"],
  [-30, "Half an hour before dusk"],
  [0, "At dusk"],
  [30, "Half an hour after dusk"],
  [60, "An hour after dusk"],
];

/** In 255ths. */
const levels: readonly number[] = [26, 77, 128, 153, 204, 255];

const tellHome =
  "Have your organisation fill in your address with its coordinates, or whoever set the board up write home.latitude and home.longitude into its settings.";

const faultWords: Readonly<Record<string, string>> = {
  HOME_UNKNOWN: `The board does not know where home is, so it takes 18:00 for dusk. ${tellHome}`,
  HOME_BY_TIME_ZONE: `Nobody has told the board where home is, so dusk is that of its time zone's city, perhaps an hour off. ${tellHome}`,
  NO_DUSK:
    "These days it does not get dark there before the lamps would go off, so they stay off. To have them on, begin at a time, or end later.",
  TIME_ZONE_UNKNOWN:
    "The board does not know the time zone of this schedule any more, so the lamps stay as they are. Set it again.",
  CLOCK_UNSET: "The board does not know the time yet, and waits until it does.",
};

const homeWords: Readonly<Record<string, string>> = {
  settings: "Dusk is that of the place in the board's settings.",
  org: "Dusk is that of the place where your organisation says that you live.",
};

/** When the lamps go on and off by themselves; the board keeps it. */
export const EveningSection = ({ board }: { readonly board: Board }) => {
  const { ask } = useKit();
  const known = board.info?.evening ?? null;
  const own = board.info?.eveningSettings ?? null;
  const from = board.info?.eveningFrom ?? null;
  const lamps = board.info?.lamps ?? [];
  const [draft, setDraft] = useState<Evening | null>(null);
  const [busy, setBusy] = useState(false);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const plan = draft ??
    known ?? { on: "18:30", off: "23:00", timeZone, lights: null, brightness: null, away: false };
  const shown = { ...plan, lights: lampsOf(plan, lamps) };
  const minutes = afterDusk(shown.on);
  const about = [
    faultWords[board.info?.eveningFault ?? ""] ?? homeWords[board.info?.homeFrom ?? ""],
    from === "phone" && own !== null
      ? `The board's own evening, which you have replaced: ${eveningWords(own, lamps)}.`
      : undefined,
  ];
  const standing =
    known !== null
      ? `${eveningWords(known, lamps)}.${from === "settings" ? " Set on the board itself." : ""}`
      : own !== null
        ? "No evenings, as you wished."
        : "The lamps can go on and off by themselves, also while nothing is online.";
  const send = async (evening: Evening | null | "settings"): Promise<void> => {
    setBusy(true);
    const done =
      evening === null
        ? "No more evenings."
        : evening === "settings"
          ? "Evenings are as set on the board again."
          : `Every evening from ${beginWords(evening.on)} to ${evening.off}.`;
    const outcome = await ask(board.id, eveningAsked(evening), done);
    setBusy(false);
    if (outcome.ok) setDraft(null);
  };
  const set = (part: Partial<Evening>): void => setDraft({ ...shown, ...part });
  return (
    <Section title="Evening">
      <p class="hint">{standing}</p>
      {about.map((words) =>
        words === undefined ? null : (
          <p key={words} class="hint">
            {words}
          </p>
        ),
      )}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          // In the zone that it was planned for: the phone may be on a journey by now.
          void send(shown);
        }}
      >
        <Field label="Begins">
          {(ids) => (
            <select
              {...ids}
              value={minutes === null ? "time" : String(minutes)}
              onChange={(event) => {
                const { value } = event.currentTarget;
                set({ on: value === "time" ? "18:30" : duskAnd(Number(value)) });
              }}
            >
              <option value="time">At a time</option>
              {minutes === null || duskChoices.some(([each]) => each === minutes) ? null : (
                <option value={String(minutes)}>{beginWords(shown.on)}</option>
              )}
              {duskChoices.map(([each, words]) => (
                <option key={each} value={String(each)}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div class="pair">
          {minutes !== null ? null : (
            <Field label="On at">
              {(ids) => (
                <input
                  {...ids}
                  type="time"
                  required
                  value={shown.on}
                  onInput={(event) => set({ on: event.currentTarget.value })}
                />
              )}
            </Field>
          )}
          <Field label="Off at">
            {(ids) => (
              <input
                {...ids}
                type="time"
                required
                value={shown.off}
                onInput={(event) => set({ off: event.currentTarget.value })}
              />
            )}
          </Field>
        </div>
        <LampChoice lamps={lamps} chosen={shown.lights} onChange={(lights) => set({ lights })} />
        <Field label="How bright">
          {(ids) => (
            <select
              {...ids}
              value={String(shown.brightness ?? "")}
              onChange={(event) => {
                const { value } = event.currentTarget;
                set({ brightness: value === "" ? null : Number(value) });
              }}
            >
              <option value="">As it was</option>
              {shown.brightness === null || levels.includes(shown.brightness) ? null : (
                <option value={String(shown.brightness)}>{percent(shown.brightness / 255)}</option>
              )}
              {levels.map((level) => (
                <option key={level} value={String(level)}>
                  {percent(level / 255)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <label class="choice">
          <input
            type="checkbox"
            class="tick"
            checked={shown.away}
            onChange={(event) => set({ away: event.currentTarget.checked })}
          />
          Nobody is at home: look as if somebody were
        </label>
        <div class="row">
          <button type="submit" class="primary" disabled={busy || shown.lights?.length === 0}>
            {known === null ? "Switch on every evening" : "Keep this evening"}
          </button>
          {from === "phone" && own !== null ? (
            <button type="button" class="secondary" disabled={busy} onClick={() => void send("settings")}>
              As set on the board
            </button>
          ) : null}
          {known === null ? null : (
            <button type="button" class="secondary" disabled={busy} onClick={() => void send(null)}>
              No more evenings
            </button>
          )}
        </div>
      </form>
    </Section>
  );
};
