import type { GuestPass } from "../model.ts";
import { toNumericDate } from "../units.ts";

/** A guest pass as it crosses the wire and lies on disk (docs/signed-commands.md). */
export const passFields = (pass: GuestPass): Readonly<Record<string, unknown>> => ({
  id: pass.id,
  name: pass.name,
  ...(pass.to.kind === "user" ? { user: pass.to.userId } : { key: pass.to.jwk }),
  ...(pass.lights === null ? {} : { lights: pass.lights }),
  may: pass.may,
  ...(pass.maxBrightness === null ? {} : { maxBrightness: Math.round(pass.maxBrightness * 255) }),
  ...(pass.from === null ? {} : { from: toNumericDate(pass.from) }),
  until: toNumericDate(pass.until),
  ...(pass.daily === null ? {} : { daily: pass.daily }),
});
