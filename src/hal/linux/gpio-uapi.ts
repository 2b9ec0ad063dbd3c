// The bytes of the GPIO character device, version 2 of its interface: include/uapi/linux/gpio.h of Linux 5.10 and later.
// Little-endian, the same on x64 and arm64. Pure.

export const GET_CHIPINFO = 0x8044b401;
export const GET_LINEINFO = 0xc100b405;
export const GET_LINE = 0xc250b407;
export const SET_CONFIG = 0xc110b40d;
export const GET_VALUES = 0xc010b40e;
export const SET_VALUES = 0xc010b40f;

const CHIPINFO_BYTES = 68;
const LINEINFO_BYTES = 256;
const REQUEST_BYTES = 592;
const CONFIG_BYTES = 272;
const VALUES_BYTES = 16;
/** Size of one struct gpio_v2_line_event. */
export const EVENT_BYTES = 48;

export const lineFlags = {
  used: 1n << 0n,
  activeLow: 1n << 1n,
  input: 1n << 2n,
  output: 1n << 3n,
  edgeRising: 1n << 4n,
  edgeFalling: 1n << 5n,
  biasPullUp: 1n << 8n,
  biasPullDown: 1n << 9n,
  biasDisabled: 1n << 10n,
} as const;

const ATTR_OUTPUT_VALUES = 2;
const ATTR_DEBOUNCE = 3;
// Places in struct gpio_v2_line_request: offsets[64], consumer[32], config, num_lines, event_buffer_size, padding[5], fd
const AT_CONSUMER = 256;
const AT_CONFIG = 288;
const AT_NUM_LINES = 560;
const AT_FD = 588;
// Places in struct gpio_v2_line_config: flags, num_attrs, padding[5], attrs[10] of 24 bytes (attribute of 16, mask)
const AT_NUM_ATTRS = 8;
const AT_ATTRS = 32;

const textAt = (bytes: Buffer, at: number, length: number): string => {
  const text = bytes.toString("utf8", at, at + length);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
};

/** Room for the kernel's answer to GET_CHIPINFO. */
export const chipInfoRequest = (): Buffer => Buffer.alloc(CHIPINFO_BYTES);

/** Name (gpiochip0), label (pinctrl-bcm2835) and number of lines of a chip. */
export const readChipInfo = (bytes: Buffer): { name: string; label: string; lines: number } => ({
  name: textAt(bytes, 0, 32),
  label: textAt(bytes, 32, 32),
  lines: bytes.readUInt32LE(64),
});

export const lineInfoRequest = (offset: number): Buffer => {
  const bytes = Buffer.alloc(LINEINFO_BYTES);
  bytes.writeUInt32LE(offset, 64);
  return bytes;
};

/** Name of a line (may be empty), and who uses it: null when nobody does. */
export const readLineInfo = (bytes: Buffer): { name: string; consumer: string | null; flags: bigint } => {
  const flags = bytes.readBigUInt64LE(72);
  return {
    name: textAt(bytes, 0, 32),
    consumer: (flags & lineFlags.used) === 0n ? null : textAt(bytes, 32, 32),
    flags,
  };
};

export interface LineConfig {
  readonly flags: bigint;
  /** What an output shows from the first moment. */
  readonly value?: 0 | 1;
  /** An input must be steady for so long to count, in microseconds. */
  readonly debounceUs?: number;
}

/** struct gpio_v2_line_config of a single line. */
export const configRequest = ({ flags, value, debounceUs }: LineConfig): Buffer => {
  const bytes = Buffer.alloc(CONFIG_BYTES);
  bytes.writeBigUInt64LE(flags, 0);
  const attributes: readonly (readonly [id: number, value: number])[] = [
    ...(value === undefined ? [] : [[ATTR_OUTPUT_VALUES, value] as const]),
    ...(debounceUs === undefined ? [] : [[ATTR_DEBOUNCE, debounceUs] as const]),
  ];
  bytes.writeUInt32LE(attributes.length, AT_NUM_ATTRS);
  attributes.forEach(([id, number], index) => {
    const at = AT_ATTRS + 24 * index;
    bytes.writeUInt32LE(id, at);
    bytes.writeBigUInt64LE(BigInt(number), at + 8);
    bytes.writeBigUInt64LE(1n, at + 16);
  });
  return bytes;
};

/** struct gpio_v2_line_request for a single line; `consumer` is who `gpioinfo` names. */
export const lineRequest = (offset: number, consumer: string, config: LineConfig): Buffer => {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt32LE(offset, 0);
  bytes.write(consumer, AT_CONSUMER, 31, "utf8");
  configRequest(config).copy(bytes, AT_CONFIG);
  bytes.writeUInt32LE(1, AT_NUM_LINES);
  return bytes;
};

/** The descriptor of the requested line. */
export const readLineFd = (bytes: Buffer): number => bytes.readInt32LE(AT_FD);

export const valuesRequest = (value: 0 | 1): Buffer => {
  const bytes = Buffer.alloc(VALUES_BYTES);
  bytes.writeBigUInt64LE(BigInt(value), 0);
  bytes.writeBigUInt64LE(1n, 8);
  return bytes;
};

export const readValue = (bytes: Buffer): 0 | 1 => ((bytes.readBigUInt64LE(0) & 1n) === 0n ? 0 : 1);

export interface Edge {
  /** Monotonic time of the kernel, in milliseconds. */
  readonly atMs: number;
  /** True when the line became active. */
  readonly active: boolean;
}

/** The edges of a read of a line's descriptor; what is not a whole event is left out. */
export const readEdges = (bytes: Buffer, length: number): readonly Edge[] => {
  const edges: Edge[] = [];
  for (let at = 0; at + EVENT_BYTES <= length; at += EVENT_BYTES)
    edges.push({ atMs: Number(bytes.readBigUInt64LE(at)) / 1e6, active: bytes.readUInt32LE(at + 8) === 1 });
  return edges;
};
