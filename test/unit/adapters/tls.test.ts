import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tlsContract } from "../../contract/tls.ts";

tlsContract("Node's server", async ({ cert, key, only }) => {
  const server = createServer(
    {
      cert,
      key,
      ...(only === undefined ? {} : { minVersion: only, maxVersion: only, ciphers: "DEFAULT@SECLEVEL=0" }),
    },
    (_, response) => response.end("ok"),
  );
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
});
