// The script that starts the service, run by sh as systemd does; sleep and the program are stand-ins on $PATH.

import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { serviceFiles } from "../../../src/service/files.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";

const files = serviceFiles({ manual: "", completion: { bash: "", zsh: "", fish: "" } });
const script = files.find(({ path }) => path === "/usr/lib/porchlight/start")?.text ?? "";

/** Runs it in `folder`; what it waited, in seconds, or undefined, and the words it ran. */
const start = (folder: string): { waited: number | undefined; ran: string } => {
  for (const [name, text] of [
    ["sleep", `#!/bin/sh\necho "$1" > ${folder}/waited\n`],
    ["porchlight", "#!/bin/sh\necho porchlight $*\n"],
    ["start", script.replace("/usr/bin/porchlight", join(folder, "porchlight"))],
  ] as const) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  writeFileSync(join(folder, "waited"), "");
  const ran = execFileSync("sh", [join(folder, "start")], {
    env: { PATH: `${folder}:/usr/bin:/bin`, RUNTIME_DIRECTORY: folder },
    encoding: "utf8",
  }).trim();
  const waited = readFileSync(join(folder, "waited"), "utf8").trim();
  return { waited: waited === "" ? undefined : Number(waited), ran };
};

describe("the start of the service", () => {
  test("is later each time while the agent ends soon, up to a minute", () => {
    using folder = scratchFolder();
    const waits = Array.from({ length: 9 }, () => start(folder.path).waited);
    expect(waits).toEqual([undefined, 1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test("is at once again when the one before was more than ten minutes ago", () => {
    using folder = scratchFolder();
    for (let times = 0; times < 5; times++) start(folder.path);
    const then = Date.now() / 1000 - 700;
    utimesSync(join(folder.path, "starts"), then, then);
    expect(start(folder.path)).toEqual({ waited: undefined, ran: "porchlight run" });
    expect(start(folder.path).waited).toBe(1);
  });

  test.each(["", "many", "-1\n"])("takes a broken count %j for none", (count) => {
    using folder = scratchFolder();
    writeFileSync(join(folder.path, "starts"), count);
    expect(start(folder.path)).toEqual({ waited: undefined, ran: "porchlight run" });
  });
});

describe("the files of the service", () => {
  test("have absolute paths, each once, and end with a line end", () => {
    const paths = files.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    for (const { path, text } of files) {
      expect(path).toMatch(/^\/(?:usr)\//);
      if (text !== "") expect(text).toMatch(/[^\n]\n$/);
    }
  });

  test("run the agent as an account of its own, under a watchdog, and begin without the network", () => {
    const unit = files.find(({ path }) => path.endsWith(".service"))?.text ?? "";
    const lines = unit.split("\n");
    for (const line of [
      "Type=notify",
      "User=porchlight",
      "WatchdogSec=60",
      "NoNewPrivileges=yes",
      "StateDirectory=porchlight",
    ])
      expect(lines).toContain(line);
    expect(unit).not.toMatch(/^(?:Wants|Requires|BindsTo)=/m);
  });
});
