// The files of an installed Porchlight besides the program: one list for the Debian package and `porchlight install`.
// Pure. Every path is absolute.

import { firstBootUnitPath, firstBootUnitText } from "./first-boot.ts";

/** A file of the installation. */
export interface ServiceFile {
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly text: string;
}

export const programPath = "/usr/bin/porchlight";
export const unitPath = "/usr/lib/systemd/system/porchlight.service";
export const settingsFolder = "/etc/porchlight";
export const settingsPath = `${settingsFolder}/settings.json`;
/** Secrets that the settings name by `{ "credential": "secret_NAME" }`; only root and systemd may read here. */
export const secretsPath = "/etc/porchlight/secrets";
const startPath = "/usr/lib/porchlight/start";

/**
 * Starts the agent, later each time while it ends soon after its start: at once, then after 1, 2, 4 … 60 seconds. systemd
 * knows growing delays only from version 254 on (RestartSteps=), Debian 12 has 252.
 */
const start = `#!/bin/sh
# Starts the agent; waits before it when the last starts did not last: 1 s, 2 s, 4 s ... 60 s.
count=\${RUNTIME_DIRECTORY:-/run/porchlight}/starts
starts=0
# A start of more than ten minutes ago went well.
if [ -n "$(find "$count" -mmin -10 2>/dev/null)" ]; then
  read -r starts < "$count" || starts=0
  case $starts in '' | *[!0-9]*) starts=0 ;; esac
fi
echo $((starts + 1)) > "$count" || true
if [ "$starts" -gt 0 ]; then
  delay=1
  while [ "$starts" -gt 1 ] && [ "$delay" -lt 60 ]; do
    delay=$((delay * 2))
    starts=$((starts - 1))
  done
  [ "$delay" -gt 60 ] && delay=60
  sleep "$delay"
fi
exec ${programPath} run
`;

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
ExecStart=${startPath}
User=porchlight
Group=porchlight
StateDirectory=porchlight
StateDirectoryMode=0700
RuntimeDirectory=porchlight
RuntimeDirectoryPreserve=restart
Environment=HOME=%S/porchlight
LoadCredential=secret:${secretsPath}
Restart=always
RestartSec=1
TimeoutStartSec=150
TimeoutStopSec=30
WatchdogSec=60

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
  { path: startPath, mode: 0o755, text: start },
  { path: unitPath, mode: 0o644, text: unit },
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
# setgid: the settings that root writes there belong to the group porchlight, which may read them.
install -d -m 2750 -o root -g porchlight /etc/porchlight
install -d -m 0700 ${secretsPath}
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ -S /run/udev/control ]; then
    udevadm control --reload || true
    udevadm trigger --subsystem-match=gpio --subsystem-match=pwm --subsystem-match=leds --subsystem-match=i2c-dev || true
  fi
fi
`;
