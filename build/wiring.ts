// The wiring pictures of docs/hardware.md, drawn from the header's own numbering so that no pin is in a wrong place.

/** The first pins of the 40-pin header, in pairs: physical pins 1 and 2, 3 and 4, … The same on every Raspberry Pi. */
const header = [
  ["3V3", "5V"],
  ["GPIO2", "5V"],
  ["GPIO3", "GND"],
  ["GPIO4", "GPIO14"],
  ["GND", "GPIO15"],
  ["GPIO17", "GPIO18"],
  ["GPIO27", "GND"],
] as const;

const TOP = 78;
const PITCH = 30;
const LEFT = 76;
const RIGHT = 108;
const TAG = { x: 168, width: 104, height: 24 } as const;

type Colour = "power" | "ground" | "signal" | "pwm";
const colours: Readonly<Record<Colour, string>> = {
  power: "#c23030",
  ground: "#2b2b2b",
  signal: "#168a57",
  pwm: "#1f6fb5",
};

/** A wire from a pin to its tag, whose right edge is where the drawing goes on. `y` is the tag's middle. */
interface Used {
  readonly pin: number;
  readonly y: number;
  readonly colour: Colour;
}

const nameOf = (pin: number): string => header[Math.floor((pin - 1) / 2)]?.[(pin - 1) % 2] ?? "";
const placeOf = (pin: number): { x: number; y: number } => ({
  x: pin % 2 === 1 ? LEFT : RIGHT,
  y: TOP + Math.floor((pin - 1) / 2) * PITCH,
});

const line = (colour: string, ...points: readonly (readonly [number, number])[]): string =>
  `<polyline points="${points.map((point) => point.join(",")).join(" ")}" fill="none" stroke="${colour}" stroke-width="3" stroke-linejoin="round"/>`;
const text = (x: number, y: number, words: string, more = ""): string =>
  `<text x="${x}" y="${y}" ${more}>${words}</text>`;
const middle = 'text-anchor="middle"';
const box = (x: number, y: number, width: number, height: number, fill: string, stroke: string): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="6" fill="${fill}" stroke="${stroke}"/>`;
const dot = (x: number, y: number, colour: string): string =>
  `<circle cx="${x}" cy="${y}" r="4.5" fill="${colour}"/>`;

const wireToTag = ({ pin, y, colour }: Used): string => {
  const at = placeOf(pin);
  const ink = colours[colour];
  // A pin of the left column goes out between two rows of the right one.
  const gap = at.y - PITCH / 2;
  const bend = RIGHT + 26;
  const points: readonly (readonly [number, number])[] =
    at.x === LEFT
      ? [
          [at.x, at.y],
          [at.x + 12, gap],
          [bend, gap],
          [bend + 12, y],
          [TAG.x, y],
        ]
      : [
          [at.x, at.y],
          [bend, at.y],
          [bend + 12, y],
          [TAG.x, y],
        ];
  return line(ink, ...points);
};

const tag = ({ pin, y, colour }: Used): string =>
  `<rect x="${TAG.x}" y="${y - TAG.height / 2}" width="${TAG.width}" height="${TAG.height}" rx="6" fill="${colours[colour]}"/>` +
  text(TAG.x + TAG.width / 2, y + 5, `${nameOf(pin)}, pin ${pin}`, `${middle} fill="#fff" font-size="13"`);

const pins = (used: readonly Used[]): string =>
  header
    .flatMap((_, row) => [2 * row + 1, 2 * row + 2])
    .map((pin) => {
      const { x, y } = placeOf(pin);
      const of = used.find((each) => each.pin === pin);
      const fill = of === undefined ? "#c9cdd2" : colours[of.colour];
      const shape =
        pin === 1
          ? `<rect x="${x - 10}" y="${y - 10}" width="20" height="20" fill="${fill}"/>`
          : `<circle cx="${x}" cy="${y}" r="10" fill="${fill}"/>`;
      return (
        shape +
        text(x, y + 4, String(pin), `${middle} font-size="11" fill="${of === undefined ? "#333" : "#fff"}"`)
      );
    })
    .join("\n");

const picture = (title: string, used: readonly Used[], rest: readonly string[]): string => {
  const bottom = TOP + (header.length - 1) * PITCH + 26;
  return [
    `<!-- Written by \`npm run docs\` from build/wiring.ts. Do not edit. -->`,
    `<svg xmlns="http://www.w3.org/2000/svg" width="720" height="340" viewBox="0 0 720 340" role="img" aria-label="${title}" font-family="sans-serif" font-size="14">`,
    `<title>${title}</title>`,
    `<rect width="720" height="340" rx="10" fill="#fff"/>`,
    text(92, 28, "Raspberry Pi", `${middle} font-weight="bold"`),
    text(92, 45, "the end away from the USB ports", `${middle} font-size="10" fill="#555"`),
    box(52, TOP - 22, 80, bottom - TOP + 22, "#eef1ee", "#7c8a7c"),
    text(92, bottom + 16, "… 26 more pins", `${middle} font-size="11" fill="#555"`),
    ...used.map(wireToTag),
    pins(used),
    ...used.map(tag),
    ...rest,
    "</svg>",
    "",
  ].join("\n");
};

/** Right edge of the tags. */
const OUT = TAG.x + TAG.width;
const { power, ground, signal, pwm } = colours;
const resistor = (x: number, y: number, ohms: string): string =>
  box(x, y - 12, 74, 24, "#f3e3bd", "#8a7440") + text(x + 37, y + 5, ohms, `${middle} font-size="13"`);

const led = (): string =>
  picture(
    "An LED: GPIO17, which is pin 11, to a resistor of 330 ohms, to the long leg of the LED; its short leg to ground, pin 14",
    [
      { pin: 11, y: 190, colour: "signal" },
      { pin: 14, y: 258, colour: "ground" },
    ],
    [
      line(signal, [OUT, 190], [350, 190]),
      resistor(350, 190, "330 Ω"),
      line(signal, [424, 190], [500, 190]),
      `<path d="M500 168l40 22-40 22z" fill="#ffd84d" stroke="#8a7440"/><path d="M540 168v44" stroke="#8a7440" stroke-width="4"/>`,
      line(ground, [540, 190], [610, 190], [610, 258], [OUT, 258]),
      text(486, 150, "long leg", `${middle} font-size="12"`),
      text(560, 150, "short leg", `${middle} font-size="12"`),
      text(522, 128, "LED", `${middle} font-weight="bold"`),
    ],
  );

const relay = (): string =>
  picture(
    "A relay board: 5 V from pin 2, GPIO17 from pin 11 to its input, ground from pin 14; the mains side is closed off",
    [
      { pin: 2, y: 100, colour: "power" },
      { pin: 11, y: 190, colour: "signal" },
      { pin: 14, y: 258, colour: "ground" },
    ],
    [
      box(400, 66, 280, 226, "#e9eefb", "#556"),
      text(414, 56, "Relay board with optocoupler", 'font-weight="bold"'),
      line(power, [OUT, 100], [400, 100]),
      line(signal, [OUT, 190], [400, 190]),
      line(ground, [OUT, 258], [400, 258]),
      ...[
        [100, "VCC"],
        [190, "IN"],
        [258, "GND"],
      ].map(([y, name]) => dot(400, Number(y), "#333") + text(412, Number(y) + 5, String(name))),
      `<rect x="520" y="92" width="140" height="176" rx="6" fill="#fdf0f0" stroke="#c23030" stroke-width="2" stroke-dasharray="7 5"/>`,
      text(590, 140, "⚡ mains side", `${middle} font-weight="bold" fill="#a02020"`),
      ...["in a closed box,", "wired by somebody", "who is allowed to"].map((words, row) =>
        text(590, 168 + 20 * row, words, `${middle} font-size="13"`),
      ),
    ],
  );

const strip = (): string =>
  picture(
    "A 12 V LED strip dimmed by PWM: GPIO18, pin 12, through 100 ohms to the gate of a MOSFET that is fully on at 3.3 V, 10 kilohms from the gate to ground, source to ground, drain to the strip's minus; the strip's plus to a 12 V supply whose minus joins ground, pin 14",
    [
      { pin: 12, y: 190, colour: "pwm" },
      { pin: 14, y: 290, colour: "ground" },
    ],
    [
      line(pwm, [OUT, 190], [296, 190]),
      resistor(296, 190, "100 Ω"),
      line(pwm, [370, 190], [440, 190]),
      dot(404, 190, pwm),
      line(pwm, [404, 190], [404, 214]),
      box(391, 214, 26, 52, "#f3e3bd", "#8a7440"),
      `<text x="404" y="240" text-anchor="middle" font-size="11" transform="rotate(-90 404 240)" dominant-baseline="middle">10 kΩ</text>`,
      line(ground, [404, 266], [404, 290]),
      dot(404, 290, ground),
      box(440, 158, 96, 64, "#ececf0", "#445"),
      text(450, 195, "G", 'font-size="12" fill="#555"'),
      text(488, 173, "D", `${middle} font-size="12" fill="#555"`),
      text(488, 217, "S", `${middle} font-size="12" fill="#555"`),
      text(500, 195, "MOSFET", `${middle} font-size="13"`),
      text(478, 150, "fully on at 3.3 V, e.g. AO3400", 'text-anchor="end" font-size="12" fill="#555"'),
      line(ground, [488, 222], [488, 290]),
      dot(488, 290, ground),
      box(440, 62, 220, 40, "#fff5d6", "#9a8020"),
      text(550, 87, "12 V LED strip", `${middle} font-weight="bold"`),
      line(pwm, [488, 158], [488, 102]),
      text(478, 124, "−", `text-anchor="end"`),
      line(power, [640, 102], [640, 190]),
      text(650, 124, "+"),
      box(586, 190, 100, 56, "#fbe9e9", "#c23030"),
      text(636, 214, "12 V supply", `${middle} font-size="13"`),
      text(636, 234, "its own", `${middle} font-size="12" fill="#555"`),
      line(ground, [640, 246], [640, 290], [OUT, 290]),
      text(566, 312, "all grounds joined", `${middle} font-size="12"`),
    ],
  );

const button = (): string =>
  picture(
    "A button between GPIO3, which is pin 5, and ground, pin 6",
    [
      { pin: 5, y: 100, colour: "signal" },
      { pin: 6, y: 160, colour: "ground" },
    ],
    [
      line(signal, [OUT, 100], [440, 100]),
      line(ground, [OUT, 160], [520, 160], [520, 100]),
      dot(440, 100, "#333"),
      dot(520, 100, "#333"),
      line("#333", [440, 100], [512, 74]),
      text(480, 56, "button", `${middle} font-weight="bold"`),
      text(
        480,
        200,
        "no resistor needed: the Pi's own pull-up holds the line high",
        `${middle} font-size="12" fill="#555"`,
      ),
    ],
  );

/** The pictures: their paths, and what draws them. */
export const wiringPictures = (): readonly (readonly [path: string, draw: () => string])[] =>
  Object.entries({ led, relay, strip, button }).map(([name, draw]) => [
    `docs/images/wiring-${name}.svg`,
    draw,
  ]);
