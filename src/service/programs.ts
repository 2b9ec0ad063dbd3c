// Which program runs: the one that was installed, or a newer one that `porchlight update` brought. Scripts of a few lines,
// because they must also work when the newest program does not. Pure; src/update/programs.ts has the same folder.

/** What people and the service call: it runs the newest version. */
export const commandPath = "/usr/bin/porchlight";
/** The program as it was installed: never changed by an update. */
export const installedProgram = "/usr/lib/porchlight/porchlight";
/** The versions that updates brought, and the links that say which one runs. Root's own. */
export const programsPath = "/var/lib/porchlight-programs";
/** Where the service fetches to, and asks there for the second half of an update. */
export const fetchedPath = "/var/lib/porchlight/update";
/** The file of that folder that asks. */
export const REQUEST = "apply";

/** `porchlight`, for people and for the commands of the service. */
export const commandScript = `#!/bin/sh
# Porchlight: the version that an update brought, else the one that was installed.
program=${programsPath}/current/porchlight
[ -x "$program" ] || program=${installedProgram}
exec "$program" "$@"
`;

/**
 * Starts the agent, later each time while it ends soon after its start: at once, then after 1, 2, 4 ... 60 seconds. systemd
 * knows growing delays only from version 254 on (RestartSteps=), Debian 12 has 252.
 */
export const startScript = `#!/bin/sh
# Starts the agent; waits before it when the last starts did not last: 1 s, 2 s, 4 s ... 60 s.
count=\${RUNTIME_DIRECTORY:-/run/porchlight}/starts
starts=0
# A start of more than ten minutes ago went well.
if [ -n "$(find "$count" -mmin -10 2>/dev/null)" ]; then
  read -r starts < "$count" || starts=0
  case $starts in '' | *[!0-9]*) starts=0 ;; esac
fi
echo $((starts + 1)) > "$count" || true
delay=0
[ "$starts" -gt 0 ] && delay=1
left=$starts
while [ "$left" -gt 1 ] && [ "$delay" -lt 60 ]; do
  delay=$((delay * 2))
  left=$((left - 1))
done
[ "$delay" -gt 60 ] && delay=60
[ "$delay" -gt 0 ] && sleep "$delay"
program=${installedProgram}
for newer in ${programsPath}/trial/porchlight ${programsPath}/current/porchlight; do
  if [ -x "$newer" ]; then
    program=$newer
    break
  fi
done
exec "$program" run
`;

/**
 * Before each start, as root: a version that is tried gets two starts to come online, then it is given up; a current one
 * that keeps ending and cannot even say its version is damaged on the card, and gives way to the installed one.
 */
export const chooseScript = `#!/bin/sh
# A version that an update tries gets two starts to come online; after them the version before runs again.
cd ${programsPath} 2>/dev/null || exit 0
count() {
  number=0
  [ -f "$1" ] && read -r number < "$1"
  case $number in '' | *[!0-9]*) number=0 ;; esac
  echo "$number"
}
if [ -L trial ]; then
  starts=$(count trial-starts)
  if [ "$starts" -lt 2 ] && echo $((starts + 1)) > trial-starts.new && mv trial-starts.new trial-starts; then
    # The first start of a new version does not wait for the ends of the version before.
    [ "$starts" -gt 0 ] || rm -f /run/porchlight/starts
  else
    # Also where its starts cannot be counted: a full disk.
    mv -T trial failed
    rm -f trial-starts trial-starts.new /run/porchlight/starts
  fi
  sync
elif [ -L current ] && [ "$(count /run/porchlight/starts)" -ge 3 ]; then
  if ! timeout 20 current/porchlight version >/dev/null 2>&1; then
    echo "$(readlink current) does not run; the program as it was installed runs instead" >&2
    mv -T current damaged
    sync
  fi
fi
`;

/** The second half of an update, as root. Without the network: what was fetched lies in the service's folder. */
export const updateUnit = `[Unit]
Description=Puts a new version of Porchlight in its place
Documentation=man:porchlight(1)
After=porchlight.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
# Unpacking, trying it out for ten minutes, and going back.
TimeoutStartSec=30min
ExecStart=${commandPath} update apply
StateDirectory=porchlight-programs
# The state of this board is the agent's, and so is the account that owns it.
UnsetEnvironment=STATE_DIRECTORY
ReadWritePaths=-/var/lib/porchlight

NoNewPrivileges=yes
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL CAP_SETUID CAP_SETGID
PrivateNetwork=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectClock=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0022
`;

/** Starts it when the service asks, and at a start of the board in the middle of a trial. */
export const updatePath = `[Unit]
Description=Waits for a new version of Porchlight
Documentation=man:porchlight(1)

[Path]
PathExists=${fetchedPath}/${REQUEST}
PathExists=${programsPath}/trial
PathExists=${programsPath}/failed

[Install]
WantedBy=multi-user.target
`;
