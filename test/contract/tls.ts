// What the board's encrypted connections must refuse, whatever the surroundings say. Runs on any TLS server.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selfSigned } from "../../firmware-sim/org/certificate.ts";
import { createHttp } from "../../src/adapters/http.ts";
import { openPlace } from "../../src/adapters/release-place.ts";
import { openStream } from "../../src/broker/stream.ts";
import { AgentError } from "../../src/errors.ts";
import { epochMs } from "../../src/units.ts";

/** What a server offers; both texts are PEM. */
export interface Offer {
  readonly cert: string;
  readonly key: string;
  /** The only version of TLS that it speaks; its usual ones when missing. */
  readonly only?: "TLSv1.1" | "TLSv1.2";
}

/** A TLS server on 127.0.0.1 that answers HTTP requests with status 200. */
export type ServeTls = (offer: Offer) => Promise<{ readonly port: number } & AsyncDisposable>;

const DAY = 86_400_000;

const certificate = (commonName: string, endsAt: number): Offer => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const cert = selfSigned({
    commonName,
    organization: "Test",
    privateKey,
    publicKey,
    notBefore: epochMs(endsAt - 30 * DAY),
    notAfter: epochMs(endsAt),
    serial: randomBytes(16),
  });
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
};

const good = certificate("localhost", Date.now() + DAY);
const elsewhere = certificate("elsewhere.example", Date.now() + DAY);
const expired = certificate("localhost", Date.now() - DAY);

/** Offers that must be refused, the authority that is trusted meanwhile, and what Node or OpenSSL says of it. */
const refusals: readonly (readonly [what: string, offer: Offer, ca: string | null, why: RegExp])[] = [
  ["a certificate that nobody vouches for", good, null, /SELF_SIGNED/],
  ["a certificate for another name", elsewhere, elsewhere.cert, /ALTNAME/],
  ["a certificate that has run out", expired, expired.cert, /EXPIRED/],
  [
    "TLS 1.1 and nothing newer",
    { ...good, only: "TLSv1.1" },
    good.cert,
    /unsupported.protocol|protocol.version/i,
  ],
];

const never = new AbortController().signal;

/** Trusts an authority in the whole process, as a system does. */
const trusting = async <T>(ca: string | null, work: () => Promise<T>): Promise<T> => {
  const before = tls.getCACertificates("default");
  if (ca !== null) tls.setDefaultCACertificates([...before, ca]);
  try {
    return await work();
  } finally {
    tls.setDefaultCACertificates(before);
  }
};

type Connect = (port: number, ca: string | null) => Promise<void>;

const ways: readonly (readonly [name: string, code: string, connect: Connect])[] = [
  [
    "the broker",
    "BROKER_TLS",
    async (port, ca) => {
      const stream = await openStream(
        new URL(`mqtts://localhost:${port}`),
        { ca, cert: null, key: null },
        never,
      );
      stream.destroy();
    },
  ],
  [
    "the org",
    "ORG_TLS",
    async (port, ca) => {
      await using org = createHttp({ ca, env: {}, userAgent: "porchlight/test" });
      await org.http({ method: "GET", url: `https://localhost:${port}/` }, never);
    },
  ],
  [
    "the place of updates",
    "UPDATE_UNREACHABLE",
    (port, ca) =>
      trusting(ca, async () => {
        await using place = openPlace(`https://localhost:${port}/`, {
          env: {},
          userAgent: "porchlight/test",
        });
        await place.read("", 100_000, never);
      }),
  ],
];

/** Connects as a program does that says nothing of certificates and versions. */
const carelessly = async (port: number): Promise<string | null> => {
  const socket = tls.connect({ port, host: "localhost", servername: "localhost" });
  try {
    await once(socket, "secureConnect");
    return socket.getProtocol();
  } finally {
    socket.destroy();
  }
};

/** Runs with surroundings that switch off every check of a program that does not say what it wants. */
export const tlsContract = (name: string, serve: ServeTls): void => {
  describe(`${name}: an encrypted connection`, () => {
    const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
    const unchecked = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    beforeAll(() => {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
      tls.DEFAULT_MIN_VERSION = "TLSv1";
      tls.DEFAULT_CIPHERS = "DEFAULT@SECLEVEL=0";
    });
    afterAll(() => {
      if (unchecked === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = unchecked;
      tls.DEFAULT_MIN_VERSION = DEFAULT_MIN_VERSION;
      tls.DEFAULT_CIPHERS = DEFAULT_CIPHERS;
    });

    describe.each(ways)("to %s", (_, code, connect) => {
      it.each(refusals)(
        "is refused with its own code where it is offered %s",
        async (_what, offer, ca, why) => {
          await using server = await serve(offer);
          // These surroundings let a careless program in: what refuses below is the board's own doing.
          expect(await carelessly(server.port)).toMatch(/^TLSv1/);
          const error: unknown = await connect(server.port, ca).then(
            () => "it connected",
            (thrown: unknown) => thrown,
          );
          expect(error).toBeInstanceOf(AgentError);
          expect(error).toMatchObject({ code });
          expect(`${error} ${Object(error).cause}`).toMatch(why);
        },
      );

      it("is made with TLS 1.2, and with what is newer", async () => {
        for (const offer of [{ ...good, only: "TLSv1.2" } as const, good]) {
          await using server = await serve(offer);
          await connect(server.port, good.cert);
        }
      });
    });
  });
};
