// Updates, and what programs of the system print.

import { createHash } from "node:crypto";
import { newSigningKey, readSigningKey, signature } from "../../../build/sign.ts";
import { elfMachine } from "../../../src/adapters/elf-machine.ts";
import {
  bootFolderIn,
  hindranceOf,
  readDeviceUse,
  readPartitions,
  readSystem,
} from "../../../src/adapters/partitions.ts";
import { readHealth } from "../../../src/adapters/update-machine.ts";
import { readFetchAnswer } from "../../../src/adapters/updates.ts";
import { readTimeService } from "../../../src/doctor/clock.ts";
import { judgeUnit, readUnit } from "../../../src/doctor/service.ts";
import { readOffer } from "../../../src/update/fetch.ts";
import { checkSignature, readMakerKey } from "../../../src/update/minisign.ts";
import {
  MAX_RELEASE,
  parseRelease,
  parseSums,
  RELEASE,
  SIGNATURE,
  SUMS,
} from "../../../src/update/release.ts";
import { makerKeyOf } from "../../unit/update/maker.ts";
import { MARK, type Target } from "../target.ts";

const signing = readSigningKey(newSigningKey());
const maker = makerKeyOf(signing);
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
const release = JSON.stringify({
  version: "1.2.3",
  rollout: 50,
  files: {
    "linux-arm64": {
      name: "porchlight-linux-arm64",
      bytes: 100,
      packed: "porchlight-linux-arm64.zst",
      packedBytes: 50,
    },
  },
});
const sums = [
  `${hash("a")}  porchlight-linux-arm64`,
  `${hash("b")} *porchlight-linux-arm64.zst`,
  `${hash(release)}  release.json`,
  "",
].join("\n");

export const update: Target = {
  name: "update",
  what: "a release: what it says of itself, the list of hashes, the signature",
  most: MAX_RELEASE,
  sources: ["src/update/release.ts", "src/update/minisign.ts", "src/update/fetch.ts"],
  seeds: [
    release,
    sums,
    signature(Buffer.from(sums), signing, "release.json"),
    signing.publicText,
    `${hash("a")}  ../../etc/passwd\n`,
  ],
  readers: [
    { name: "hashes", throws: ["UPDATE_DAMAGED"], read: (input) => parseSums(input.toString("utf8")) },
    {
      name: "release",
      throws: ["UPDATE_DAMAGED"],
      read: (input) => parseRelease(input.toString("utf8"), parseSums(sums)),
    },
    {
      name: "signature",
      throws: ["UPDATE_SIGNATURE"],
      read: (input) => checkSignature(Buffer.from(sums), input.toString("utf8"), maker),
    },
    { name: "maker's key", read: (input) => readMakerKey(input.toString("utf8"))?.id },
    {
      name: "an offer whose list is signed",
      throws: ["UPDATE_DAMAGED", "UPDATE_SIGNATURE"],
      read: (input) => {
        const text = `${hash(input.toString("latin1"))}  release.json\n${sums}`;
        const list = Buffer.from(text);
        return readOffer(
          { [SUMS]: list, [SIGNATURE]: Buffer.from(signature(list, signing, "x")), [RELEASE]: input },
          maker,
        );
      },
    },
    {
      name: "an offer that anybody made",
      throws: ["UPDATE_DAMAGED", "UPDATE_SIGNATURE"],
      read: (input) =>
        readOffer(
          {
            [SUMS]: input,
            [SIGNATURE]: Buffer.from(signature(Buffer.from(sums), signing, "x")),
            [RELEASE]: Buffer.from(release),
          },
          maker,
        ),
    },
  ],
};

export const system: Target = {
  name: "system",
  what: "what systemctl, timedatectl, partx, blkid, lsblk, fstab and our own other processes print",
  most: 64 * 1024,
  sources: [
    "src/doctor/service.ts",
    "src/doctor/clock.ts",
    "src/adapters/partitions.ts",
    "src/adapters/updates.ts",
    "src/adapters/update-machine.ts",
    "src/adapters/elf-machine.ts",
  ],
  seeds: [
    "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nExecMainCode=1\nExecMainStatus=70\nNRestarts=3\nResult=watchdog",
    "ActiveState=failed\nLoadState=loaded\nExecMainCode=2\nExecMainStatus=9",
    "NTPSynchronized=yes\nNTP=no",
    "8192 268435456\n532480 31914983424",
    "TYPE=ext4",
    JSON.stringify({
      blockdevices: [
        {
          path: "/dev/sda",
          type: "disk",
          mountpoints: [null],
          children: [{ type: "part", mountpoints: ["/"] }],
        },
      ],
    }),
    "# x\nPARTUUID=1 /boot/firmware vfat defaults 0 2\n",
    JSON.stringify({ ok: false, code: "UPDATE_UNREACHABLE", detail: MARK }),
    JSON.stringify({ ok: true, version: "1.2.3", ready: true }),
    JSON.stringify({
      running: true,
      version: "1.2.3",
      state: "online",
      lights: [{ id: "main", state: { on: true }, available: true }],
    }),
    Buffer.from("7f454c4602010100000000000000000002003e00", "hex"),
  ],
  readers: [
    { name: "unit", read: (input) => judgeUnit(readUnit(input.toString("utf8"))) },
    { name: "time service", read: (input) => readTimeService(input.toString("utf8")) },
    {
      name: "card",
      read: (input) => {
        const text = input.toString("utf8");
        return [readPartitions(text), readSystem(text), bootFolderIn(text, ["/boot/firmware", "/boot"])];
      },
    },
    {
      name: "devices",
      throws: ["INSTALL_FAILED"],
      read: (input) => hindranceOf(readDeviceUse(input.toString("utf8"))),
    },
    { name: "fetched", throws: ["UPDATE_UNFIT"], read: (input) => readFetchAnswer(input.toString("utf8")) },
    { name: "health", read: (input) => readHealth(input.toString("utf8")) },
    { name: "program", read: (input) => elfMachine(input) },
  ],
};
