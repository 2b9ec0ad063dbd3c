import type { About, LightTraits } from "../model.ts";
import type { Topics } from "./topics.ts";

type Json = Readonly<Record<string, unknown>>;

/** Who made the device, as Home Assistant shows it. */
const MAKER = "Porchlight";

/** How long the effect lasts that a flash is, in seconds: Home Assistant sends a flash as one of these numbers. */
export const FLASH_S = 5;

/** In a state's words (payloads.ts): a lamp that only switches, one that dims, or one with colours, never a mixture. */
const colourModes = ({ dims, temperature, rgb }: LightTraits): readonly string[] => {
  const colours = [...(temperature === null ? [] : ["color_temp"]), ...(rgb ? ["rgb"] : [])];
  if (colours.length > 0) return colours;
  return [dims ? "brightness" : "onoff"];
};

/** What Home Assistant shows as available: the board is there, and it has the lamp's hardware. */
const availabilityOf = (light: string, topics: Topics): Json => ({
  availability_mode: "all",
  availability: [
    { topic: topics.availability },
    {
      topic: topics.state(light),
      value_template: "{{ 'online' if value_json.available else 'offline' }}",
    },
  ],
});

const component = ({ device }: About, light: About["lights"][number], topics: Topics): Json => {
  const { dims, temperature, effects } = light.traits;
  const flashes = effects.includes("identify");
  return {
    platform: "light",
    schema: "json",
    unique_id: `porchlight_${device.id}_${light.id}`,
    // A lamp of the board's own name is the device itself, or its name would be there twice.
    name: light.name === device.name ? null : light.name,
    command_topic: topics.set(light.id),
    state_topic: topics.state(light.id),
    ...availabilityOf(light.id, topics),
    qos: 1,
    supported_color_modes: colourModes(light.traits),
    // Without `brightness` Home Assistant would dim a colour by darkening its parts.
    brightness: dims,
    ...(dims ? { brightness_scale: 255 } : {}),
    ...(temperature === null
      ? {}
      : {
          color_temp_kelvin: true,
          min_kelvin: Math.round(temperature.minKelvin),
          max_kelvin: Math.round(temperature.maxKelvin),
        }),
    effect: effects.length > 0,
    ...(effects.length > 0 ? { effect_list: ["none", ...effects] } : {}),
    flash: flashes,
    ...(flashes ? { flash_time_short: FLASH_S, flash_time_long: FLASH_S } : {}),
    transition: dims,
  };
};

/** The board and its lamps in Home Assistant's device discovery, with temperatures in kelvin (2025.3 and later). */
export const encodeDiscovery = (about: About, topics: Topics): string => {
  const { device, version } = about;
  return JSON.stringify({
    device: {
      identifiers: [`porchlight_${device.id}`],
      name: device.name,
      serial_number: device.serial,
      sw_version: version,
      manufacturer: MAKER,
      model: "Lamp board",
    },
    origin: { name: MAKER, sw_version: version },
    components: Object.fromEntries(about.lights.map((light) => [light.id, component(about, light, topics)])),
  });
};
