// The files of an installed Porchlight besides the program: one list for the Debian package and `porchlight install`.
// Pure. Every path is absolute.

import { firstBootUnit, firstBootUnitPath, firstBootUnitText } from "./first-boot.ts";
import {
  chooseScript,
  commandPath,
  commandScript,
  programsPath,
  startScript,
  updatePath,
  updateUnit,
} from "./programs.ts";

/** A file of the installation. */
export interface ServiceFile {
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly text: string;
}

const unitPath = "/usr/lib/systemd/system/porchlight.service";
/** What systemd starts by itself. */
export const units: readonly string[] = ["porchlight.service", firstBootUnit, "porchlight-update.path"];
export const settingsFolder = "/etc/porchlight";
export const settingsPath = `${settingsFolder}/settings.json`;
/** Secrets that the settings name by `{ "credential": "secret_NAME" }`; only root and systemd may read here. */
export const secretsPath = "/etc/porchlight/secrets";
const startPath = "/usr/lib/porchlight/start";
const choosePath = "/usr/lib/porchlight/choose";

const unit = `[Unit]
Description=Porchlight, makes a lamp belong to a person
Documentation=man:porchlight(1)
# Later than these where they are there; it needs none of them: the lamp comes before the network.
After=network-online.target time-sync.target bluetooth.service dbus.service
# Without settings there is nothing to do: porchlight(1) tells how to write them.
ConditionPathExists=${settingsPath}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
# Before each start, as root: whether a new version is tried. A disk that cannot be written must not keep the lamp dark.
ExecStartPre=-+${choosePath}
ExecStart=${startPath}
# How it ended, for the next start to tell: out of memory, hung, killed by which signal.
ExecStopPost=-/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" > "$RUNTIME_DIRECTORY/ended"'
User=porchlight
Group=porchlight
StateDirectory=porchlight
StateDirectoryMode=0700
RuntimeDirectory=porchlight
RuntimeDirectoryPreserve=restart
Environment=HOME=%S/porchlight
LoadCredential=secret:${secretsPath}
# Where there is one in /etc/credstore.encrypted, what the service keeps is encrypted with it: docs/state.md.
LoadCredentialEncrypted=porchlight-state-key
Restart=always
RestartSec=1
TimeoutStartSec=150
TimeoutStopSec=30
WatchdogSec=60
LogRateLimitIntervalSec=30s
LogRateLimitBurst=200

# What it cannot do, even if somebody took it over. Not here: MemoryDenyWriteExecute (V8 makes machine code),
# ProtectKernelTunables (PWM and LEDs are files in /sys), PrivateDevices and DevicePolicy (GPIO lines and serial ports may
# come while it runs; groups say who may), PrivateNetwork, PrivateUsers.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
KeyringMode=private
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;

/** Groups own the devices on Raspberry Pi OS; "m" makes those that are missing. sysusers.d(5) */
const users = `u porchlight - "Porchlight" /var/lib/porchlight
g porchlight -
m porchlight gpio
m porchlight i2c
m porchlight dialout
m porchlight video
m porchlight bluetooth
`;

/** As Raspberry Pi OS has them, for systems that have not. udev(7) */
const rules = `SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"
SUBSYSTEM=="i2c-dev", GROUP="i2c", MODE="0660"
SUBSYSTEM=="pwm", ACTION=="add|change", RUN+="/bin/chgrp -R gpio /sys%p", RUN+="/bin/chmod -R g+w /sys%p"
SUBSYSTEM=="leds", ACTION=="add|change", RUN+="/bin/chgrp -R gpio /sys%p", RUN+="/bin/chmod -R g+w /sys%p"
`;

/** To begin with; docs/settings.md has all. */
const example = `{
  // The consumer key of your External Client App in Salesforce. For any other org: "dialect": "rfc8628" and its "url".
  "org": { "clientId": "3MVG9..." },
  "broker": { "url": "mqtts://broker.example:8883" },
  // porchlight hardware lists what this board has, and prints the line to copy.
  "lights": [{ "driver": "led:ACT" }],
}
`;

/** What the commands make: manual page and completions. */
export interface Written {
  readonly manual: string;
  readonly completion: Readonly<Record<"bash" | "zsh" | "fish", string>>;
}

/** Every file but the program itself. */
export const serviceFiles = ({ manual, completion }: Written): readonly ServiceFile[] => [
  { path: commandPath, mode: 0o755, text: commandScript },
  { path: startPath, mode: 0o755, text: startScript },
  { path: choosePath, mode: 0o755, text: chooseScript },
  { path: unitPath, mode: 0o644, text: unit },
  { path: "/usr/lib/systemd/system/porchlight-update.service", mode: 0o644, text: updateUnit },
  { path: "/usr/lib/systemd/system/porchlight-update.path", mode: 0o644, text: updatePath },
  { path: firstBootUnitPath, mode: 0o644, text: firstBootUnitText },
  { path: "/usr/lib/sysusers.d/porchlight.conf", mode: 0o644, text: users },
  { path: "/usr/lib/udev/rules.d/60-porchlight.rules", mode: 0o644, text: rules },
  { path: "/usr/share/doc/porchlight/examples/settings.json", mode: 0o644, text: example },
  { path: "/usr/share/man/man1/porchlight.1", mode: 0o644, text: manual },
  { path: "/usr/share/bash-completion/completions/porchlight", mode: 0o644, text: completion.bash },
  { path: "/usr/share/zsh/vendor-completions/_porchlight", mode: 0o644, text: completion.zsh },
  { path: "/usr/share/fish/vendor_completions.d/porchlight.fish", mode: 0o644, text: completion.fish },
];

/** Shell lines that make account, groups and folders and have systemd and udev read what is new. Run as root. */
export const settleScript = `systemd-sysusers porchlight.conf
# An update under way must not come into force over what is being installed.
if [ -d /run/systemd/system ]; then systemctl stop porchlight-update.path porchlight-update.service 2>/dev/null || true; fi
# What is installed starts at once, however often the version before has ended.
rm -f /run/porchlight/starts || true
# Whoever installs a version wants that one, not one that an update brought earlier.
rm -rf ${programsPath}
install -d -m 0755 ${programsPath}
# setgid: the settings that root writes there belong to the group porchlight, which may read them.
install -d -m 2750 -o root -g porchlight ${settingsFolder}
# Those that were written before there was a group.
if [ -f ${settingsPath} ]; then
  chgrp porchlight ${settingsPath}
  chmod g+r ${settingsPath}
fi
install -d -m 0700 ${secretsPath}
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ -S /run/udev/control ]; then
    udevadm control --reload || true
    udevadm trigger --subsystem-match=gpio --subsystem-match=pwm --subsystem-match=leds --subsystem-match=i2c-dev || true
  fi
fi
`;
