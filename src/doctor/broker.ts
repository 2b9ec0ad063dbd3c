import { type AgentError, asAgentError, type ErrorCode, entryOf } from "../errors.ts";
import { type Finding, faultFinding, notTried, ok, type Step, warning, wrong } from "./check.ts";
import { byBroker, causeOf, networkWords } from "./network-words.ts";

// The broker, without getting in the way of the agent: a broker ends the connection of whoever has the same client id.

/** What the running agent says of itself. */
export interface RunningAgent {
  readonly state: string;
  readonly broker: { readonly address: string; readonly protocol: string } | null;
  readonly problem: { readonly code: ErrorCode } | null;
}

export interface BrokerSubject {
  /** Host and port, for people. */
  readonly address: string;
  readonly deviceId: string;
  /** The client id of this examination: never the agent's. */
  readonly clientId: string;
  /** True where the broker is shown a token. */
  readonly byToken: boolean;
}

export interface BrokerPorts {
  /** The agent that runs with this state folder, or null. */
  readonly agent: () => Promise<RunningAgent | null>;
  /** Opens TCP, TLS and WebSocket, and hangs up. Throws BROKER_UNREACHABLE, BROKER_TLS. */
  readonly reach: (signal: AbortSignal) => Promise<void>;
  /** Why there is nothing to show the broker, or null. */
  readonly noPass: () => Promise<string | null>;
  /** CONNECT and DISCONNECT under `clientId`, without a session; the protocol. Throws BROKER_*, and what the org says to a token. */
  readonly connect: (signal: AbortSignal) => Promise<string>;
}

export const judgeUnreached = (fault: AgentError): Finding => {
  const found = faultFinding(fault);
  const words = networkWords(causeOf(fault), byBroker);
  return words === undefined ? found : { ...found, means: words[0], todo: words[1] };
};

export const judgeAgent = ({ state, broker, problem }: RunningAgent): Finding => {
  if (broker !== null)
    return ok(`the running agent is connected: ${broker.address} (MQTT ${broker.protocol})`);
  if (problem === null)
    return warning(
      `the running agent is not connected; it is at ${state}`,
      "It may be on its way, or wait for somebody to sign it in.",
      "Look at: porchlight status.",
    );
  const { title, help } = entryOf(problem.code);
  return wrong("the running agent is not connected", title, help, problem.code);
};

/** A broker that turned this examination away. */
export const judgeRefused = (fault: AgentError, { byToken, clientId, deviceId }: BrokerSubject): Finding => {
  const found = faultFinding(fault);
  if (fault.code !== "BROKER_REFUSED") return found;
  const { title, help } = entryOf(fault.code);
  return byToken
    ? warning(
        found.saw,
        `This was tried as ${clientId}. A broker that takes a token only with the client id ${deviceId} refuses that, and is right to.`,
        `Start the agent and look at porchlight status: it connects as ${deviceId}. Where it is refused, too: ${help}`,
        fault.code,
      )
    : { ...found, means: `${title}. This was tried as ${clientId}.` };
};

export const brokerSteps = (subject: BrokerSubject, ports: BrokerPorts): readonly Step[] => {
  let reached = false;
  return [
    {
      id: "reach",
      title: "The way to the broker",
      notNow: () => null,
      async look(signal) {
        try {
          await ports.reach(signal);
        } catch (error) {
          signal.throwIfAborted();
          return judgeUnreached(asAgentError(error));
        }
        reached = true;
        return ok(`${subject.address} answers`);
      },
    },
    {
      id: "connect",
      title: "The broker's welcome",
      notNow: () => null,
      async look(signal) {
        const agent = await ports.agent();
        // Whatever came of another connection: the one that counts is there, or is tried by the agent itself.
        if (agent !== null) return judgeAgent(agent);
        if (!reached) return notTried("the broker was not reached");
        const why = await ports.noPass();
        if (why !== null) return notTried(why);
        try {
          const protocol = await ports.connect(signal);
          return ok(`it lets the board in, as ${subject.clientId} (MQTT ${protocol})`);
        } catch (error) {
          signal.throwIfAborted();
          return judgeRefused(asAgentError(error), subject);
        }
      },
    },
  ];
};
