// Sees what a board that loses its power promises and keeps, and judges.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../../../firmware-sim/world.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import type { Told } from "./power-board.ts";

/** A lamp's state is on the disk after 2.5 s (src/hal/keeper.ts); an emulated board on a busy computer takes longer. */
const KEPT_AFTER_MS = 10_000;

/** What a drive holds after a cut, as the agent itself reads it. */
export interface OnDrive {
  readonly refreshToken: string | null;
  readonly deviceKey: string | null;
  /** Files that were set aside, and what the vault said of others. */
  readonly damaged: readonly string[];
}

/** Reads the files of a state folder that were copied out of a drive. */
export const readDrive = async (files: string): Promise<OnDrive> => {
  const names = readdirSync(files);
  const damaged: string[] = names.filter((name) => name.includes(".damaged-"));
  const vault = await openVault(files, {
    clock: systemClock,
    random: Math.random,
    damaged: (error) => damaged.push(error.message),
  });
  const text = async (key: "grant" | "device-key" | "replay" | "light-main"): Promise<string | null> => {
    const bytes = await vault.read(key, "newest").catch((error: unknown) => {
      damaged.push(String(error));
      return undefined;
    });
    return bytes === undefined ? null : Buffer.from(bytes).toString();
  };
  const [grant, deviceKey] = [await text("grant"), await text("device-key")];
  await text("replay");
  await text("light-main");
  const refreshToken = grant === null ? null : (JSON.parse(grant) as { refreshToken: string }).refreshToken;
  const lastRun = join(files, "last-run.json");
  if (existsSync(lastRun) && !isJson(readFileSync(lastRun, "utf8"))) damaged.push("last-run.json is no JSON");
  return { refreshToken, deviceKey, damaged };
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

interface Commanded {
  readonly brightness: number;
  /** By performance.now(); null: no `done` has come. */
  doneAt: number | null;
}

const obeyedId = ({ event }: Told): string | null => {
  if (event.event === "command") return typeof event.id === "string" ? event.id : null;
  const cause = event.event === "light" ? (event.cause as { kind?: unknown; id?: unknown }) : {};
  return cause.kind === "command" && typeof cause.id === "string" ? cause.id : null;
};

export class PowerWitness {
  readonly #world: World;
  readonly #commands: Commanded[] = [];
  #deviceKey: string | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  commanded(brightness: number): { answered(outcome: string): void } {
    const command: Commanded = { brightness, doneAt: null };
    this.#commands.push(command);
    return {
      answered: (outcome) => {
        if (outcome === "done") command.doneAt = performance.now();
      },
    };
  }

  /** How the lamp was when the board came back: what was commanded before does not count any more. */
  restored(brightness: number): void {
    this.#commands.splice(0, Infinity, { brightness, doneAt: -Infinity });
  }

  /** The refresh token of the newest sign-in that the org holds to; null: nobody allows this board. */
  get refreshTokenAtOrg(): string | null {
    const { approvals, boardApp } = this.#world.org;
    // One whose tokens went with the power may be left over.
    return approvals.findLast(({ clientId }) => clientId === boardApp.clientId)?.refreshToken ?? null;
  }

  /** True when the board has shown the org an access token that counts, or has counted, for the sign-in as it is now. */
  hasUsedTokens(since: number): boolean {
    const { received, boardApp } = this.#world.org;
    return received.slice(since).some(({ form, headers }) => {
      const bearer = /^Bearer (\S+)$/.exec(headers.authorization ?? "")?.[1];
      const said = this.#world.org.introspect(form.subject_token ?? bearer ?? "");
      return said.active && said.client_id === boardApp.clientId;
    });
  }

  /** What is wrong with a drive. `used`: see `hasUsedTokens`. */
  judgeDrive(drive: OnDrive, used: boolean): readonly string[] {
    const wrong = drive.damaged.map((what) => `damaged: ${what}`);
    if (used && drive.refreshToken !== this.refreshTokenAtOrg)
      wrong.push("tokens were used that are not on the drive");
    if (drive.deviceKey === null && this.#world.org.events.length > 0)
      wrong.push("the device key was used and is not on the drive");
    if (this.#deviceKey !== null && drive.deviceKey !== this.#deviceKey)
      wrong.push("the device key is another one");
    this.#deviceKey = drive.deviceKey;
    return wrong;
  }

  /** What may be the brightness of the lamp after a cut at `at`; null: anything. */
  lampAfter(at: number): readonly number[] | null {
    const certain = this.#commands.findLastIndex(
      ({ doneAt }) => doneAt !== null && at - doneAt >= KEPT_AFTER_MS,
    );
    return certain < 0 ? null : this.#commands.slice(certain).map(({ brightness }) => brightness);
  }

  /** Ids of commands that were obeyed in two runs. */
  obeyedTwice(told: readonly Told[]): readonly string[] {
    const runs = new Map<string, Set<number>>();
    for (const each of told) {
      const id = obeyedId(each);
      if (id !== null) runs.set(id, (runs.get(id) ?? new Set()).add(each.boot));
    }
    return [...runs].filter(([, boots]) => boots.size > 1).map(([id]) => id);
  }
}
