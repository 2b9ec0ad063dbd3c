import { useState } from "preact/hooks";
import { type Board, nameOf } from "../../core/boards.ts";
import { within } from "../../core/name.ts";
import { useKit } from "../kit.ts";
import { Field, Section } from "./parts.tsx";

/** What the board and its lamps are called; the board keeps it. */
export const NamesSection = ({ board }: { readonly board: Board }) => {
  const lamps = board.info?.lamps ?? [];
  return (
    <Section title="Names">
      <NameForm board={board} lamp={null} label="The board" name={nameOf(board)} />
      {lamps.map((lamp) => (
        <NameForm
          key={lamp.id}
          board={board}
          lamp={lamp.id}
          label={lamps.length === 1 ? "Its lamp" : `Lamp ${lamp.id}`}
          name={lamp.name}
        />
      ))}
    </Section>
  );
};

const NameForm = (props: {
  readonly board: Board;
  readonly lamp: string | null;
  readonly label: string;
  readonly name: string;
}) => {
  const { ask } = useKit();
  const [draft, setDraft] = useState<string | null>(null);
  const name = (draft ?? props.name).trim();
  const save = async (): Promise<void> => {
    const asked = { do: "rename", name, ...(props.lamp === null ? {} : { light: props.lamp }) };
    const outcome = await ask(props.board.id, asked, `It is called ${within(name)} now.`);
    if (outcome.ok) setDraft(null);
  };
  return (
    <form
      class="name"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Field label={props.label}>
        {(ids) => (
          <input
            {...ids}
            type="text"
            dir="auto"
            required
            maxLength={64}
            autocomplete="off"
            value={draft ?? props.name}
            onInput={(event) => setDraft(event.currentTarget.value)}
          />
        )}
      </Field>
      <button
        type="submit"
        class="secondary"
        disabled={name === "" || name === props.name}
        aria-label={`Rename ${within(props.name)}`}
      >
        Rename
      </button>
    </form>
  );
};
