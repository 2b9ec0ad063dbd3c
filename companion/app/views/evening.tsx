import { useState } from "preact/hooks";
import type { Board } from "../../core/boards.ts";
import { type Evening, eveningFields } from "../../core/evening.ts";
import { useKit } from "../kit.ts";
import { percent } from "../words.ts";
import { Field, Section } from "./parts.tsx";

/** When the lamps go on and off by themselves; the board keeps it. */
export const EveningSection = ({ board }: { readonly board: Board }) => {
  const { ask } = useKit();
  const known = board.info?.evening ?? null;
  const [draft, setDraft] = useState<Evening | null>(null);
  const [busy, setBusy] = useState(false);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = draft ?? known ?? { on: "18:30", off: "23:00", timeZone, lights: null, brightness: null };
  const send = async (evening: Evening | null): Promise<void> => {
    setBusy(true);
    const done =
      evening === null ? "No more evenings." : `Every evening from ${evening.on} to ${evening.off}.`;
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
          : `On at ${known.on}, off at ${known.off} (${known.timeZone})${known.brightness === null ? "" : `, at ${percent(known.brightness / 255)}`}.`}
      </p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send({ ...shown, timeZone });
        }}
      >
        <div class="pair">
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
