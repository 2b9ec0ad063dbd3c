// Who may import whom, and who may touch the outside world directly. The first row whose `files` match holds for
// a file. Paths are globs relative to the root; a file may always import from the `files` of its own row.

export interface Row {
  readonly files: readonly string[];
  /** Files of this project it may import, types and values. */
  readonly may: readonly string[];
  /** Files it may import types from, beyond `may`. */
  readonly types?: readonly string[];
  /** npm packages. */
  readonly packages?: readonly string[];
  /** Node's own modules without `node:`; "any" for all. */
  readonly node?: readonly string[] | "any";
  /** May use the ambient world: clocks, timers, chance, environment, network globals. */
  readonly ambient?: true;
  readonly why: string;
}

const leaf = [
  "src/bare-host.ts",
  "src/units.ts",
  "src/errors.ts",
  "src/model.ts",
  "src/signal.ts",
  "src/time-zone.ts",
  "src/turns.ts",
  "src/users.ts",
  "src/ports.ts",
  "src/second-look.ts",
];
const settings = ["src/agent/settings*.ts"];

/** What is written from the model, and never loaded by the program. */
export const documentsOnly = ["src/broker/contract*.ts"];

export const importTable: readonly Row[] = [
  {
    files: leaf,
    may: [],
    why: "leaf files: everybody codes against them, so they depend on nothing",
  },
  {
    files: ["src/device-flow/**"],
    may: leaf,
    node: ["crypto"],
    why: "the sign-in is HTTP requests and answers through the Http port, and what they sign; the asset token is no business of it",
  },
  {
    files: ["src/asset-token/**"],
    may: [...leaf, "src/org-keys/**"],
    packages: ["jose"],
    node: ["crypto", "util"],
    why: "keys and JWTs; how the grant was got is no business of it",
  },
  {
    files: ["src/hal/drivers/button.ts", "src/hal/drivers/johnny-five-io.ts"],
    may: [...leaf, "src/hal/*.ts", "src/hal/linux/**", "src/hal/drivers/{gpio,pwm}.ts"],
    node: "any",
    why: "a button and johnny-five's pins are lines as a lamp's is: found and taken the same way",
  },
  {
    files: ["src/hal/drivers/firmata*.ts"],
    may: [...leaf, "src/hal/*.ts", "src/hal/linux/**"],
    packages: ["firmata-io", "johnny-five"],
    node: "any",
    ambient: true,
    why: "johnny-five and its firmware have timers of their own, which have to be ended with them",
  },
  {
    files: ["src/hal/drivers/**"],
    may: [...leaf, "src/hal/*.ts", "src/hal/linux/**"],
    packages: ["@jellybrick/dbus-next"],
    node: "any",
    why: "a driver talks to its hardware; drivers do not know each other or the agent",
  },
  {
    files: ["src/hal/linux/**"],
    may: leaf,
    node: "any",
    why: "what the Linux kernel offers: sysfs attributes, device files, ioctls; no idea of a lamp",
  },
  {
    files: ["src/hal/displays/**"],
    may: [...leaf, "src/hal/*.ts", "src/hal/linux/**"],
    packages: ["qrcode-terminal"],
    node: ["fs/promises", "fs", "path", "zlib", "buffer", "util"],
    why: "a display draws a View; where it goes is its own affair",
  },
  {
    files: ["src/hal/*.ts"],
    may: [...leaf, "src/hal/drivers/*.ts"],
    types: ["src/hal/linux/gpio-uapi.ts"],
    why: "light model, fades and curves are pure; only open.ts names the drivers, lazily",
  },
  {
    files: ["src/broker/stream*.ts"],
    may: leaf,
    packages: ["ws"],
    node: "any",
    ambient: true,
    why: "opens TCP, TLS and WebSocket connections",
  },
  {
    files: documentsOnly,
    may: [...leaf, "src/broker/{topics,codec,codec-limits,signed-limits,discovery,payloads}.ts"],
    why: "the written contract with other programs, for documents and tests: no part of the running board",
  },
  {
    files: ["src/broker/{topics,codec,discovery,signed-limits}*.ts"],
    may: [...leaf, "src/broker/{topics,codec,discovery}*.ts"],
    why: "the written contract with other programs: pure, tested as tables",
  },
  {
    files: ["src/broker/**"],
    may: leaf,
    packages: ["mqtt", "mqtt-packet"],
    node: ["stream", "buffer", "events"],
    why: "MQTT over a stream that it is given, on a clock that it is given",
  },
  {
    files: ["src/agent/{sun,away}.ts"],
    may: [...leaf, "src/agent/evening-moments.ts"],
    packages: ["suncalc"],
    node: ["crypto"],
    why: "where the sun stands, and chance that is the same for the same evening: pure",
  },
  {
    files: ["src/agent/**"],
    may: [...leaf, "src/device-flow/wait*.ts"],
    why: "the life of the board: decides by ports alone, so a week of it runs in a second of virtual time",
  },
  {
    files: ["src/org-keys/**"],
    may: leaf,
    packages: ["jose"],
    why: "the keys that the org publishes, for whoever checks what it has signed",
  },
  {
    files: ["src/owner/**"],
    may: [...leaf, "src/broker/{codec*,signed-limits}.ts"],
    types: ["src/org-keys/**"],
    packages: ["jose"],
    node: ["crypto"],
    why: "proves who sent a command, offline; what the command does to the lamp is no business of it",
  },
  {
    files: ["src/doctor/**"],
    may: [...leaf, "src/device-flow/**", "src/org-keys/key-set.ts", "src/hal/{gpio,pwm}-place.ts"],
    types: ["src/asset-token/source.ts", "src/hal/linux/inventory.ts"],
    why: "looks at what the parts meet outside, with these very parts, and says in words what is wrong: pure but for the ports",
  },
  {
    files: ["src/report/**"],
    may: [...leaf, "src/device-flow/{rest,answer}.ts", "src/agent/{asset-state,retry}.ts"],
    types: ["src/broker/codec-fleet.ts"],
    node: ["crypto"],
    why: "the org's records and the fleet's last words in, a page for people and tables for programs out; the broker is read for it",
  },
  {
    files: ["src/update/**"],
    may: leaf,
    node: ["crypto", "fs", "fs/promises", "path", "stream/promises", "zlib"],
    why: "releases, their signatures, and the folder of programs; where they come from and what systemd does is given to it",
  },
  {
    files: ["src/adapters/{release-place,update-machine,updates,as-account}.ts"],
    may: [...leaf, "src/adapters/http.ts", "src/update/programs.ts", "src/service/programs.ts"],
    types: ["src/update/**"],
    node: "any",
    ambient: true,
    why: "updates meet servers, systemd and processes here",
  },
  {
    files: ["src/adapters/**"],
    may: [...leaf, ...settings, "src/hal/linux/libc.ts"],
    packages: ["conf"],
    node: "any",
    ambient: true,
    why: "the outside world on Node: clock, disk, HTTP, journal, control socket",
  },
  {
    files: ["src/cli/sim*.ts"],
    may: ["src/**", "firmware-sim/**"],
    packages: ["mqtt", "ws", "jose", "qrcode-terminal"],
    node: "any",
    ambient: true,
    why: "the one place where the agent and its simulated world meet",
  },
  {
    files: ["src/service/**"],
    may: [],
    why: "texts that a system reads (unit, rules, accounts): pure",
  },
  {
    files: ["src/main.ts", "src/compose*.ts", "src/cli/**"],
    may: ["src/**", "package.json"],
    packages: ["conf"],
    node: "any",
    ambient: true,
    why: "puts the parts together; never the simulator",
  },
  {
    files: ["companion/core/**"],
    may: [],
    types: ["src/model.ts"],
    packages: ["@noble/hashes"],
    ambient: true,
    why: "the phone's side of the contract, in a browser and in the simulated phone; shares no code with the board that checks it",
  },
  {
    files: ["companion/app/**"],
    may: ["companion/core/**", "src/signal.ts"],
    types: ["src/model.ts"],
    packages: ["preact", "mqtt", "jsqr", "qrcode-terminal"],
    ambient: true,
    why: "the companion app's screens, and the browser as its core meets it",
  },
  {
    files: ["firmware-sim/page/**"],
    may: [],
    types: ["firmware-sim/**", "src/model.ts"],
    ambient: true,
    why: "runs in a browser; what it shows arrives as JSON",
  },
  {
    files: ["firmware-sim/page-server*.ts"],
    may: ["src/units.ts", "src/model.ts", "src/signal.ts", "firmware-sim/**"],
    types: ["src/ports.ts"],
    node: "any",
    ambient: true,
    why: "serves the page to a real browser, on real time",
  },
  {
    files: ["firmware-sim/hardware/**"],
    may: ["src/units.ts", "src/model.ts", "src/hal/linux/gpio-uapi.ts", "firmware-sim/*.ts"],
    types: [
      "src/ports.ts",
      "src/hal/linux/gpio.ts",
      "src/hal/drivers/ble-bus.ts",
      "src/hal/displays/panel*.ts",
      "firmware-sim/page/state.ts",
    ],
    packages: ["@jellybrick/dbus-next"],
    node: "any",
    why: "the kernel's GPIO, BlueZ and a panel, as the real drivers meet them",
  },
  {
    files: ["firmware-sim/**"],
    may: ["src/units.ts", "src/model.ts", "src/signal.ts", "companion/core/**"],
    types: ["src/ports.ts"],
    packages: ["mqtt", "mqtt-packet", "jose", "ws", "xml-crypto", "@xmldom/xmldom"],
    node: "any",
    why: "the outside world: it meets the agent by HTTP, MQTT and frames, never by a call into src",
  },
];

/** Too slow to load before the first request to the org: nothing that a start loads may import these statically. */
export const heavyPackages = [
  "mqtt",
  "mqtt-packet",
  "jose",
  "ws",
  "conf",
  "qrcode-terminal",
  "@jellybrick/dbus-next",
  "firmata-io",
  "johnny-five",
  "xml-crypto",
  "@xmldom/xmldom",
];

/** What a start of the agent loads at once. */
export const startFiles = ["src/main.ts", "src/cli/run.ts", "src/compose.ts"];

/** Globals that reach around the ports, and what to use instead. */
export const ambientGlobals: Readonly<Record<string, string>> = {
  "Date.now": "clock.wall() of the Clock port",
  performance: "clock.mono() of the Clock port",
  setTimeout: "clock.sleep() of the Clock port",
  setInterval: "clock.sleep() of the Clock port",
  "Math.random": "the Random port",
  "process.env": "settings",
  "process.exit": "the exit code that main.ts sets",
  fetch: "the Http port",
  WebSocket: "openStream",
};

/** Refused in every row: output goes through a Display, the Journal or the command's own streams. */
export const bannedGlobals: Readonly<Record<string, string>> = {
  console: "the Journal port, or the command's output stream",
};
