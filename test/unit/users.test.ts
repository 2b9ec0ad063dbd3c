import { describe, expect, it } from "vitest";
import { isSameOrg, isSameUser, orgOfUser } from "../../src/users.ts";

describe("a user", () => {
  it.each([
    ["005xx000000000AAAA", "005xx000000000A", true],
    ["https://login.example/id/00Dxx0000000001EAA/005xx000000000AAAA", "005xx000000000A", true],
    ["005xx000000000AAAA", "005xx000000000BAAA", false],
    ["005xx000000000AAAA", "005XX000000000AAAA", false],
    ["someone", "someone", true],
    ["https://a.example/someone", "someone", false],
    ["005xx000000000AAAAx", "005xx000000000A", false],
  ])("%s and %s: the same %s", (one, other, same) => {
    expect(isSameUser(one, other)).toBe(same);
    expect(isSameUser(other, one)).toBe(same);
  });
});

describe("an org", () => {
  it("is known with 15 and with 18 characters, and in its users' addresses", () => {
    expect(isSameOrg("00Dxx0000000001", "00Dxx0000000001EAA")).toBe(true);
    expect(isSameOrg("00Dxx0000000001EAA", "00Dxx0000000002EAA")).toBe(false);
    expect(isSameOrg("acme", "acme")).toBe(true);
    expect(orgOfUser("https://login.example/id/00Dxx0000000001EAA/005xx000000000AAAA")).toBe(
      "00Dxx0000000001EAA",
    );
    expect(orgOfUser("005xx000000000AAAA")).toBeNull();
  });
});
