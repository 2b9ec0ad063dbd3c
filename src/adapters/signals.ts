// Not SIGHUP: a handler would undo nohup(1), which has the process ignore it.
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * The wish to stop, as an AbortSignal: the first SIGINT or SIGTERM aborts it. From then on, as after
 * dispose, they do again what they do by themselves: end the process, after `leave` where that is given.
 */
export const untilToldToStop = (leave?: () => void): { readonly signal: AbortSignal } & Disposable => {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, stop);
  };
  const stop = (name: NodeJS.Signals): void => {
    const again = controller.signal.aborted;
    if (again || leave === undefined) release();
    controller.abort();
    if (!again) return;
    leave?.();
    process.kill(process.pid, name);
  };
  for (const name of SIGNALS) process.on(name, stop);
  return { signal: controller.signal, [Symbol.dispose]: release };
};
