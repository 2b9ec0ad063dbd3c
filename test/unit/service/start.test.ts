// The script that starts the service, run by sh as systemd does; sleep and the program are stand-ins on $PATH.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { serviceFiles, settleScript } from "../../../src/service/files.ts";
import { chooseScript, commandScript, startScript } from "../../../src/service/programs.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";

const files = serviceFiles({ manual: "", completion: { bash: "", zsh: "", fish: "" } });

/** The script with all its paths in `folder`. */
const placed = (script: string, folder: string): string =>
  script
    .replaceAll("/usr/lib/porchlight/porchlight", join(folder, "porchlight"))
    .replaceAll("/var/lib/porchlight-programs", join(folder, "programs"))
    .replaceAll("/run/porchlight/", `${folder}/`);

/** Runs the start script in `folder`; what it waited, in seconds, or undefined, and the words it ran. */
const start = (folder: string): { waited: number | undefined; ran: string } => {
  for (const [name, text] of [
    ["sleep", `#!/bin/sh\necho "$1" > ${folder}/waited\n`],
    ["porchlight", "#!/bin/sh\necho porchlight $*\n"],
    ["start", placed(startScript, folder)],
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
    const unit = files.find(({ path }) => path.endsWith("/porchlight.service"))?.text ?? "";
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

/** A version in the folder of programs that says its name; `broken`: the kernel cannot run it. */
const bring = (folder: string, version: string, broken = false): void => {
  const path = join(folder, "programs", version);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "porchlight"), broken ? "\u007fELF" : `#!/bin/sh\necho ${version} $*\n`, {
    mode: 0o755,
  });
};
const lead = (folder: string, name: string, version: string): void =>
  symlinkSync(version, join(folder, "programs", name));
const choose = (folder: string): void => {
  execFileSync("sh", ["-c", placed(chooseScript, folder)]);
};
const linked = (folder: string, name: string): boolean =>
  lstatSync(join(folder, "programs", name), { throwIfNoEntry: false }) !== undefined;

describe("which version the service starts", () => {
  test("is the one that was installed, when there is no other", () => {
    using folder = scratchFolder();
    choose(folder.path);
    expect(start(folder.path).ran).toBe("porchlight run");
  });

  test("is the current one, and before it the one that is tried", () => {
    using folder = scratchFolder();
    bring(folder.path, "1.0.1");
    lead(folder.path, "current", "1.0.1");
    expect(start(folder.path).ran).toBe("1.0.1 run");
    bring(folder.path, "1.0.2");
    lead(folder.path, "trial", "1.0.2");
    choose(folder.path);
    expect(start(folder.path).ran).toBe("1.0.2 run");
  });

  test("is tried twice, and then it is the version before again, at once", () => {
    using folder = scratchFolder();
    for (const version of ["1.0.1", "1.0.2"]) bring(folder.path, version);
    lead(folder.path, "current", "1.0.1");
    lead(folder.path, "trial", "1.0.2");
    const ran = ["first", "second", "third", "fourth"].map(() => {
      choose(folder.path);
      return start(folder.path);
    });
    expect(ran).toEqual([
      { waited: undefined, ran: "1.0.2 run" },
      { waited: 1, ran: "1.0.2 run" },
      { waited: undefined, ran: "1.0.1 run" },
      { waited: 1, ran: "1.0.1 run" },
    ]);
    expect([linked(folder.path, "trial"), linked(folder.path, "failed")]).toEqual([false, true]);
  });

  test.each(["", "many", "-1"])("is tried when the count of its starts is broken: %j", (count) => {
    using folder = scratchFolder();
    bring(folder.path, "1.0.2");
    lead(folder.path, "trial", "1.0.2");
    writeFileSync(join(folder.path, "programs/trial-starts"), count);
    choose(folder.path);
    expect(readFileSync(join(folder.path, "programs/trial-starts"), "utf8")).toBe("1\n");
  });

  test("is the one that was installed, when the current one is damaged and keeps ending", () => {
    using folder = scratchFolder();
    bring(folder.path, "1.0.1", true);
    lead(folder.path, "current", "1.0.1");
    const programs = ["first", "second", "third", "fourth"].map(() => {
      choose(folder.path);
      try {
        return start(folder.path).ran;
      } catch {
        return "ended";
      }
    });
    expect(programs).toEqual(["ended", "ended", "ended", "porchlight run"]);
    expect([linked(folder.path, "current"), linked(folder.path, "damaged")]).toEqual([false, true]);
  });

  test("stays the current one, when it keeps ending but runs", () => {
    using folder = scratchFolder();
    bring(folder.path, "1.0.1");
    lead(folder.path, "current", "1.0.1");
    for (let times = 0; times < 6; times += 1) {
      choose(folder.path);
      expect(start(folder.path).ran).toBe("1.0.1 run");
    }
  });

  test("is not one on trial where its starts cannot be counted", () => {
    using folder = scratchFolder();
    bring(folder.path, "1.0.2");
    lead(folder.path, "trial", "1.0.2");
    // As on a full disk: the file cannot be written.
    mkdirSync(join(folder.path, "programs/trial-starts.new"));
    choose(folder.path);
    expect(start(folder.path).ran).toBe("porchlight run");
    expect(linked(folder.path, "failed")).toBe(true);
  });

  test("is the one that was installed, when a link leads nowhere", () => {
    using folder = scratchFolder();
    mkdirSync(join(folder.path, "programs"));
    lead(folder.path, "current", "1.0.9");
    expect(start(folder.path).ran).toBe("porchlight run");
  });

  test("is what people get, too, but for one that is only tried", () => {
    using folder = scratchFolder();
    const command = (): string => {
      writeFileSync(join(folder.path, "porchlight"), "#!/bin/sh\necho porchlight $*\n", { mode: 0o755 });
      return execFileSync("sh", ["-c", placed(commandScript, folder.path), "sh", "light", "on"])
        .toString()
        .trim();
    };
    expect(command()).toBe("porchlight light on");
    for (const version of ["1.0.1", "1.0.2"]) bring(folder.path, version);
    lead(folder.path, "trial", "1.0.2");
    expect(command()).toBe("porchlight light on");
    lead(folder.path, "current", "1.0.1");
    expect(command()).toBe("1.0.1 light on");
  });
});

describe("an installation", () => {
  /** Runs the script of an installation with all its paths in `folder`; the calls of what is a stand-in there. */
  const settle = (folder: string): string => {
    for (const [name, text] of [
      ["systemd-sysusers", ""],
      // The group is not there: only the folder is made.
      ["install", 'for last; do :; done; mkdir -p "$last"'],
      ["chgrp", `echo chgrp "$@" >> ${folder}/calls`],
    ] as const)
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    writeFileSync(join(folder, "calls"), "");
    const script = placed(settleScript, folder)
      .replaceAll("/etc/porchlight", join(folder, "etc"))
      .replaceAll("/run/systemd", join(folder, "systemd"));
    execFileSync("sh", ["-euc", script], { env: { PATH: `${folder}:/usr/bin:/bin` } });
    return readFileSync(join(folder, "calls"), "utf8");
  };

  test("is not kept waiting by how often the version before ended", () => {
    using folder = scratchFolder();
    for (let times = 0; times < 8; times++) start(folder.path);
    settle(folder.path);
    expect(start(folder.path)).toEqual({ waited: undefined, ran: "porchlight run" });
    // Whatever the service's account has put there.
    rmSync(join(folder.path, "starts"));
    mkdirSync(join(folder.path, "starts"));
    expect(settle(folder.path)).toBe("");
  });

  test("lets the service read settings that were written before it", () => {
    using folder = scratchFolder();
    const settings = join(folder.path, "etc/settings.json");
    expect(settle(folder.path)).toBe("");
    writeFileSync(settings, "{}", { mode: 0o600 });
    expect(settle(folder.path)).toBe(`chgrp porchlight ${settings}\n`);
    expect(lstatSync(settings).mode & 0o777).toBe(0o640);
  });
});
