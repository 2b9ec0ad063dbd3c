import { useState } from "preact/hooks";
import { signalOf, signalWordsUnseen } from "../../../src/signal.ts";
import { type Approval, readApproval } from "../../core/approve.ts";
import { readBoardLink } from "../../core/guest-link.ts";
import { addShown, useKit } from "../kit.ts";
import { go, hrefOf } from "../route.ts";
import { CameraIcon } from "./icons.tsx";
import { Field, Page } from "./parts.tsx";
import { Scanner } from "./scan.tsx";
import { Waiting } from "./waiting.tsx";

/** From a board's code to the org's page. */
export const Add = () => {
  const kit = useKit();
  const { config } = kit;
  const [scanning, setScanning] = useState(false);
  const [text, setText] = useState("");
  const [approval, setApproval] = useState<Approval | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [waiting, setWaiting] = useState(false);

  const take = (given: string): boolean => {
    const shown = /#lamp=/.test(given) ? readBoardLink(given) : null;
    if (shown !== null) {
      addShown(kit, shown);
      go({ at: "home" });
      return true;
    }
    const found = readApproval(given, config.org.url, config.org.codePage);
    if (found === null) {
      setWrong(
        "This is no lamp's link or code for your organisation. Look again: 0 and O, 1 and I are easily mixed up.",
      );
      return false;
    }
    setWrong(null);
    setScanning(false);
    setApproval(found);
    return true;
  };

  const again = (): void => {
    setWaiting(false);
    setApproval(null);
  };
  if (approval !== null && waiting) return <Waiting approval={approval} onBack={again} />;
  if (approval !== null)
    return (
      <Page
        key="compare"
        title="Is it this code?"
        back={{ at: "home" }}
        lead="Compare before you allow: the lamp that shows this code and blinks like this will be yours."
      >
        {approval.userCode === null ? (
          <p class="lead">The link holds no code; your organisation will ask for it.</p>
        ) : (
          <>
            <output class="code">{approval.userCode}</output>
            <p class="lead">
              The lamp itself <b>{signalWordsUnseen(signalOf(approval.userCode))}</b>, over and over.
            </p>
          </>
        )}
        <a
          class="primary"
          href={approval.url}
          target="_blank"
          rel="noopener noreferrer"
          onClick={() => setWaiting(true)}
        >
          It is the same: go on
        </a>
        <button type="button" class="secondary" onClick={again}>
          It is another one
        </button>
        <p class="small">
          You allow it at <b>{new URL(approval.url).host}</b>. A few seconds later the lamp appears here by
          itself.
        </p>
      </Page>
    );
  return (
    <Page
      key="find"
      title="Add a lamp"
      back={{ at: "home" }}
      lead="The lamp's display shows a code. Scan it, or type what stands beside it."
    >
      {scanning ? (
        <Scanner onText={take} onClose={() => setScanning(false)} />
      ) : (
        <button type="button" class="primary" onClick={() => setScanning(true)}>
          <CameraIcon />
          Scan the code
        </button>
      )}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          take(text);
        }}
      >
        <Field label="Link or code" hint={wrong ?? undefined}>
          {(ids) => (
            <input
              {...ids}
              type="text"
              autocomplete="off"
              autocapitalize="characters"
              spellcheck={false}
              aria-invalid={wrong !== null}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="secondary" disabled={text.trim() === ""}>
          Go on
        </button>
      </form>
      <p class="small">
        Is it somebody else's lamp? <a href={hrefOf({ at: "guest" })}>Be a guest</a>
      </p>
    </Page>
  );
};
