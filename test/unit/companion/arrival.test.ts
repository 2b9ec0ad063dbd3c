import { expect, test } from "vitest";
import { readArrival } from "../../../companion/core/arrival.ts";

const app = "https://app.example/lamps/";

test.each([
  ["a code", `${app}?code=c&state=s`, app],
  ["an error in the query", `${app}?error=access_denied&state=s#/add`, app],
  ["tokens behind the #", `${app}#access_token=a&id_token=b&state=s`, app],
  ["a token without a state", `${app}#access_token=a`, app],
  ["an error behind the #", `${app}#error=access_denied&error_description=no`, app],
])("%s is taken out of the address and kept for the app", (_what, href, clean) => {
  expect(readArrival(href)).toEqual({ clean, answer: href });
});

test.each([
  ["the app", app, app],
  ["a place in it", `${app}#/board/porch-1`, `${app}#/board/porch-1`],
  ["a guest's card", `${app}#guest=eyJzdGF0ZSI6MX0`, `${app}#guest=eyJzdGF0ZSI6MX0`],
  ["a shared lamp", `${app}?utm=x#lamp=porch-1&as=key`, `${app}#lamp=porch-1&as=key`],
])("%s is no answer of an org", (_what, href, clean) => {
  expect(readArrival(href)).toEqual({ clean, answer: null });
});
