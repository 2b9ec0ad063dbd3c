// What the board's encrypted connections must refuse, whatever the surroundings say. Runs on any TLS server.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect as dial } from "node:net";
import type { Duplex } from "node:stream";
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

/** Offers of a server of this name. */
const offersOf = (name: string) => {
  const good = certificate(name, Date.now() + DAY);
  const elsewhere = certificate("elsewhere.example", Date.now() + DAY);
  const expired = certificate(name, Date.now() - DAY);
  // To a board whose clock has stopped in the past, every certificate is like this one.
  const early = certificate(name, Date.now() + 60 * DAY);
  return {
    good,
    /** Must be refused: what it is, the authority that is trusted meanwhile, and what Node or OpenSSL says of it. */
    refused: [
      { what: "a certificate that nobody vouches for", offer: good, ca: null, why: /SELF_SIGNED/ },
      { what: "a certificate for another name", offer: elsewhere, ca: elsewhere.cert, why: /ALTNAME/ },
      { what: "a certificate that has run out", offer: expired, ca: expired.cert, why: /EXPIRED/ },
      { what: "a certificate that has not begun", offer: early, ca: early.cert, why: /CERT_NOT_YET_VALID/ },
      {
        what: "TLS 1.1 and nothing newer",
        offer: { ...good, only: "TLSv1.1" },
        ca: good.cert,
        why: /unsupported.protocol|protocol.version/i,
      },
    ] satisfies readonly { what: string; offer: Offer; ca: string | null; why: RegExp }[],
  };
};

const local = offersOf("localhost");
// The board's own names are never asked of a proxy.
const far = offersOf("org.example");

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

/** A proxy that leads every tunnel to `port` of this machine. */
const proxyTo = async (port: number): Promise<{ readonly url: string } & Disposable> => {
  const proxy = createServer();
  const open = new Set<Duplex>();
  proxy.on("connect", (_, socket) => {
    const onward = dial(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [socket, onward]) {
      each.on("error", () => {});
      open.add(each);
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => {
      for (const each of open) each.destroy();
      proxy.close();
    },
  };
};

const userAgent = "porchlight/test";

const ways: readonly (readonly [
  name: string,
  code: string,
  offers: ReturnType<typeof offersOf>,
  connect: Connect,
])[] = [
  [
    "the broker",
    "BROKER_TLS",
    local,
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
    local,
    async (port, ca) => {
      await using org = createHttp({ ca, env: {}, userAgent });
      await org.http({ method: "GET", url: `https://localhost:${port}/` }, never);
    },
  ],
  [
    "the broker by a proxy",
    "BROKER_TLS",
    far,
    async (port, ca) => {
      using proxy = await proxyTo(port);
      const options = { ca, cert: null, key: null, proxy: proxy.url };
      const stream = await openStream(new URL("mqtts://org.example"), options, never);
      stream.destroy();
    },
  ],
  [
    "the org by a proxy",
    "ORG_TLS",
    far,
    async (port, ca) => {
      using proxy = await proxyTo(port);
      await using org = createHttp({ ca, env: { HTTPS_PROXY: proxy.url }, userAgent });
      await org.http({ method: "GET", url: "https://org.example/" }, never);
    },
  ],
  [
    "the place of updates",
    "UPDATE_UNREACHABLE",
    local,
    (port, ca) =>
      trusting(ca, async () => {
        await using place = openPlace(`https://localhost:${port}/`, {
          env: {},
          userAgent,
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

    describe.each(ways)("to %s", (_, code, { good, refused }, connect) => {
      it.each(refused)(
        "is refused with its own code where it is offered $what",
        async ({ offer, ca, why }) => {
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
