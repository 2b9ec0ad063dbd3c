/** Every topic name of one board (docs/topics.md). */
export interface Topics {
  readonly availability: string;
  readonly about: string;
  readonly result: string;
  /** Home Assistant's device discovery; the prefix is its default. */
  readonly discovery: string;
  /** Signed commands. */
  readonly command: string;
  /** Retained state of a lamp. */
  state(light: string): string;
  /** Plain commands to a lamp. */
  set(light: string): string;
  /**
   * What the board subscribes to. A lamp that does not exist is subscribed to as well, so that its sender hears
   * LIGHT_UNKNOWN; a broker without wildcards gets the names one by one.
   */
  filters(wildcards: boolean): readonly string[];
  /** Which channel and lamp a topic addresses; null when it is none of this board's command topics. */
  parse(
    topic: string,
  ): { readonly channel: "plain"; readonly light: string } | { readonly channel: "signed" } | null;
  /** The lamp's topics as the `about` document shows them. */
  of(light: string): { readonly set: string; readonly state: string };
}

/** What an id of a board or a lamp is, so that it can be a level of a topic: a pattern. */
export const LEVEL = "[A-Za-z0-9_-]{1,64}";

/** The longest response topic that is answered on, in characters. */
export const MAX_RESPONSE_TOPIC = 256;

/** Where Home Assistant says `online` when it has started, and `offline`. */
export const HUB_STATUS = "homeassistant/status";

/**
 * The topic names of a board. The first lamp has the plain names `light/set` and `light/state`, every further
 * lamp its own level below `lights`. `deviceId` and lamp ids are checked by the settings ([A-Za-z0-9_-]{1,64}).
 */
export const topicsOf = (deviceId: string, lights: readonly string[]): Topics => {
  const root = `porchlight/${deviceId}`;
  const [first = "main", ...others] = lights;
  const levelOf = (light: string): string => (light === first ? "light" : `lights/${light}`);
  const state = (light: string): string => `${root}/${levelOf(light)}/state`;
  const set = (light: string): string => `${root}/${levelOf(light)}/set`;
  const command = `${root}/command`;
  const several = new RegExp(`^${root}/lights/(${LEVEL})/set$`);
  return {
    availability: `${root}/availability`,
    about: `${root}/about`,
    result: `${root}/result`,
    discovery: `homeassistant/device/${deviceId}/config`,
    command,
    state,
    set,
    filters: (wildcards) => [
      set(first),
      ...(wildcards ? [`${root}/lights/+/set`] : others.map(set)),
      command,
    ],
    parse: (topic) => {
      if (topic === command) return { channel: "signed" };
      if (topic === set(first)) return { channel: "plain", light: first };
      const light = several.exec(topic)?.[1];
      return light === undefined ? null : { channel: "plain", light };
    },
    of: (light) => ({ set: set(light), state: state(light) }),
  };
};

/**
 * Whether an answer may be sent to the response topic a sender names (MQTT 5 section 3.3.2.3.5): a plain topic of
 * at most 256 characters, not a broker's own (`$`), and not one on which this board takes commands or says how it is, or
 * an answer would come back as a command, or be taken for its state.
 */
export const answerableTopic = (topic: string, topics: Topics): boolean =>
  topic.length > 0 &&
  topic.length <= MAX_RESPONSE_TOPIC &&
  !topic.startsWith("$") &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: MQTT 5 section 1.5.4 forbids them in names
  !/[+#\u0000-\u001f\u007f]/.test(topic) &&
  ![topics.availability, topics.about, topics.discovery].includes(topic) &&
  // The state of a lamp lies beside its commands.
  topics.parse(topic.replace(/\/state$/, "/set")) === null;
