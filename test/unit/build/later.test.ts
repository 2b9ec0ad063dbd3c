import { describe, expect, it } from "vitest";
import { withoutLater } from "../../../build/later.ts";

/** `source`, in which ‹ and › stand around functions that nobody called, « and » around those that somebody did. */
const split = (source: string): { readonly main: string; readonly later: string } => {
  const functions: { start: number; end: number; count: number }[] = [];
  const open: number[] = [];
  let text = "";
  for (const sign of source)
    if ("‹«".includes(sign)) open.push(text.length);
    else if ("›»".includes(sign))
      functions.push({ start: open.pop() ?? 0, end: text.length, count: sign === "»" ? 1 : 0 });
    else text += sign;
  return withoutLater(text, functions);
};

/** The text after the line that loads. */
const rest = (main: string): string => main.replace(/^const \$later=.*\n/m, "");

const long = `"${"x".repeat(300)}"`;

describe("functions that are called later", () => {
  it("are evaluated where they stood, with the variables around them", () => {
    const source = `let a=1;let b=w(‹c=>(a+=c,${long}.length)›);`;
    const { main, later } = split(source);
    expect(main).not.toContain("xxx");
    const run = new Function("w", "Buffer", "process", `"use strict";${main}return [b,a];`);
    const asset = Uint8Array.from(Buffer.from(later, "latin1")).buffer;
    const process = { getBuiltinModule: () => ({ getRawAsset: () => asset }) };
    expect(run((call: (n: number) => number) => call(41), Buffer, process)).toEqual([300, 42]);
  });

  it("lie one after the other", () => {
    const { main, later } = split(`w(‹()=>${long}+1›);w(‹()=>${long}+2›)`);
    expect(later).toBe(`()=>${long}+1()=>${long}+2`);
    expect(rest(main)).toBe(
      "w((...$args)=>eval($later(0,308))(...$args));w((...$args)=>eval($later(308,616))(...$args))",
    );
  });

  it("leave a first line for the shell where it is", () => {
    expect(split("#!/usr/bin/env node\na").main).toMatch(/^#!\/usr\/bin\/env node\nconst \$later=.*\na$/);
  });

  it.each([
    ["that was called", `w(«()=>${long}»)`],
    ["around one that was called", `w(«()=>{w(‹()=>${long}›)}»)`],
    ["that is short", "w(‹()=>1›)"],
    ["that is no argument of a call", `a=‹()=>${long}›;`],
    ["that is one of several arguments", `w(‹()=>${long}›,2)`],
    ["that has a `this` of its own", `w(‹function(){return this+${long}}›)`],
    ["that has one and is asynchronous", `w(‹async function(){return this+${long}}›)`],
    ["that imports", `w(‹()=>import(${long})›)`],
  ])("are not one %s", (_, source) => {
    const { main, later } = split(source);
    expect(later).toBe("");
    expect(rest(main)).toBe(source.replaceAll(/[‹›«»]/g, ""));
  });

  it("cannot be taken out of a text that has the build's own names", () => {
    expect(() => split("let $args=1")).toThrow(/name of the build/);
  });
});
