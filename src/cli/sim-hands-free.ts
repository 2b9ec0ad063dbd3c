import { StoryFailed, tellStory } from "../../firmware-sim/story.ts";
import { asAgentError, entryOf } from "../errors.ts";
import type { Journal } from "../ports.ts";
import { openSimulation } from "./sim-run.ts";

/** Where lines go. */
export type Say = (line: string) => void;

/** The whole story has to be over by then, in milliseconds; starting and stopping come on top. */
const STORY_MS = 60_000;

/**
 * `sim --hands-free`: plays the person too and says a line per step. Resolves with 0 only when the lamp was seen to
 * change because of a command over MQTT, else with the exit code of STEP_FAILED, having said at which step.
 */
export const handsFree = async (
  options: { readonly stateDir: string | null; readonly journal: Journal | null },
  say: Say,
  signal: AbortSignal,
): Promise<number> => {
  say("A lamp finds its person. Nobody has to do anything; everything is real but the hardware.\n");
  let steps = 0;
  try {
    await using simulation = await openSimulation({
      stateDir: options.stateDir,
      pagePort: null,
      intervalSeconds: 1,
      journal: options.journal,
    });
    const { world, agent } = simulation;
    const stopped = new AbortController();
    const ended = (why: string): void => stopped.abort(new Error(why));
    agent.then(
      (code) => ended(`the agent ended with exit code ${code}`),
      (error: unknown) => ended(`the agent ended: ${asAgentError(error).message}`),
    );
    await tellStory(
      world,
      ({ number, sentence, afterMs }) => {
        steps = number;
        say(`${String(number).padStart(3)}  ${(afterMs / 1000).toFixed(1).padStart(4)} s  ${sentence}`);
      },
      STORY_MS,
      AbortSignal.any([signal, stopped.signal]),
    );
  } catch (error) {
    if (signal.aborted) return entryOf("INTERRUPTED").exitCode ?? 130;
    say(`\nFAILED at step ${steps + 1}${error instanceof StoryFailed ? `: ${error.step}` : ""}`);
    if (error instanceof StoryFailed) {
      say(`  what happened  ${error.seen}`);
      say(`  what to do     ${error.advice}`);
      return entryOf("STEP_FAILED").exitCode ?? 1;
    }
    const fault = asAgentError(error);
    say(`  what happened  ${fault.message}`);
    say(`  what to do     ${entryOf(fault.code).help}`);
    return entryOf("STEP_FAILED").exitCode ?? 1;
  }
  say(`\nThe lamp obeyed its owner over MQTT. All ${steps} steps happened.`);
  return 0;
};
