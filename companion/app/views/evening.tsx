import { useState } from "preact/hooks";
import type { Board } from "../../core/boards.ts";
import { afterDusk, beginWords, duskAnd, type Evening, eveningFields } from "../../core/evening.ts";
import { useKit } from "../kit.ts";
import { percent } from "../words.ts";
import { Field, Section } from "./parts.tsx";

/** Minutes after dusk that one can choose, and their words. */
const duskChoices: readonly (readonly [number, string])[] = [
  [-60, "An hour before dusk"],
  [-30, "Half an hour before dusk"],
  [0, "At dusk"],
  [30, "Half an hour after dusk"],
  [60, "An hour after dusk"],
];

const faultWords: Readonly<Record<string, string>> = {
  HOME_UNKNOWN: "The board does not know where home is, so it takes 18:00 for dusk.",
  CLOCK_UNSET: "The board does not know the time yet, and waits until it does.",
};

/** When the lamps go on and off by themselves; the board keeps it. */
export const EveningSection = ({ board }: { readonly board: Board }) => {
  const { ask } = useKit();
  const known = board.info?.evening ?? null;
  const [draft, setDraft] = useState<Evening | null>(null);
  const [busy, setBusy] = useState(false);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = draft ??
    known ?? { on: "18:30", off: "23:00", timeZone, lights: null, brightness: null, away: false };
  const minutes = afterDusk(shown.on);
  const fault = faultWords[board.info?.eveningFault ?? ""];
  const send = async (evening: Evening | null): Promise<void> => {
    setBusy(true);
    const done =
      evening === null
        ? "No more evenings."
        : `Every evening from ${beginWords(evening.on)} to ${evening.off}.`;
    const asked = { do: "evening", evening: evening === null ? null : eveningFields(evening) };
    const outcome = await ask(board.id, asked, done);
    setBusy(false);
    if (outcome.ok) setDraft(null);
  };
  const set = (part: Partial<Evening>): void => setDraft({ ...shown, ...part });
  return (
    <Section title="Evening">
      <p class="hint">
        {known === null
          ? "The lamps can go on and off by themselves, also while nothing is online."
          : `On at ${beginWords(known.on)}, off at ${known.off} (${known.timeZone})${known.brightness === null ? "" : `, at ${percent(known.brightness / 255)}`}${known.away ? ", as if somebody were at home" : ""}.`}
      </p>
      {fault === undefined ? null : <p class="hint">{fault}</p>}
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
              {[26, 77, 128, 153, 204, 255].map((level) => (
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
          <button type="submit" class="primary" disabled={busy}>
            {known === null ? "Switch on every evening" : "Keep this evening"}
          </button>
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
