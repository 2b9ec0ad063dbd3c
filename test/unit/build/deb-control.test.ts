import { expect, it } from "vitest";
import { debControl } from "../../../build/deb-control.ts";

const field = (control: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, "m").exec(control)?.[1];

it("the package is for systems whose systemd starts the service, and says its size and processor", () => {
  const control = debControl({ version: "1.2.3", architecture: "arm64", kilobytes: 140_000 });
  expect(field(control, "Depends")?.split(", ")).toEqual([
    "libc6 (>= 2.28)",
    "libstdc++6",
    "libatomic1",
    "systemd (>= 251)",
  ]);
  expect(field(control, "Version")).toBe("1.2.3");
  expect(field(control, "Architecture")).toBe("arm64");
  expect(field(control, "Installed-Size")).toBe("140000");
  expect(control).toMatch(/[^\n]\n$/);
});
