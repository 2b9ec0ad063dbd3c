import { describe, expect, it } from "vitest";
import { inParentheses } from "../../../build/start-functions.ts";

/** `source` with its functions in parentheses that stand between ‹ and ›. */
const marked = (source: string): string => {
  const places: { start: number; end: number }[] = [];
  const open: number[] = [];
  let text = "";
  for (const sign of source)
    if (sign === "‹") open.push(text.length);
    else if (sign === "›") places.push({ start: open.pop() ?? 0, end: text.length });
    else text += sign;
  return inParentheses(text, places);
};

describe("parentheses around functions", () => {
  it.each([
    ["an arrow function", "a=‹()=>1›;", "a=(()=>1);"],
    ["one with one name", "f(‹x=>x›,2)", "f((x=>x),2)"],
    ["an asynchronous one", "a={b:‹async(c,d)=>{}›}", "a={b:(async(c,d)=>{})}"],
    ["one with a default in parentheses", "a=‹(b=c(')'))=>b›", "a=((b=c(')'))=>b)"],
    [
      "a function that is a value",
      "a=‹function(){}›,b=[‹function*c(){}›]",
      "a=(function(){}),b=[(function*c(){})]",
    ],
    ["one in another", "a=‹()=>‹b=>b››", "a=(()=>(b=>b))"],
  ])("stand for %s", (_, source, wanted) => {
    expect(marked(source)).toBe(wanted);
  });

  it.each([
    ["a method", "a={b‹(c){}›}"],
    ["a getter", "a={get ‹b(){}›}"],
    ["a declaration", ";‹function a(){}›"],
    ["an asynchronous declaration", ";‹async function a(){}›"],
    ["a class", "‹class{}›"],
  ])("do not stand for %s", (_, source) => {
    expect(marked(source)).toBe(source.replaceAll(/[‹›]/g, ""));
  });
});
