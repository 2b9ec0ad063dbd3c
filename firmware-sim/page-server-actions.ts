import type { LightChange, LightColour } from "../src/model.ts";
import type { Action } from "./page/state.ts";

/** Reads the body of `POST /act`; null when it is not an action. */
export const parseAction = (text: string): Action | null => {
  const body = parseObject(text);
  if (body === null) return null;
  switch (body.act) {
    case "scan":
    case "openRemote":
    case "forgetRemote":
      return { act: body.act };
    case "button":
      return typeof body.down === "boolean" ? { act: "button", down: body.down } : null;
    case "light": {
      const change = parseChange(body.change);
      if (change === null) return null;
      return typeof body.lamp === "string" && body.lamp.length <= 64
        ? { act: "light", change, lamp: body.lamp }
        : { act: "light", change };
    }
    case "mischief": {
      const name = body.name;
      const on = body.on;
      return (name === "cutNetwork" || name === "unplugLamp" || name === "unplugBulb") &&
        typeof on === "boolean"
        ? { act: "mischief", name, on }
        : null;
    }
    case "blow": {
      const name = body.name;
      return name === "revoke" || name === "expireToken" || name === "restartBroker"
        ? { act: "blow", name }
        : null;
    }
    default:
      return null;
  }
};

const parseObject = (text: string): Record<string, unknown> | null => {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
};

const asObject = (value: unknown): Record<string, unknown> | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;

const isShare = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;

const parseChange = (value: unknown): LightChange | null => {
  const body = asObject(value);
  if (body === null) return null;
  const { on, brightness, colour, effect } = body;
  if (on !== undefined && typeof on !== "boolean") return null;
  if (brightness !== undefined && !isShare(brightness)) return null;
  if (effect !== undefined && effect !== null && effect !== "blink" && effect !== "identify") return null;
  const parsedColour = colour === undefined ? undefined : parseColour(colour);
  if (parsedColour === null) return null;
  return {
    ...(on === undefined ? {} : { on }),
    ...(brightness === undefined ? {} : { brightness }),
    ...(effect === undefined ? {} : { effect }),
    ...(parsedColour === undefined ? {} : { colour: parsedColour }),
  };
};

const parseColour = (value: unknown): LightColour | null => {
  const body = asObject(value);
  if (body?.mode === "temperature") {
    const kelvin = body.kelvin;
    return typeof kelvin === "number" && kelvin >= 1000 && kelvin <= 20_000
      ? { mode: "temperature", kelvin }
      : null;
  }
  if (body?.mode === "rgb" && Array.isArray(body.rgb)) {
    const [red, green, blue]: unknown[] = body.rgb;
    return isShare(red) && isShare(green) && isShare(blue) ? { mode: "rgb", rgb: [red, green, blue] } : null;
  }
  return null;
};
