import { expect, it } from "vitest";
import { serviceFiles } from "../../../src/service/files.ts";
import { oldestSystemd, systemdVersion } from "../../../src/service/systemd.ts";

it.each([
  ["Debian 11", "libc.so.6\0libsystemd-shared-247.so\0", 247],
  ["Debian 12", "\0libsystemd-core-252.so\0libsystemd-shared-252.so\0libc.so.6", 252],
  ["Fedora", "\0libsystemd-shared-251.14-2.fc37.so\0", 251],
  ["a candidate of a release", "\0libsystemd-shared-258~rc1.so\0", 258],
  ["a program that names no library of systemd's", "\0libsystemd.so.0\0libsystemd-shared.so\0", undefined],
  ["a number that is none of systemd's", "\0libsystemd-shared-2520000.so\0", undefined],
])("systemd's own program names its version: %s", (_, text, version) => {
  expect(systemdVersion(Buffer.from(`\x7fELF${text}`, "latin1"))).toBe(version);
});

it("the oldest systemd is the one that takes a folder of secrets and looks for the key of the state by its name", () => {
  const unit = serviceFiles({ manual: "", completion: { bash: "", zsh: "", fish: "" } }).find(({ path }) =>
    path.endsWith("/porchlight.service"),
  )?.text;
  // Both came with 251, says its NEWS. Where the unit needs neither any more, an older one may do.
  expect(unit).toMatch(/^LoadCredential=secret:\/etc\/porchlight\/secrets$/m);
  expect(unit).toMatch(/^LoadCredentialEncrypted=porchlight-state-key$/m);
  expect(oldestSystemd).toBe(251);
});
