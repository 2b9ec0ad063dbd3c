import { useState } from "preact/hooks";
import { type GuestCard, readGuestLink } from "../../core/guest-link.ts";
import { CameraIcon } from "./icons.tsx";
import { Field } from "./parts.tsx";
import { Scanner } from "./scan.tsx";

/** Scans or takes down who the guest is. */
export const Who = ({ onCard }: { readonly onCard: (card: GuestCard) => void }) => {
  const [scanning, setScanning] = useState(false);
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const take = (given: string): boolean => {
    const user = /^[A-Za-z0-9]{15,18}$/.test(given.trim()) ? given.trim() : null;
    const card = user === null ? readGuestLink(given) : { name: "", user, key: null };
    setWrong(card === null);
    if (card !== null) onCard(card);
    return card !== null;
  };
  return (
    <>
      {scanning ? (
        <Scanner onText={take} onClose={() => setScanning(false)} />
      ) : (
        <button type="button" class="primary" onClick={() => setScanning(true)}>
          <CameraIcon />
          Scan your guest's code
        </button>
      )}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          take(text);
        }}
      >
        <Field label="Your guest's link, or their user id" hint={wrong ? "This is neither." : undefined}>
          {(ids) => (
            <input
              {...ids}
              type="text"
              autocomplete="off"
              spellcheck={false}
              aria-invalid={wrong}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="secondary" disabled={text.trim() === ""}>
          Go on
        </button>
      </form>
    </>
  );
};
