// Not SIGHUP: a handler would undo nohup(1), which has the process ignore it.
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** What aborts when somebody tells the process to stop. */
export const toldToStop = new DOMException("somebody has told the process to stop", "AbortError");

/**
 * The wish to stop, as an AbortSignal: the first SIGINT or SIGTERM aborts it. From then on, as after
 * dispose, they do again what they do by themselves: end the process.
 */
export const untilToldToStop = (): { readonly signal: AbortSignal } & Disposable => {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, stop);
  };
  const stop = (): void => {
    release();
    controller.abort(toldToStop);
  };
  for (const name of SIGNALS) process.on(name, stop);
  return { signal: controller.signal, [Symbol.dispose]: release };
};
