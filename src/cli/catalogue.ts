// Every command of the program, as data. Nothing is imported that a command needs to run: that comes with `load`.

import { type CommandSpec, type Io, type OptionSpec, type RunCommand, readArguments } from "./command.ts";

const help: OptionSpec = { short: "h", doc: "Show this help." };
const settings: OptionSpec = {
  short: "s",
  value: "FILE",
  doc: "The settings file; else $PORCHLIGHT_SETTINGS, /etc/porchlight/settings.json, the XDG config folder.",
};
const json: OptionSpec = { doc: "Write JSON to standard output, for programs." };

/** A command and the way to run it. */
export interface Entry {
  readonly spec: CommandSpec;
  /** Reads the arguments, loads the command's code and runs it; resolves with the exit code. */
  readonly start: (args: readonly string[], io: Io) => Promise<number>;
}

/** Most commands: arguments and `--help` are read by the description, then the code is loaded. */
const command = (spec: CommandSpec, load: () => Promise<RunCommand>): Entry => ({
  spec,
  async start(args, io) {
    const read = readArguments(spec, args);
    if (read.flags.has("help")) {
      const { commandHelp } = await import("./help.ts");
      io.stdout.write(commandHelp(spec));
      return 0;
    }
    return (await load())(read, io);
  },
});

/** In the order of the help. */
export const catalogue: readonly Entry[] = [
  command(
    {
      name: "run",
      summary: "run the agent on this board",
      usage: ["run [--settings FILE] [--json] [--no-browser]"],
      details: [
        "Shows a code until somebody has signed the board in, then joins the broker and drives the lamps, until it",
        "is told to stop (Ctrl-C or SIGTERM; a second one ends it at once).",
        "At a terminal, Enter, space or n is a press of the board's button, P a long one (a new code), O a very long",
        "one (sign out).",
      ],
      options: {
        settings,
        json: { doc: "Write every event as one JSON object a line to standard output." },
        "no-browser": {
          doc: "With org.signIn web, do not open the link where there is a desktop; it is shown in any case.",
        },
        help,
      },
      maxWords: 0,
      examples: [
        ["porchlight run", "with the settings from the usual places"],
        ["porchlight run --settings porch.json --json", "for another program to read along"],
      ],
    },
    async () => (await import("./run.ts")).runCommand,
  ),
  {
    spec: {
      name: "sim",
      summary: "see everything work in a simulated world, nothing to set up",
      usage: ["sim [OPTIONS]"],
      details: [
        "Runs the agent against a simulated org, broker, phone and lamp. porchlight sim --help tells more.",
      ],
      options: {},
      maxWords: 0,
      examples: [["porchlight sim", "a QR code, a page to watch, and a lamp that moves"]],
    },
    start: async (args) => (await import("./sim.ts")).simCommand(args),
  },
  command(
    {
      name: "status",
      summary: "tell how the agent on this board is doing",
      usage: ["status [--settings FILE] [--json]"],
      details: ["Asks the running agent; without one, tells what the state folder knows."],
      options: { settings, json, help },
      maxWords: 0,
      examples: [
        ["porchlight status", "for people"],
        ["porchlight status --json", 'for programs; "running" says whether an agent answered'],
      ],
    },
    async () => (await import("./status.ts")).statusCommand,
  ),
  command(
    {
      name: "sign-in",
      summary: "show what this board waits for to be signed in, and bring it the answer",
      usage: ["sign-in [--answer URL] [--settings FILE] [--json]"],
      details: [
        "Shows the code or link that the running agent waits with, a new one if the last is dead. With org.signIn web, it",
        "then takes the address that a browser on a phone or another computer ended on: its page says that localhost",
        "cannot be reached, and that is as it should be. Only the answer to this board's own link counts, and only once.",
        "Where the org's page itself shows redirect_uri_mismatch, org.callback is not in its app; invalid_client_id:",
        "org.clientId is wrong, or the app not ten minutes old.",
      ],
      options: {
        answer: { value: "URL", doc: "The address that the browser ended on, instead of typing it in." },
        settings,
        json,
        help,
      },
      maxWords: 0,
      examples: [
        ["porchlight sign-in", "open the link anywhere, then paste the address here"],
        ["porchlight sign-in --answer 'http://localhost:7878/callback?code=…'", "the same in one line"],
      ],
    },
    async () => (await import("./sign-in.ts")).signInCommand,
  ),
  command(
    {
      name: "light",
      summary: "list the lamps, switch one, or find Bluetooth lamps",
      usage: ["light [ID] [on|off|toggle|blink|identify|stop] [OPTIONS]", "light scan [--seconds N]"],
      details: [
        "Without ID it is the first lamp. Goes through the running agent; without one it drives the lamp itself.",
        "stop ends blinking. Brightness, kelvin or colour alone also switch the lamp on.",
      ],
      options: {
        brightness: { short: "b", value: "PERCENT", doc: "1 to 100, as the eye sees it: 40 or 40%." },
        kelvin: { short: "k", value: "KELVIN", doc: "Colour temperature: 2700 is warm, 6500 is cold." },
        colour: { short: "c", value: "RRGGBB", doc: "Colour as six hexadecimal digits: ff8800." },
        fade: {
          short: "f",
          value: "TIME",
          doc: "How long the change takes: 500ms, 2s or 10m; at most an hour.",
        },
        seconds: { value: "N", doc: "How long scan listens: 1 to 300 seconds, 10 unless given." },
        settings,
        json,
        help,
      },
      maxWords: 2,
      examples: [
        ["porchlight light", "list the lamps"],
        ["porchlight light on --brightness 40%", "the first lamp"],
        ["porchlight light porch --kelvin 2700 --fade 2s", "slowly to warm white"],
        ["porchlight light porch identify", "which one is it?"],
        ["porchlight light scan", "Bluetooth lamps near this board, and the settings line for each"],
      ],
    },
    async () => (await import("./light.ts")).lightCommand,
  ),
  command(
    {
      name: "doctor",
      summary: "look at the board and its surroundings step by step, and say what is wrong and what to do",
      usage: ["doctor [NAME] [--sign-in] [--settings FILE] [--json]"],
      details: [
        "NAME is settings, disk, clock, network, tls, org, broker, permissions, hardware or service; without it all of them",
        "are taken, in this order. Each step says what was seen, what that means, and what to do.",
        "A running agent is not disturbed: no refresh, no lamp moves, and at the broker nobody takes its place. org asks for",
        "one code to see whether it gets one, which nobody is shown, and exchanges one asset token where the board is signed in.",
        "Exit code 0 when nothing is wrong, else 1.",
      ],
      options: {
        "sign-in": {
          doc: "With org: have somebody approve for this examination only; then refresh is tried, too, and it is given back at the end.",
        },
        settings,
        json,
        help,
      },
      maxWords: 1,
      examples: [
        ["porchlight doctor", "before the first start, or when something does not work"],
        ["porchlight doctor broker", "one examination"],
        ["porchlight doctor org --sign-in", "with a person at hand, all of it"],
      ],
    },
    async () => (await import("./doctor.ts")).doctorCommand,
  ),
  command(
    {
      name: "diagnose",
      summary: "write one text about the board, without secrets, for somebody who helps",
      usage: ["diagnose [--settings FILE]"],
      details: [
        "Versions and machine, what porchlight doctor finds, settings, the running agent's status, the last lines of the",
        "journal. Secrets, names, user names, mail, hardware and public network addresses, serial numbers, codes and where home",
        "is are left out or replaced; so is what a display in the journal showed. Standard output is the text: read it before",
        "you send it.",
      ],
      options: { settings, help },
      maxWords: 0,
      examples: [["sudo porchlight diagnose", "into a file (> porchlight.txt) that you read, and then send"]],
    },
    async () => (await import("./diagnose.ts")).diagnoseCommand,
  ),
  command(
    {
      name: "hardware",
      summary: "list what this board has for lamps, buttons and displays",
      usage: ["hardware [--json]"],
      details: [
        "Chips and lines, PWM, LEDs, serial ports, Bluetooth, framebuffers and I2C buses; what is in use and by whom;",
        "and the settings line to copy. Changes nothing.",
      ],
      options: { json, help },
      maxWords: 0,
      examples: [["porchlight hardware", "which pin is free?"]],
    },
    async () => (await import("./hardware.ts")).hardwareCommand,
  ),
  command(
    {
      name: "guests",
      summary: "list the guests who may move the lamps, or take a pass back",
      usage: ["guests [--settings FILE] [--json]", "guests revoke ID [--settings FILE] [--json]"],
      details: [
        "Passes are given by the owner's phone (docs/signed-commands.md). A pass that was taken back counts no more from",
        "the next command on.",
      ],
      options: { settings, json, help },
      maxWords: 2,
      examples: [
        ["porchlight guests", "who may do what, until when"],
        ["porchlight guests revoke p1", "by the id in the list"],
      ],
    },
    async () => (await import("./guests.ts")).guestsCommand,
  ),
  command(
    {
      name: "sign-out",
      summary: "give the board back: end the sign-in at the org and forget it here",
      usage: ["sign-out [--settings FILE] [--json]"],
      details: [
        "Revokes the tokens at the org and forgets them and what the owner gave (guests, names, evening, home), also when",
        "the org cannot be reached; then the sign-in stays valid at the org until you end it there.",
      ],
      options: { settings, json, help },
      maxWords: 0,
      examples: [["porchlight sign-out", "the next run shows a new code"]],
    },
    async () => (await import("./sign-out.ts")).signOutCommand,
  ),
  command(
    {
      name: "settings",
      summary: "show, check, change or explain the settings",
      usage: [
        "settings show [--json]",
        "settings check",
        "settings set KEY VALUE",
        "settings unset KEY",
        "settings doc [KEY | GROUP]",
        "settings schema",
      ],
      details: [
        "show tells every value and where it comes from; secrets stay hidden.",
        "set and unset change the settings file, and refuse what would be a new mistake. VALUE - is read from standard",
        "input, so that a secret need not stand on the command line. A running agent takes changes at its next start.",
        "schema writes a JSON Schema for editors.",
      ],
      options: {
        settings,
        json,
        "drop-comments": { doc: "With set and unset: change a file with comments, which then loses them." },
        help,
      },
      maxWords: 3,
      examples: [
        ["porchlight settings set org.clientId 3MVG9…", "one value"],
        ['porchlight settings set lights \'[{ "driver": "memory:" }]\'', "a list, as JSON"],
        ["porchlight settings set org.clientSecret - < secret.txt", "a secret from a file"],
        ["porchlight settings doc broker.url", "what is this?"],
        ["porchlight settings doc commands", "all of a group"],
      ],
    },
    async () => (await import("./settings.ts")).settingsCommand,
  ),
  command(
    {
      name: "completion",
      summary: "write what a shell needs to complete commands, options and settings",
      usage: ["completion bash|zsh|fish"],
      details: [],
      options: { help },
      maxWords: 1,
      examples: [
        ["porchlight completion bash", "into ~/.bashrc: source <(porchlight completion bash)"],
        ["porchlight completion zsh", "into ~/.zshrc, after compinit: source <(porchlight completion zsh)"],
        [
          "porchlight completion fish",
          "once: porchlight completion fish > ~/.config/fish/completions/porchlight.fish",
        ],
      ],
    },
    async () => (await import("./completion.ts")).completionCommand,
  ),
  command(
    {
      name: "install",
      summary: "make a service of this file, on boards without apt",
      usage: ["install [--root DIR --program FILE]", "install --remove [--purge]"],
      details: [
        "Puts the program into /usr/bin, with a unit for systemd, an account of its own, udev rules, manual page and",
        "completions: what the Debian package does. Only root may. An installed one is replaced; settings and sign-in stay.",
      ],
      options: {
        root: {
          value: "DIR",
          doc: "Into a system that is mounted there (a card), instead of the running one.",
        },
        program: { value: "FILE", doc: "The program to put there instead of this one." },
        remove: { doc: "Take it away again; settings and sign-in are kept." },
        purge: { doc: "With --remove: take settings and sign-in, too." },
        help,
      },
      maxWords: 0,
      examples: [
        ["sudo ./porchlight-linux-arm64 install", "then write /etc/porchlight/settings.json"],
        ["sudo porchlight install --remove --purge", "as if it had never been there"],
      ],
    },
    async () => (await import("./install.ts")).installCommand,
  ),
  command(
    {
      name: "image",
      summary: "prepare an SD card, or the image of one, that needs no hands",
      usage: ["image TARGET [--settings FILE] [--program FILE]", "image FOLDER --boot DIR [--settings FILE]"],
      details: [
        "TARGET is an image file, a whole card (/dev/sdX) that is not mounted, or the folder in which the card's root is",
        "mounted. Puts the program and its service onto it, and the settings, once they are checked, with the files beside",
        "them that they name, onto its boot partition: take-over has the rest. Only root may; the card is for any processor,",
        "whatever this computer has.",
      ],
      options: {
        settings: { short: "s", value: "FILE", doc: "The settings to put there, as porchlight.json." },
        program: { value: "FILE", doc: "The program to put there instead of this one." },
        boot: { value: "DIR", doc: "Where the boot partition of a mounted card is, unless inside its root." },
        help,
      },
      maxWords: 1,
      examples: [
        [
          "sudo ./porchlight-linux-x64 image raspios.img --program porchlight-linux-arm64 --settings porch.json",
          "then write raspios.img onto a card",
        ],
        [
          "sudo ./porchlight-linux-arm64 image /dev/sdX",
          "a card in a reader, on a computer of the same kind",
        ],
      ],
    },
    async () => (await import("./image.ts")).imageCommand,
  ),
  command(
    {
      name: "take-over",
      summary: "take settings over that lie on the boot partition",
      usage: ["take-over [--show] [--root DIR]"],
      details: [
        "Checks porchlight.json in /boot/firmware or /boot, moves its secrets to where only root may read, puts it in force",
        "as /etc/porchlight/settings.json, and leaves it without secrets as porchlight.json.taken. Mistakes are told all at",
        "once, also in porchlight-errors.txt beside it; then older settings stay in force. The service does this at every",
        "start of the board.",
      ],
      options: {
        show: {
          doc: "With mistakes and no older settings: show them on the display until there are settings.",
        },
        root: {
          value: "DIR",
          doc: "In a system that is mounted there (a card), instead of the running one.",
        },
        help,
      },
      maxWords: 0,
      examples: [["sudo porchlight take-over", "without waiting for the next start"]],
    },
    async () => (await import("./take-over.ts")).takeOverCommand,
  ),
  command(
    {
      name: "update",
      summary: "install a newer version, signed by its maker",
      usage: [
        "update [--from PLACE] [--now] [--older]",
        "update --check [--json]",
        "update back",
        "update fetch|apply",
      ],
      details: [
        "Looks at update.url, checks the maker's signature, fetches what is newer, tries it out, and goes back by itself when",
        "it does not come online. With update.automatic the service does so every night while no lamp is on.",
        "back runs the version before again. fetch and apply are the two halves that the service runs.",
      ],
      options: {
        check: { doc: "Only tell whether there is a newer version." },
        from: { value: "PLACE", doc: "Another place than update.url: a URL, or a folder such as a stick." },
        now: { doc: "Also while a lamp is on." },
        patience: {
          value: "TIME",
          doc: "How long the new version may take to come online: 10m unless given, at most an hour.",
        },
        older: { doc: "Also a version that is older than the one that runs." },
        asked: { doc: "Whatever share of the boards it is for, and however often it failed here." },
        settings,
        json,
        help,
      },
      maxWords: 1,
      examples: [
        ["sudo porchlight update", "fetch, try out, and run it"],
        ["sudo porchlight update --check", "is there a newer one?"],
        ["sudo porchlight update --from /media/stick", "on a board without the internet"],
        ["sudo porchlight update back", "the new one does not please"],
      ],
    },
    async () => (await import("./update.ts")).updateCommand,
  ),
  command(
    {
      name: "app",
      summary: "write the companion app, for phones, to a folder that a web server hands out",
      usage: ["app DIR --org URL --client-id ID --broker URL [OPTIONS]"],
      details: [
        "Writes the app's files and companion.json, which names the org and the broker, and tells which headers to send with",
        "them. docs/app.md says what to set up at the org and at the broker. An app that is there already is replaced.",
      ],
      options: {
        org: { value: "URL", doc: "The org, https://….my.salesforce.com, or the issuer." },
        "client-id": {
          value: "ID",
          doc: "The phones' app at the org: web server flow with PKCE, no secret.",
        },
        broker: { value: "URL", doc: "The broker for browsers, wss://…." },
        dialect: { value: "NAME", doc: "salesforce, unless given, or rfc8628." },
        scope: {
          value: "TEXT",
          doc: "What to ask the org for; openid and refresh tokens have to be among it.",
        },
        origins: {
          value: "URLS",
          doc: "Where else than at --org the org's endpoints are, for the page's policy.",
        },
        "code-page": { value: "URL", doc: "Where the org takes a board's code; known for salesforce." },
        "broker-username": {
          value: "NAME",
          doc: "What phones call themselves at the broker; else their client id.",
        },
        "broker-guest": {
          value: "NAME:PASSWORD",
          doc: "An account of the broker for guests who have none at the org. Everybody who opens the app can read it.",
        },
        "legacy-user-agent": {
          doc: "Sign people in by the user-agent flow, with tokens in the address, until 20 February 2027. Only where nothing else is left.",
        },
        boards: {
          value: "IDS",
          doc: "Boards to show where the broker does not let phones look for their own.",
        },
        help,
      },
      maxWords: 1,
      examples: [
        [
          "porchlight app /var/www/lamps --org https://example.my.salesforce.com --client-id 3MVG9… --broker wss://broker.example/mqtt",
          "then serve /var/www/lamps over HTTPS",
        ],
      ],
    },
    async () => (await import("./app.ts")).appCommand,
  ),
  command(
    {
      name: "report",
      summary: "write a report of all lamps, from the org and the broker, for a server",
      usage: ["report --out DIR [--settings FILE] [--json] [OPTIONS]"],
      details: [
        "Signs in without a person (org.signIn jwt-bearer, client-credentials or saml-bearer), reads every Asset record, and",
        "what the boards keep at the broker where the settings have one. Writes report.html, report.json and report.csv",
        "into a folder of their own below DIR, and makes DIR/latest lead there. docs/report.md says what to set up, and how",
        "to have one every night. The report names people: only who runs this may read it.",
      ],
      options: {
        out: { short: "o", value: "DIR", doc: "Where reports go; made when missing." },
        where: {
          value: "CONDITION",
          doc: "Which Asset records are lamps, as a condition in SOQL; without it, all are.",
        },
        keep: { value: "N", doc: "How many reports stay, the new one with them: 14 unless given." },
        most: { value: "N", doc: "How many records are read at most: 200000 unless given." },
        "broker-wait": {
          value: "TIME",
          doc: "How long the broker may take to tell all that it keeps: 60s unless given, 3s at least, at most an hour.",
        },
        timeout: {
          value: "TIME",
          doc: "How long all of it may take: 15m unless given, at most an hour.",
        },
        settings,
        json,
        help,
      },
      maxWords: 0,
      examples: [
        [
          "porchlight report --settings report.json --out /var/lib/porchlight-report",
          "then open latest/report.html",
        ],
        [
          "porchlight report --out reports --where 'Porchlight_DeviceId__c != null'",
          "in an org that has other assets, too",
        ],
      ],
    },
    async () => (await import("./report.ts")).reportCommand,
  ),
  command(
    {
      name: "manual",
      summary: "write the manual page",
      usage: ["manual"],
      details: [],
      options: { help },
      maxWords: 0,
      examples: [["porchlight manual | man -l -", "read it"]],
    },
    async () => (await import("./manual.ts")).manualCommand,
  ),
  command(
    {
      name: "version",
      summary: "tell the version",
      usage: ["version [--json | --licences]"],
      details: [],
      options: {
        json,
        licences: { doc: "Show the licences of Porchlight and of everything that is in it." },
        help,
      },
      maxWords: 0,
      examples: [
        ["porchlight version", "porchlight, Node and the machine"],
        ["porchlight version --licences | less", "whose work is in it, and under which terms"],
      ],
    },
    async () => (await import("./version.ts")).versionCommand,
  ),
];

/** Names of all commands. */
export const commandNames: readonly string[] = catalogue.map(({ spec }) => spec.name);
