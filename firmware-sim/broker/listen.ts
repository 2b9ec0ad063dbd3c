import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";

export interface Ports {
  /** TCP port; 0 or nothing: any free one. */
  readonly port?: number | undefined;
  /** WebSocket port; nothing: no WebSocket. */
  readonly wsPort?: number | undefined;
}

export interface Listening {
  /** `mqtt://127.0.0.1:…` */
  readonly url: string;
  /** `ws://127.0.0.1:…/mqtt`, when asked for. */
  readonly wsUrl?: string;
  /** Ends the listening and all connections made through it. */
  close(): Promise<void>;
}

/** Serves MQTT on 127.0.0.1 only, with TCP_NODELAY. */
export const listenOn = async (ports: Ports, attach: (stream: Duplex) => void): Promise<Listening> => {
  const sockets = new Set<Duplex>();
  const keep = (socket: Duplex): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };

  const tcp = createServer({ noDelay: true }, (socket) => {
    keep(socket);
    attach(socket);
  });
  const servers: Server[] = [tcp];
  const port = await bound(tcp, ports.port ?? 0);

  let wsUrl: string | undefined;
  if (ports.wsPort !== undefined) {
    const { WebSocketServer, createWebSocketStream } = await import("ws");
    const http = createHttpServer((_request, response) => {
      response.writeHead(426).end();
    });
    http.on("connection", (socket) => {
      socket.setNoDelay(true);
      keep(socket);
    });
    const wss = new WebSocketServer({
      server: http,
      handleProtocols: (asked) => (asked.has("mqtt") ? "mqtt" : false),
    });
    wss.on("connection", (ws) => attach(createWebSocketStream(ws)));
    servers.push(http);
    wsUrl = `ws://127.0.0.1:${await bound(http, ports.wsPort)}/mqtt`;
  }

  return {
    url: `mqtt://127.0.0.1:${port}`,
    ...(wsUrl === undefined ? {} : { wsUrl }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
};

const bound = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
