import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Does the work while no other process on this computer does work of that name: suites that run beside each other need the same
 * things built. The lock is an abstract socket, so the kernel takes it back from whoever ends, however that is.
 */
export const alone = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  const lock = createServer();
  for (;;) {
    try {
      lock.listen(`\0porchlight-tests-${name}`);
      await once(lock, "listening");
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
};
