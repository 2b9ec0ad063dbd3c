import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Trouble, troubles } from "../../core/trouble.ts";
import { useKit } from "../kit.ts";
import { hrefOf, type Route } from "../route.ts";
import { BackIcon } from "./icons.tsx";

/**
 * A place below home: its heading takes the focus when one comes there, so that a screen reader says where one is. Each
 * step of a place has a `key` of its own; other words in the title are no other place.
 */
export const Page = (props: {
  readonly title: string;
  readonly back: Route;
  readonly lead?: ComponentChildren;
  readonly children?: ComponentChildren;
}) => {
  const heading = useRef<HTMLHeadingElement>(null);
  // Before anything is painted, so that no key pressed meanwhile goes astray.
  useLayoutEffect(() => {
    heading.current?.focus();
    scrollTo(0, 0);
  }, []);
  return (
    <main class="page" id="main">
      <a class="back" href={hrefOf(props.back)}>
        <BackIcon />
        <span>{props.back.at === "home" ? "Lamps" : "Back"}</span>
      </a>
      <h1 ref={heading} tabIndex={-1} dir="auto">
        {props.title}
      </h1>
      {props.lead === undefined ? null : <p class="lead">{props.lead}</p>}
      {props.children}
    </main>
  );
};

/** What went wrong, and what to do. */
export const Told = ({ trouble }: { readonly trouble: Trouble }) => (
  <div class="trouble" role="alert">
    <strong>{troubles[trouble.code].title}</strong>
    <p>{troubles[trouble.code].help}</p>
    {trouble.detail === "" ? null : <p class="detail">{trouble.detail}</p>}
  </div>
);

/** A part of a page with a heading of its own. */
export const Section = (props: { readonly title: string; readonly children?: ComponentChildren }) => {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <h2 id={id}>{props.title}</h2>
      {props.children}
    </section>
  );
};

/** A labelled field; `hint` is read with it. */
export const Field = (props: {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly children: (ids: {
    readonly id: string;
    readonly "aria-describedby"?: string;
  }) => ComponentChildren;
}) => {
  const id = useId();
  const hint = `${id}-hint`;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children(props.hint === undefined ? { id } : { id, "aria-describedby": hint })}
      {props.hint === undefined ? null : (
        <p class="hint" id={hint}>
          {props.hint}
        </p>
      )}
    </div>
  );
};

/** A slider that reports while it moves, at most every 150 ms, and follows `value` while no finger is on it. */
export const Slider = (props: {
  readonly label: string;
  readonly class: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly value: number;
  readonly text: (value: number) => string;
  readonly disabled?: boolean;
  readonly onMove: (value: number) => void;
}) => {
  const { value, min, max } = props;
  const [held, setHeld] = useState<number | null>(null);
  const latest = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const rest = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(
    () => () => {
      if (rest.current !== null) clearTimeout(rest.current);
    },
    [],
  );
  const send = (): void => {
    timer.current = null;
    props.onMove(latest.current);
  };
  const onInput = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLInputElement)) return;
    latest.current = event.currentTarget.valueAsNumber;
    setHeld(latest.current);
    timer.current ??= setTimeout(send, 150);
    if (rest.current !== null) clearTimeout(rest.current);
    rest.current = setTimeout(() => setHeld(null), 1500);
  };
  const shown = held ?? value;
  return (
    <input
      type="range"
      class={`slider ${props.class}`}
      aria-label={props.label}
      aria-valuetext={props.text(shown)}
      min={min}
      max={max}
      step={props.step ?? 1}
      value={shown}
      disabled={props.disabled ?? false}
      style={{ "--at": `${((shown - min) / (max - min)) * 100}%` }}
      onInput={onInput}
    />
  );
};

/** A link to hand to somebody: as a picture to scan, to copy, and to share where the phone can. */
export const Handout = (props: { readonly link: string; readonly what: string }) => {
  const { tell } = useKit();
  const [picture, setPicture] = useState<{ readonly size: number; readonly path: string } | null>(null);
  useEffect(() => {
    let current = true;
    void import("../qr.ts").then(({ qrPath }) => {
      if (current) setPicture(qrPath(props.link));
    });
    return () => {
      current = false;
    };
  }, [props.link]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(props.link);
      tell({ text: "Copied.", help: null, bad: false });
    } catch {
      tell({ text: "It cannot be copied here.", help: "Mark the link and copy it by hand.", bad: true });
    }
  };
  const share = (): void => {
    navigator.share({ title: "Porchlight", url: props.link }).catch(() => undefined);
  };
  return (
    <div class="handout">
      <div class="qr">
        {picture === null ? null : (
          <svg
            role="img"
            aria-label={`${props.what}, as a code to scan`}
            viewBox={`-4 -4 ${picture.size + 8} ${picture.size + 8}`}
          >
            <path d={picture.path} />
          </svg>
        )}
      </div>
      <p class="link-text" data-link={props.link}>
        {props.link}
      </p>
      <div class="row">
        <button type="button" class="secondary" onClick={() => void copy()}>
          Copy the link
        </button>
        {"share" in navigator ? (
          <button type="button" class="secondary" onClick={share}>
            Share it
          </button>
        ) : null}
      </div>
    </div>
  );
};
