// A drive for an emulated board that loses power with it: an NBD server of ours (the protocol's doc/proto.md, fixed newstyle)
// in front of a volatile cache.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { basename } from "node:path";
import type { Random } from "../../../src/ports.ts";
import { type Loss, VolatileCache } from "./volatile-cache.ts";

const OPTION_MAGIC = Buffer.from("IHAVEOPT");
const FIXED_NEWSTYLE = 1;
const OPTION = { exportName: 1, abort: 2, info: 6, go: 7 } as const;
const REPLY = { ack: 1, info: 3, unsupported: 0x80000001 } as const;
const HAS_FLAGS = 1;
const CAN_FLUSH = 4;
const CAN_FORCE = 8;
const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
const FORCED = 1;
const INVALID = 22;

const numbers = (...parts: readonly (readonly [value: number, bytes: 2 | 4 | 8])[]): Buffer => {
  const all = Buffer.alloc(parts.reduce((sum, [, bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [value, bytes] of parts) {
    if (bytes === 8) all.writeBigUInt64BE(BigInt(value), at);
    else all.writeUIntBE(value, at, bytes);
    at += bytes;
  }
  return all;
};

/** Takes so many bytes off a stream; undefined at its end. */
const taker = (socket: Socket): ((bytes: number) => Promise<Buffer | undefined>) => {
  const chunks = socket[Symbol.asyncIterator]();
  let waiting = Buffer.alloc(0);
  return async (bytes) => {
    while (waiting.length < bytes) {
      const next = await chunks.next();
      if (next.done === true) return undefined;
      waiting = Buffer.concat([waiting, next.value as Buffer]);
    }
    const taken = waiting.subarray(0, bytes);
    waiting = waiting.subarray(bytes);
    return taken;
  };
};

export class NbdDrive implements AsyncDisposable {
  readonly #medium: Buffer;
  readonly #cache: VolatileCache;
  readonly #server: Server;
  /** QEMU's options for a virtio disk that is this drive. */
  readonly device: readonly string[];
  readonly #clients = new Set<Socket>();
  #powered = true;
  #fuse: { left: number; blow: () => void } | undefined;
  /** Writes and flushes since it was made. */
  requests = 0;

  private constructor(medium: Buffer, path: string) {
    const id = basename(path);
    this.device = [
      ...[
        "-drive",
        `if=none,id=${id},format=raw,file.driver=nbd,file.server.type=unix,file.server.path=${path}`,
      ],
      ...["-device", `virtio-blk-pci,drive=${id},romfile=`],
    ];
    this.#medium = medium;
    this.#cache = new VolatileCache(medium);
    this.#server = createServer((socket) => {
      this.#clients.add(socket);
      // A board that is switched off says nothing more.
      socket.on("error", () => undefined);
      socket.on("close", () => this.#clients.delete(socket));
      this.#serve(socket).catch(() => socket.destroy());
    });
  }

  /** A drive of this content, at a socket `path` that is made. */
  static async open(medium: Buffer, path: string): Promise<NbdDrive> {
    const drive = new NbdDrive(medium, path);
    drive.#server.listen(path);
    await once(drive.#server, "listening");
    return drive;
  }

  /** What is on the medium now. */
  content(): Buffer {
    return Buffer.from(this.#medium);
  }

  /** Calls `blow` when so many more writes and flushes have been carried out, before the next one is. */
  fuse(requests: number, blow: () => void): void {
    this.#fuse = { left: requests, blow };
  }

  /** The power goes: nothing is taken or answered any more. See VolatileCache.cut. */
  cut(share: number, random: Random): Loss {
    this.#powered = false;
    this.#fuse = undefined;
    for (const client of this.#clients) client.destroy();
    return this.#cache.cut(share, random);
  }

  powerOn(): void {
    this.#powered = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(socket: Socket): Promise<void> {
    const take = taker(socket);
    if (await this.#agree(socket, take)) await this.#obey(socket, take);
    socket.end();
  }

  /** The haggling before the first request; false when the client wants nothing. */
  async #agree(socket: Socket, take: ReturnType<typeof taker>): Promise<boolean> {
    socket.write(Buffer.concat([Buffer.from("NBDMAGIC"), OPTION_MAGIC, numbers([FIXED_NEWSTYLE, 2])]));
    await take(4);
    for (;;) {
      const head = await take(16);
      if (head === undefined) return false;
      const option = head.readUInt32BE(8);
      await take(head.readUInt32BE(12));
      const reply = (type: number, data: Buffer = Buffer.alloc(0)): void => {
        const header = numbers([0x3e889045565a9, 8], [option, 4], [type, 4], [data.length, 4]);
        socket.write(Buffer.concat([header, data]));
      };
      const about = numbers([this.#medium.length, 8], [HAS_FLAGS | CAN_FLUSH | CAN_FORCE, 2]);
      switch (option) {
        case OPTION.info:
        case OPTION.go:
          // NBD_INFO_EXPORT
          reply(REPLY.info, Buffer.concat([numbers([0, 2]), about]));
          reply(REPLY.ack);
          if (option === OPTION.go) return true;
          break;
        case OPTION.exportName:
          socket.write(Buffer.concat([about, Buffer.alloc(124)]));
          return true;
        case OPTION.abort:
          reply(REPLY.ack);
          return false;
        default:
          reply(REPLY.unsupported);
      }
    }
  }

  async #obey(socket: Socket, take: ReturnType<typeof taker>): Promise<void> {
    for (;;) {
      const head = await take(28);
      if (head === undefined) return;
      const [flags, command, length] = [head.readUInt16BE(4), head.readUInt16BE(6), head.readUInt32BE(24)];
      const from = Number(head.readBigUInt64BE(16));
      const data = command === COMMAND.write ? await take(length) : Buffer.alloc(0);
      if (data === undefined || command === COMMAND.disconnect) return;
      if (command === COMMAND.write || command === COMMAND.flush) this.#burn();
      if (!this.#powered) return;
      let error = 0;
      let found: Buffer = Buffer.alloc(0);
      if (command === COMMAND.read) found = this.#cache.read(from, length);
      else if (command === COMMAND.write) this.#cache.write(from, data, (flags & FORCED) !== 0);
      else if (command === COMMAND.flush) this.#cache.flush();
      else error = INVALID;
      const header = Buffer.concat([numbers([0x67446698, 4], [error, 4]), head.subarray(8, 16)]);
      socket.write(Buffer.concat([header, found]));
    }
  }

  #burn(): void {
    this.requests += 1;
    const fuse = this.#fuse;
    if (fuse === undefined || fuse.left-- > 0) return;
    this.#fuse = undefined;
    fuse.blow();
  }
}
