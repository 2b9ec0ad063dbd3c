// The settings: a file, the environment, and the words of a command line.

import { readJsonc } from "../../../src/agent/settings-jsonc.ts";
import { settingsError } from "../../../src/agent/settings-parse.ts";
import { displayIn } from "../../../src/agent/settings-take-over.ts";
import { fromText } from "../../../src/agent/settings-written.ts";
import { catalogue } from "../../../src/cli/catalogue.ts";
import { readArguments } from "../../../src/cli/command.ts";
import { readScan, readWish } from "../../../src/cli/light-words.ts";
import { parseAddress } from "../../../src/hal/address.ts";
import { panelAddress } from "../../../src/hal/displays/panel-address.ts";
import { parseBleAddress } from "../../../src/hal/drivers/ble-address.ts";
import { parseTemplate } from "../../../src/hal/drivers/ble-messages.ts";
import { findLine, readPlace } from "../../../src/hal/gpio-place.ts";
import { builtInDrivers, findDriver } from "../../../src/hal/open.ts";
import { least, parse } from "../../unit/settings/given.ts";
import { MARK, same, type Target } from "../target.ts";

/** What stands in a settings file but for the secrets: mistakes may quote it. */
const withoutSecrets = (text: string): string =>
  text.replace(
    /("(?:clientSecret|password|key)"\s*:\s*|PORCHLIGHT_(?:ORG_CLIENT_SECRET|BROKER_PASSWORD|ORG_KEY)=)[^\n,}]*/g,
    "$1",
  );

const judged = (result: ReturnType<typeof parse>): unknown => {
  if (!result.ok) throw settingsError(result.mistakes);
  return result.settings;
};

const whole = {
  ...least,
  device: { id: "porch-1", name: "Porch light", serial: "SN-0815" },
  org: {
    dialect: "rfc8628",
    url: "https://issuer.example",
    clientId: "client",
    clientSecret: MARK,
    signIn: "web",
    callback: "http://localhost:8400/callback",
  },
  assetToken: { mode: "exchange", audience: "https://broker.example", actorClaims: { did: "{device.id}" } },
  broker: { url: "mqtts://broker.example:8883", auth: "password", username: "porch", password: MARK },
  commands: { trust: "owner", clientId: "app" },
  lights: [
    { id: "main", name: "Porch", driver: "pwm:pwmchip0/0?frequency=1000", powerOn: "last" },
    { id: "b", driver: "ble:AA:BB:CC:DD:EE:FF?profile=triones" },
  ],
  evening: { on: "dusk", off: "23:00", timeZone: "Europe/Berlin" },
  home: { latitude: 52.5, longitude: 13.4 },
  display: "oled:/dev/i2c-1?size=128x64",
};

export const settingsFile: Target = {
  name: "settings-file",
  what: "a settings file",
  most: 256 * 1024,
  gives: 64 * 1024,
  sources: [
    "src/agent/settings-jsonc.ts",
    "src/agent/settings-parse.ts",
    "src/agent/settings-written.ts",
    "src/agent/settings-kinds.ts",
    "src/agent/settings-table.ts",
    "src/agent/settings-checks.ts",
    "src/agent/nearest.ts",
  ],
  seeds: [
    JSON.stringify(least),
    JSON.stringify(whole),
    `// a board\n${JSON.stringify(whole, null, 2).replace(/,\n/, ", /* and */\n").replace(/\n}$/, ",\n}")}`,
    JSON.stringify({ ...whole, broker: { ...whole.broker, password: { file: "secret.txt" } } }),
    JSON.stringify({
      ...whole,
      org: { ...whole.org, signIn: "jwt-bearer", username: "ada@home.example", key: { credential: "key" } },
    }),
    `{"org":{"clientSecret":"${MARK}`,
    `{"org.clientSecret":"${MARK}"}`,
  ],
  open: (input) => withoutSecrets(input.toString("utf8")),
  readers: [
    {
      name: "settings",
      throws: ["SETTINGS_INVALID"],
      read: (input) =>
        judged(parse({ file: input.toString("utf8"), texts: { "/etc/porchlight/secret.txt": MARK } })),
    },
    {
      name: "JSON with comments",
      read: (input) => {
        const read = readJsonc(input.toString("utf8"));
        if (read.ok) {
          const again = readJsonc(JSON.stringify(read.value));
          same("JSON", read.value, again.ok ? again.value : again.mistake);
        }
        return read;
      },
    },
    { name: "the display of a broken file", read: (input) => displayIn(input.toString("utf8")) },
  ],
};

export const settingsEnv: Target = {
  name: "settings-env",
  what: "environment variables, and values typed behind porchlight settings set",
  most: 32 * 1024,
  gives: 64 * 1024,
  sources: ["src/agent/settings-written.ts", "src/agent/settings-kinds.ts", "src/agent/settings-parse.ts"],
  seeds: [
    `PORCHLIGHT_ORG_CLIENT_SECRET=${MARK}\nPORCHLIGHT_BROKER_PASSWORD=${MARK}`,
    "PORCHLIGHT_ORG_URL=https://home.my.example\nPORCHLIGHT_COMMANDS_TRUST=broker\nPORCHLIGHT_BROKER_ALLOW_PLAIN=true",
    'PORCHLIGHT_LIGHTS=[{"driver":"memory:"}]\nPORCHLIGHT_DISPLAY=none\nPORCHLIGHT_EVENING_BRIGHTNESS=0.5',
    "PORCHLIGHT_ORG_CLIENTID=x\nPORCHLIGHT_SETTINGS=/etc/x.json\nCREDENTIALS_DIRECTORY=/run/x",
  ],
  open: (input) => withoutSecrets(input.toString("utf8")),
  readers: [
    {
      name: "settings",
      throws: ["SETTINGS_INVALID"],
      read: (input) => {
        const lines = input.toString("utf8").split("\n").slice(0, 200);
        const env = Object.fromEntries(
          lines.map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]),
        );
        return judged(parse({ env }));
      },
    },
    { name: "a typed value", read: (input) => fromText(input.toString("utf8"), undefined) },
  ],
};

const chips = [{ label: "pinctrl-bcm2711" }, { label: "other" }];
const lines = Array.from({ length: 58 }, (_, offset) => ({
  offset,
  name: offset === 3 ? "BUTTON" : `GPIO${offset}`,
}));

export const addresses: Target = {
  name: "addresses",
  // None of them holds a secret.
  open: (input) => input.toString("utf8"),
  what: "where lamps, buttons and displays are, as settings say it",
  most: 1100,
  sources: [
    "src/hal/address.ts",
    "src/hal/open.ts",
    "src/hal/gpio-place.ts",
    "src/hal/drivers/ble-address.ts",
    "src/hal/drivers/ble-messages.ts",
    "src/hal/drivers/ble-profiles.ts",
    "src/hal/displays/panel-address.ts",
  ],
  seeds: [
    "AA:BB:CC:DD:EE:FF?profile=triones&adapter=hci0&pair=yes",
    "AA:BB:CC:DD:EE:FF?profile=write&channels=rgb&write=ffd9&frame=56{r}{g}{b}00f0aa&on=cc2333&off=cc2433&notify=ffd4",
    "pinctrl-bcm2711/17",
    "GPIO17?active=low",
    "led:porch",
    "oled:/dev/i2c-1?rotate=90&size=128x64",
    "330501{w:100}{xor}",
  ],
  readers: [
    {
      name: "Bluetooth",
      throws: ["SETTINGS_INVALID"],
      read: (input) => parseBleAddress(input.toString("utf8")),
    },
    {
      name: "any",
      throws: ["SETTINGS_INVALID"],
      read: (input) => parseAddress("gpio", input.toString("utf8"), ["active", "pull"], "GPIO3"),
    },
    {
      name: "driver",
      throws: ["SETTINGS_INVALID"],
      read: (input) => findDriver(input.toString("utf8"), builtInDrivers).address,
    },
    {
      name: "line",
      read: (input) => {
        const place = readPlace(input.toString("utf8"));
        return "wrong" in place ? place : findLine(place, chips, () => lines);
      },
    },
    {
      name: "display",
      throws: ["SETTINGS_INVALID"],
      read: (input) => panelAddress(input.toString("utf8"), "/dev/i2c-1", ["size"]).path,
    },
    { name: "template", read: (input) => parseTemplate(input.toString("utf8"), ["white"]) },
  ],
};

export const commandLine: Target = {
  name: "command-line",
  what: "words behind porchlight light, one a line",
  most: 8 * 1024,
  sources: ["src/cli/command.ts", "src/cli/light-words.ts"],
  // Nobody types a secret there.
  open: (input) => input.toString("utf8"),
  seeds: [
    "main\non\n--brightness\n40%\n--fade\n2s",
    "--colour=#ff8800",
    "scan\n--seconds\n20",
    "toggle\n--kelvin\n2700",
    "--json\n--help",
    "-h",
  ],
  readers: [
    {
      name: "light",
      throws: ["USAGE"],
      read: (input) => {
        const spec = catalogue.find(({ spec: { name } }) => name === "light")?.spec;
        if (spec === undefined) throw new Error("no such command");
        const args = readArguments(spec, input.toString("utf8").split("\n"));
        return [readScan(args), readWish(args)];
      },
    },
  ],
};
