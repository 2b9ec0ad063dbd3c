import { describe } from "vitest";
import { createDoorstep } from "../../firmware-sim/doorstep.ts";
import { AgentError } from "../../src/errors.ts";
import { callbacksContract } from "./callbacks.ts";

const never = new AbortController().signal;

describe("the simulated board's own address", () => {
  callbacksContract(async () => {
    const doorstep = createDoorstep((detail) => new AgentError("CALLBACK_CLOSED", detail));
    return {
      callbacks: doorstep.callbacks,
      callback: "http://localhost:7878/callback",
      async visit(address) {
        const response = await doorstep.http({ method: "GET", url: address }, never);
        if (response === undefined) throw new Error("nobody listens");
        return {
          status: response.status,
          location: response.headers.location ?? null,
          text: response.body,
        };
      },
      async occupy() {
        doorstep.taken = true;
        return {
          async [Symbol.asyncDispose]() {
            doorstep.taken = false;
          },
        };
      },
    };
  });
});
