import { useState } from "preact/hooks";
import type { GuestMay } from "../../../src/model.ts";
import { listed, nameOf, roleOf } from "../../core/boards.ts";
import { boardLink, type GuestCard } from "../../core/guest-link.ts";
import { within } from "../../core/name.ts";
import { type Pass, passFields } from "../../core/pass.ts";
import { useCompanion, useKit } from "../kit.ts";
import { mayWords, percent } from "../words.ts";
import { LampChoice } from "./lamp-choice.tsx";
import { Field, Handout, Page, Section } from "./parts.tsx";
import { Who } from "./who.tsx";

const HOUR_S = 3600;
const terms: readonly { readonly label: string; readonly seconds: number }[] = [
  { label: "three hours", seconds: 3 * HOUR_S },
  { label: "a day", seconds: 24 * HOUR_S },
  { label: "a week", seconds: 7 * 24 * HOUR_S },
  { label: "a month", seconds: 30 * 24 * HOUR_S },
  { label: "a year", seconds: 365 * 24 * HOUR_S },
];
const mays: readonly GuestMay[] = ["switch", "brightness", "colour", "effect"];

/** From a guest's link to a pass that the board keeps, and the link that shows the guest the board. */
export const PassPage = (props: { readonly id: string | null; readonly card: GuestCard | null }) => {
  const { ask, app } = useKit();
  const { boards, person } = useCompanion();
  const mine = listed(boards).filter((board) => roleOf(board, person?.userId ?? null) === "owner");
  const [chosen, setChosen] = useState(props.id ?? mine[0]?.id ?? "");
  const board = mine.find(({ id }) => id === chosen) ?? mine[0];
  const [card, setCard] = useState<GuestCard | null>(props.card);
  const [name, setName] = useState(props.card?.name ?? "");
  const [may, setMay] = useState<readonly GuestMay[]>(["switch", "brightness"]);
  const [limit, setLimit] = useState("");
  const [term, setTerm] = useState(24 * HOUR_S);
  const [daily, setDaily] = useState<{ readonly from: string; readonly to: string } | null>(null);
  const [lamps, setLamps] = useState<readonly string[] | null>(null);
  const [busy, setBusy] = useState(false);
  // One for each guest: a pass that is given again after a silence takes the place of the first.
  const [id] = useState(() => crypto.randomUUID());
  const [given, setGiven] = useState<string | null>(null);

  if (board === undefined)
    return (
      <Page
        key="none"
        title="Give a pass"
        back={{ at: "home" }}
        lead="You need a lamp of your own to share it."
      />
    );
  const back = { at: "board", id: board.id } as const;
  if (given !== null)
    return (
      <Page
        key="given"
        title={`${within(name)} may use it now`}
        back={back}
        lead="Show or send this link: it puts the lamp on your guest's list."
      >
        <Handout link={given} what={`Link to ${within(nameOf(board))}`} />
      </Page>
    );
  if (card === null)
    return (
      <Page
        key="who"
        title="Who is the guest?"
        back={back}
        lead="On your guest's phone, the app shows a code under “Be a guest”."
      >
        <Who
          onCard={(found) => {
            setCard(found);
            setName(found.name);
          }}
        />
      </Page>
    );

  const give = async (): Promise<void> => {
    setBusy(true);
    const pass: Pass = {
      id,
      name: name.trim(),
      user: card.user,
      key: card.key,
      lights: lamps,
      may,
      maxBrightness: limit === "" ? null : Number(limit),
      from: null,
      until: Math.floor(Date.now() / 1000) + term,
      daily: daily === null ? null : { ...daily, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone },
    };
    const outcome = await ask(
      board.id,
      { do: "admit", pass: passFields(pass) },
      `${within(pass.name)} has a pass now.`,
    );
    setBusy(false);
    if (outcome.ok)
      setGiven(
        boardLink(app, { device: board.id, as: card.user === null ? "key" : "person", allowance: pass }),
      );
  };
  const all = board.info?.lamps ?? [];
  return (
    <Page key="form" title={`A pass for ${name === "" ? "your guest" : within(name)}`} back={back}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void give();
        }}
      >
        {mine.length > 1 && props.id === null ? (
          <Field label="Which lamp">
            {(ids) => (
              <select
                {...ids}
                value={board.id}
                onChange={(event) => {
                  setChosen(event.currentTarget.value);
                  // Another board has other lamps.
                  setLamps(null);
                }}
              >
                {mine.map((each) => (
                  <option key={each.id} value={each.id}>
                    {nameOf(each)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        ) : null}
        <Field label="Name of the guest">
          {(ids) => (
            <input
              {...ids}
              type="text"
              required
              maxLength={64}
              autocomplete="off"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <fieldset class="choices">
          <legend>May</legend>
          {mays.map((each) => (
            <label key={each} class="choice">
              <input
                type="checkbox"
                class="tick"
                checked={may.includes(each)}
                onChange={(event) =>
                  setMay(
                    event.currentTarget.checked
                      ? mays.filter((one) => one === each || may.includes(one))
                      : may.filter((one) => one !== each),
                  )
                }
              />
              {mayWords[each]}
            </label>
          ))}
        </fieldset>
        <LampChoice lamps={all} chosen={lamps} onChange={setLamps} />
        <div class="pair">
          <Field label="For">
            {(ids) => (
              <select
                {...ids}
                value={String(term)}
                onChange={(event) => setTerm(Number(event.currentTarget.value))}
              >
                {terms.map(({ label, seconds }) => (
                  <option key={label} value={String(seconds)}>
                    {label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field label="No brighter than" hint="For lamps that dim; others come on in full.">
            {(ids) => (
              <select {...ids} value={limit} onChange={(event) => setLimit(event.currentTarget.value)}>
                <option value="">no limit</option>
                {[26, 77, 128, 204].map((level) => (
                  <option key={level} value={String(level)}>
                    {percent(level / 255)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <label class="choice">
          <input
            type="checkbox"
            class="tick"
            checked={daily !== null}
            onChange={(event) =>
              setDaily(event.currentTarget.checked ? { from: "18:00", to: "22:00" } : null)
            }
          />
          Only between two times of day
        </label>
        {daily === null ? null : (
          <div class="pair">
            <Field label="From">
              {(ids) => (
                <input
                  {...ids}
                  type="time"
                  required
                  value={daily.from}
                  onInput={(event) => setDaily({ ...daily, from: event.currentTarget.value })}
                />
              )}
            </Field>
            <Field label="To">
              {(ids) => (
                <input
                  {...ids}
                  type="time"
                  required
                  value={daily.to}
                  onInput={(event) => setDaily({ ...daily, to: event.currentTarget.value })}
                />
              )}
            </Field>
          </div>
        )}
        <button type="submit" class="primary" disabled={busy || may.length === 0 || lamps?.length === 0}>
          Give the pass
        </button>
      </form>
      {card.key === null ? null : (
        <Section title="Without an account">
          <p class="hint">
            This guest is known by the key of one phone. Whoever holds that phone may use the pass.
          </p>
        </Section>
      )}
    </Page>
  );
};
