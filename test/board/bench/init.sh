#!/bin/busybox sh
# The first program of the emulated board: mounts, modules, a shell on the serial console for the tests to drive.
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/bb HOME=/root TERM=dumb
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
$b mkdir -p /run /tmp /dev/pts /run/bb
$b mount -t devpts devpts /dev/pts
$b --install -s /run/bb
for module in $(sed -n 's/.*board.modules=\([^ ]*\).*/\1/p' /proc/cmdline | tr , ' '); do modprobe "$module"; done
ip link set lo up
hostname board
console=/dev/$(sed -n 's/.*board.console=\([^ ]*\).*/\1/p' /proc/cmdline)
stty -F "$console" -echo -onlcr -icrnl
echo "BOARD-READY" > "$console"
# A program that is given the terminal may end the shell; then there is a new one.
while :; do setsid sh -c "exec sh < $console > $console 2>&1"; done
