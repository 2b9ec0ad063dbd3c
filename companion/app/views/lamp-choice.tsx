import type { LampInfo } from "../../core/about.ts";

/** Which lamps of a board with several of them; null: all, those too that it will get. */
export const LampChoice = (props: {
  readonly lamps: readonly LampInfo[];
  readonly chosen: readonly string[] | null;
  readonly onChange: (chosen: readonly string[] | null) => void;
}) => {
  const { lamps, onChange } = props;
  if (lamps.length < 2) return null;
  const chosen = props.chosen ?? lamps.map(({ id }) => id);
  return (
    <fieldset class="choices">
      <legend>Lamps</legend>
      {lamps.map(({ id, name }) => (
        <label key={id} class="choice">
          <input
            type="checkbox"
            class="tick"
            checked={chosen.includes(id)}
            onChange={(event) => {
              const on = event.currentTarget.checked;
              const next = lamps
                .map((lamp) => lamp.id)
                .filter((each) => (each === id ? on : chosen.includes(each)));
              onChange(next.length === lamps.length ? null : next);
            }}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
};
