import fc from "fast-check";
import { expect, it } from "vitest";
import { readContent } from "../../../src/owner/request.ts";
import { validatorOf } from "../../contract/published.ts";
import { mutations, signedContent } from "../../contract/signed-requests.ts";

const reads = (content: unknown): boolean => {
  try {
    readContent(JSON.stringify(content));
    return true;
  } catch {
    return false;
  }
};
const fits = (content: unknown): boolean =>
  validatorOf("signed-command")(JSON.parse(JSON.stringify(content)));

it("a signed content that the schema takes is taken by its reader", () => {
  fc.assert(
    fc.property(signedContent(), (content) => {
      expect([reads(content), fits(content)]).toEqual([true, true]);
    }),
    { numRuns: 2_000 },
  );
});

it.each(mutations)("a signed content is refused by reader and schema alike with %s", (_, change) => {
  fc.assert(
    fc.property(signedContent(), (content) => {
      const changed = change(content);
      expect([reads(changed), fits(changed)]).toEqual([false, false]);
    }),
    { numRuns: 100 },
  );
});

/** Values that a member might be given by mistake. */
const anything = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, "", " ", "a b", "main", "24:00", [], ["Main"], {}, 1e12),
  fc.jsonValue({ maxDepth: 1 }),
);

/** The content with one member, at any depth, taken away, added or replaced. */
const altered = fc
  .tuple(signedContent(), fc.nat(), fc.constantFrom("remove", "add", "replace"), fc.string(), anything)
  .map(([content, pick, how, name, value]) => {
    const copy = structuredClone(content);
    const places: { readonly at: Record<string, unknown>; readonly name: string }[] = [];
    const walk = (at: Record<string, unknown>): void => {
      for (const [key, each] of Object.entries(at)) {
        places.push({ at, name: key });
        if (typeof each === "object" && each !== null && !Array.isArray(each))
          walk(each as Record<string, unknown>);
      }
    };
    walk(copy);
    const place = places[pick % places.length];
    if (place === undefined) return copy;
    if (how === "remove") delete place.at[place.name];
    else place.at[how === "add" ? name : place.name] = value;
    return copy;
  });

const zones = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu"];

/** What a schema cannot say: two members that contradict each other, or a time zone that there is not. */
const beyondSchema = (content: Record<string, unknown>): boolean => {
  const [iat, exp] = [Number(content.iat), Number(content.exp)];
  const { from = 0, until = iat + 1, daily } = Object(content.pass);
  const { on, off } = Object(content.evening);
  const zone = Object(daily).timeZone ?? Object(content.evening).timeZone;
  return (
    !(exp > iat && exp <= iat + 300) ||
    !(until > from && until > iat && until <= iat + 366 * 86_400) ||
    (daily !== undefined && Object(daily).from === Object(daily).to) ||
    (on !== undefined && on === off) ||
    (zone !== undefined && !zones.includes(zone))
  );
};

it("a signed content with one member altered is judged alike by reader and schema", () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(altered, (content) => {
      const [read, fitting] = [reads(content), fits(content)];
      if (read) taken++;
      else refused++;
      if (read !== fitting) expect([read, fitting, beyondSchema(content)]).toEqual([false, true, true]);
    }),
    { numRuns: 20_000 },
  );
  expect(Math.min(taken, refused)).toBeGreaterThan(500);
});
