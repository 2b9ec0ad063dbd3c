// The first boot without a keyboard: where settings may lie on the card, and the unit that takes them over. Pure.

/** Where the boot partition is: on Raspberry Pi OS since Debian 12, and before. */
export const bootFolders: readonly string[] = ["/boot/firmware", "/boot"];

export const firstBootUnit = "porchlight-first-boot.service";
export const firstBootUnitPath = `/usr/lib/systemd/system/${firstBootUnit}`;

const conditions = bootFolders.map((folder) => `ConditionPathExists=|${folder}/porchlight.json`).join("\n");

/**
 * Not a oneshot: with wrong settings and none before them it stays and shows the mistakes, and whoever waits for it has
 * been told long before that it is ready.
 */
export const firstBootUnitText = `[Unit]
Description=Porchlight, takes settings over from the boot partition
Documentation=man:porchlight(1)
RequiresMountsFor=${bootFolders.join(" ")}
# The agent asks whether there are settings when this is done, and so starts in the same boot.
Before=porchlight.service
${conditions}

[Service]
Type=notify
NotifyAccess=main
ExecStart=/usr/bin/porchlight take-over --show
TimeoutStartSec=150
TimeoutStopSec=10

# Root, for secrets are root's alone; but nothing more than that. SYS_TTY_CONFIG keeps the text console off the picture.
CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_SYS_TTY_CONFIG
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=-/etc/porchlight -/boot
ProtectHome=yes
PrivateTmp=yes
PrivateNetwork=yes
IPAddressDeny=any
ProtectClock=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
UMask=0077
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
