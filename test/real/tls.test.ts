// The board's encrypted connections at OpenSSL's own server.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tlsContract } from "../contract/tls.ts";
import { freePorts, scratchFolder, within } from "./peers/scratch.ts";

const listens = async (port: number): Promise<void> => {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const up = await Promise.race([
      once(socket, "connect").then(
        () => true,
        () => false,
      ),
    ]);
    socket.destroy();
    if (up) return;
    await sleep(20);
  }
};

tlsContract("OpenSSL", async ({ cert, key, only }) => {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(scratchFolder()).path;
  const [port = 0] = await freePorts(1);
  writeFileSync(join(folder, "cert.pem"), cert);
  writeFileSync(join(folder, "key.pem"), key);
  const version = only === undefined ? [] : [only === "TLSv1.1" ? "-tls1_1" : "-tls1_2"];
  const server = spawn(
    "openssl",
    [
      ...["s_server", "-accept", `127.0.0.1:${port}`, "-www", "-quiet"],
      ...["-cert", "cert.pem", "-key", "key.pem", "-cipher", "DEFAULT@SECLEVEL=0", ...version],
    ],
    { cwd: folder, stdio: "ignore" },
  );
  const ended = once(server, "close");
  opening.defer(async () => {
    server.kill();
    await ended;
  });
  await within(10_000, () => "OpenSSL listens", listens(port));
  const owned = opening.move();
  return { port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
});
