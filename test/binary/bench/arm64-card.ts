// An SD card with Debian for arm64 on it, made of packages that are only unpacked, and what QEMU's virt board needs to
// start from it as a Raspberry Pi does: systemd, udev, a FAT boot partition that is mounted by fstab. Kept in .cache/card.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { alone } from "../../board/bench/alone.ts";
import { aptState, hashOf, installPrograms, say, shell, timed } from "../../board/bench/debian-arm64.ts";
import { type Parts, prepareBoards } from "../../board/bench/prepare.ts";

const cache = join(import.meta.dirname, "../../../.cache/card");

const programs = {
  sfdisk: "fdisk",
  "mkfs.vfat": "dosfstools",
  "mkfs.ext4": "e2fsprogs",
  mcopy: "mtools",
  "systemd-sysusers": "systemd",
  zbarimg: "zbar-tools",
} as const;

const packages = [
  ...[
    "base-files",
    "base-passwd",
    "bash",
    "dash",
    "coreutils",
    "util-linux",
    "mount",
    "grep",
    "sed",
    "findutils",
    "login",
  ],
  ...["systemd", "systemd-sysv", "udev", "kmod", "libstdc++6", "libatomic1"],
];

/** What takes time under emulation and is no part of the story. */
const unneeded = [
  ...["getty.target", "systemd-networkd-wait-online", "systemd-timesyncd", "systemd-update-utmp"],
  ...["systemd-update-utmp-runlevel", "systemd-journal-flush", "systemd-pstore", "systemd-user-sessions"],
  ...["ldconfig.service", "systemd-hwdb-update", "systemd-journal-catalog-update", "systemd-update-done"],
  ...["systemd-tmpfiles-clean.timer", "e2scrub_reap.service", "e2scrub_all.timer", "fstrim.timer"],
  ...["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "systemd-binfmt"],
  ...["sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "dev-hugepages.mount"],
  ...["dev-mqueue.mount", "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount"],
  ...[
    "modprobe@configfs",
    "modprobe@drm",
    "modprobe@efi_pstore",
    "modprobe@fuse",
    "modprobe@loop",
    "modprobe@dm_mod",
  ],
  ...[
    "kmod-static-nodes",
    "systemd-modules-load",
    "systemd-sysctl",
    "systemd-sysusers",
    "systemd-random-seed",
  ],
  ...["systemd-ask-password-console.path", "systemd-ask-password-wall.path", "systemd-boot-system-token"],
];
const generators = [
  "bless-boot",
  "cryptsetup",
  "debug",
  "getty",
  "gpt-auto",
  "hibernate-resume",
  "integritysetup",
  "rc-local",
  "run",
  "system-update",
  "sysv",
  "veritysetup",
];

/** Where the card's partitions are, in bytes. */
export const cardLayout = {
  boot: { start: 1 << 20, size: 32 << 20 },
  root: { start: 33 << 20, size: 600 << 20 },
} as const;

/** What the virt board starts from besides its card. */
export interface StartParts {
  readonly parts: Parts;
  readonly initrd: string;
  /** An image of the card with Debian alone on it. */
  readonly card: string;
}

/** The first program: loads what the card needs and hands over to the card's own systemd. */
const init = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in virtio_pci virtio_blk virtio_net crc32c_generic ext4 vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 leds-gpio; do modprobe $module; done
for try in $(seq 100); do [ -b /dev/vda2 ] && break; sleep 0.1; done
mount -t ext4 -o ro /dev/vda2 /card
mount --move /dev /card/dev
mount --move /sys /card/sys
mount --move /proc /card/proc
exec switch_root /card /usr/lib/systemd/systemd
`;

/** As Raspberry Pi OS has it: both partitions by fstab. */
const fstab = `/dev/vda2 / ext4 defaults,noatime 0 0
/dev/vda1 /boot/firmware vfat defaults 0 0
`;

const network = `[Match]
Name=e*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
`;

const build = async (folder: string, parts: Parts): Promise<void> => {
  const apt = await aptState(join(folder, "apt"), "bookworm");
  const root = join(folder, "root");
  await timed("Debian for the card", () =>
    shell(
      `cd ${folder}
       mmdebstrap --quiet --variant=extract --architectures=arm64 --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
         --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
         --include=${packages.join(",")} bookworm root.tar apt/sources.list
       mkdir root
       tar -C root -xf root.tar --exclude=./dev/*
       rm -rf root.tar root/usr/share/{perl,zoneinfo,i18n,common-licenses} root/usr/lib/aarch64-linux-gnu/{perl*,gconv} root/var/cache/*
       mkdir -p root/{proc,sys,dev,run,tmp,root,boot/firmware,etc/systemd/network}
       rm -rf root/var/run
       ln -s ../run root/var/run
       ln -sf dash root/usr/bin/sh
       cp root/usr/share/base-passwd/passwd.master root/etc/passwd
       cp root/usr/share/base-passwd/group.master root/etc/group
       echo porch > root/etc/hostname
       : > root/etc/machine-id
       systemd-sysusers --root=$PWD/root
       systemctl --root=$PWD/root enable systemd-networkd >/dev/null 2>&1
       systemctl --root=$PWD/root set-default multi-user.target >/dev/null 2>&1
       systemctl --root=$PWD/root mask ${unneeded.join(" ")} >/dev/null 2>&1
       rm -f root/usr/lib/udev/hwdb.bin root/usr/lib/systemd/system-generators/systemd-{${generators.join(",")}}-generator`,
      apt,
    ),
  );
  writeFileSync(join(root, "etc/fstab"), fstab);
  writeFileSync(join(root, "etc/systemd/network/cable.network"), network);
  const { boot, root: rootPlace } = cardLayout;
  await timed("the card's image", () =>
    shell(
      `cd ${folder}
       PATH=$PATH:/usr/sbin:/sbin
       mkfs.vfat -F 16 -n BOOTFS -C boot.img ${boot.size >> 10} >/dev/null
       mkfs.ext4 -q -L rootfs -d root root.img ${rootPlace.size >> 20}M
       truncate -s ${rootPlace.start + rootPlace.size} card.img
       printf 'label: dos\\nstart=${boot.start >> 9}, size=${boot.size >> 9}, type=c\\nstart=${rootPlace.start >> 9}, size=${rootPlace.size >> 9}, type=83\\n' | sfdisk -q card.img
       dd if=boot.img of=card.img bs=1M seek=${boot.start >> 20} conv=notrunc,sparse status=none
       dd if=root.img of=card.img bs=1M seek=${rootPlace.start >> 20} conv=notrunc,sparse status=none
       rm -rf root boot.img root.img apt`,
    ),
  );
  writeFileSync(join(folder, "init"), init);
  await shell(
    `cd ${folder}
     mkdir -p first/{bin,proc,sys,dev,card}
     cp init first/init
     chmod 755 first/init
     (cd first; cpio -i --quiet --make-directories '*bin/busybox' < ${parts.root}; cpio -i --quiet -d < ${parts.kernels.pages4k.modules}; find . | cpio -o -H newc --quiet | gzip -1 > ../initrd)
     rm -rf first init`,
  );
};

/** The parts, built when they are not there yet: about a minute. */
export const prepareCard = (): Promise<StartParts> => alone("card", prepared);

const prepared = async (): Promise<StartParts> => {
  const parts = await prepareBoards();
  await installPrograms(programs);
  const key = hashOf(readFileSync(import.meta.filename), basename(dirname(parts.root)));
  const folder = join(cache, key);
  if (!existsSync(folder)) {
    const draft = `${folder}.part`;
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    say("building the card (once):");
    await build(draft, parts);
    renameSync(draft, folder);
  }
  return { parts, initrd: join(folder, "initrd"), card: join(folder, "card.img") };
};

/** Writes files onto the root of a card's image, by path. */
export const writeOnRoot = async (card: string, files: Readonly<Record<string, string>>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-card-root-"));
  const { start, size } = cardLayout.root;
  await shell(`mount -o loop,offset=${start},sizelimit=${size} ${card} ${folder}`);
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  } finally {
    await shell(`umount ${folder}; rmdir ${folder}`);
  }
};
