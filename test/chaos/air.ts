import { Duplex } from "node:stream";
import type { Surroundings } from "../../src/compose.ts";
import type { Clock, Http } from "../../src/ports.ts";

type OpenStream = NonNullable<Surroundings["openStream"]>;

/**
 * A network that can fall silent: bytes of either side wait, and so does the news that a side has gone, as with TCP when a cable
 * far away is out. Who asks over HTTP meanwhile waits for as long as it has patience.
 */
export class Air {
  #silence: PromiseWithResolvers<void> | null = null;
  #lives = 0;

  get silent(): boolean {
    return this.#silence !== null;
  }

  set silent(silent: boolean) {
    if (silent) this.#silence ??= Promise.withResolvers();
    else {
      this.#silence?.resolve();
      this.#silence = null;
    }
  }

  /** The board's buffers are gone: what it has sent into silence is never heard. */
  cutPower(): void {
    this.#lives += 1;
  }

  /** Calls `what` at once, or when the silence is over. */
  #later(what: () => void): void {
    if (this.#silence === null) what();
    else void this.#silence.promise.then(() => this.#later(what));
  }

  /** Resolves when it is not silent. Throws the signal's reason. */
  async #over(signal: AbortSignal): Promise<void> {
    while (this.#silence !== null) {
      signal.throwIfAborted();
      const given = Promise.withResolvers<never>();
      const onAbort = (): void => given.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        await Promise.race([this.#silence.promise, given.promise]);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    }
  }

  /** The program's own client waits for `patience.ms`, and fails with `patience.fault` then. */
  http(
    inner: Http,
    patience: { readonly clock: Clock; readonly ms: number; readonly fault: () => Error },
  ): Http {
    return async (request, signal) => {
      const over = new AbortController();
      const until = AbortSignal.any([signal, over.signal]);
      const limit = patience.clock.sleep(patience.ms, until).then((): never => {
        throw patience.fault();
      });
      const asked = this.#over(until).then(() => inner(request, until));
      // An answer that was on its way waits, too.
      const answer = asked.then((come) => this.#over(until).then(() => come));
      try {
        return await Promise.race([answer, limit]);
      } finally {
        answer.catch(() => {});
        over.abort(new Error("nobody waits any more"));
      }
    };
  }

  openStream(inner: OpenStream): OpenStream {
    return async (url, signal) => {
      await this.#over(signal);
      return this.#cable(await inner(url, signal));
    };
  }

  #cable(far: Duplex): Duplex {
    const near = new Duplex({
      read() {
        far.resume();
      },
      write: (chunk: Buffer, _encoding, done) => {
        // What is sent into silence is taken: it lies in the system's buffer, until that loses its power.
        const life = this.#lives;
        this.#later(() => {
          if (life === this.#lives) far.write(chunk);
        });
        done();
      },
      final: (done) => {
        this.#later(() => far.end());
        done();
      },
      destroy: (error, done) => {
        this.#later(() => far.destroy());
        done(error);
      },
    });
    far.on("data", (chunk: Buffer) =>
      this.#later(() => {
        if (!near.destroyed && !near.push(chunk)) far.pause();
      }),
    );
    far.once("end", () =>
      this.#later(() => {
        if (!near.destroyed) near.push(null);
      }),
    );
    far.once("error", (error) => this.#later(() => near.destroy(error)));
    far.once("close", () => this.#later(() => near.destroy()));
    return near;
  }
}
