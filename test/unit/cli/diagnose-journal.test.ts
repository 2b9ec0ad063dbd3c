import { describe, expect, it } from "vitest";
import { LINES, withoutPictures } from "../../../src/cli/diagnose-journal.ts";
import { asJournal, displayJournal } from "./display-journal.ts";

describe("the journal that goes out", () => {
  it.each(["C", "en_GB.UTF-8"])("has no line of a picture in it that the display drew (%s)", async (LANG) => {
    const pictures = await displayJournal(LANG, "Porch");
    // All that must not go out is in there.
    for (const drawn of [/Code ABCD EFGH/, /Code BCDE FGHJ/, /belongs to Former/, /Former Owner.*'s lamp/])
      expect(pictures).toMatch(drawn);
    expect(pictures.split("\n").length).toBeGreaterThan(60);
    const told = asJournal("18:04:05 online at broker.example:8883 (MQTT 5)\n    at frame (file:1:2)");
    const left = withoutPictures(pictures + told);
    expect(left).not.toMatch(/[█▀▄]|##|\.---\.|╭|Former|Smith|Code|ABCD|BCDE/);
    expect(left).toContain(told.trimEnd());
  });

  it("is the last of its lines, as they are", () => {
    const lines = Array.from({ length: LINES + 10 }, (_, index) =>
      asJournal(`18:04:05 line ${index}`).trimEnd(),
    );
    const all = ["-- Boot 1 --", ...lines, "                 of several lines"];
    expect(withoutPictures(all.join("\n")).split("\n")).toEqual(all.slice(-LINES));
  });
});
