#!/usr/bin/env bash
# expunge list: this machine, and captured trees with hostile names and hidden drives.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
has() { jq -e "$@" >/dev/null; }

exits 'list' 0 "$EXPUNGE" list
exits 'list --json' 0 "$EXPUNGE" list --json
check 'one JSON document' has '.host.complete and (.drives | type == "array") and (.hidden | type == "array")' out
is 'nothing on stderr' "$(cat err)" ''
exits 'a tree that is not there' 66 "$EXPUNGE" list --root "$TMPDIR/none"
exits 'no operands' 64 "$EXPUNGE" list /dev/null

# --- a mark where a LUKS header begins
if [ "$(id -u)" -eq 0 ] && truncate -s 20M luks.img && loop=$(losetup -f --show luks.img 2>/dev/null); then
	trap 'losetup -d "$loop"' EXIT
	marks() { "$EXPUNGE" list --json | jq -c --arg path "$loop" '.drives[] | select(.path == $path) | .luks'; }
	is 'no mark on zeros' "$(marks)" '[]'
	printf 'LUKS\xba\xbe\0\2' | dd of=luks.img conv=notrunc status=none
	blockdev --flushbufs "$loop"
	is 'a mark where the magic is' "$(marks)" "[\"$loop\"]"
	check 'and for people' sh -c "$EXPUNGE list | grep -q 'LUKS  *$loop'"
	losetup -d "$loop"
	trap - EXIT
else
	for n in 'no mark on zeros' 'a mark where the magic is' 'and for people'; do
		skip "$n" 'needs root and loop devices'
	done
fi

# --- a captured tree: one disk, whose model would clear the screen and whose partition is mounted
T=$TMPDIR/list-tree
D=$T/sys/devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0
mkdir -p "$D/block/sdb/sdb1" "$D/block/sdb/queue" "$T"/sys/class/block "$T"/sys/bus/pci/devices "$T"/proc/1/fd "$T"/dev
for n in sdb sdb/sdb1; do
	ln -s "../../devices/pci0000:00/0000:00:17.0/ata2/host1/target1:0:0/1:0:0:0/block/$n" "$T/sys/class/block/${n##*/}"
done
echo 8:16 >"$D/block/sdb/dev"
echo 4000000 >"$D/block/sdb/size"
echo 1 >"$D/block/sdb/queue/rotational"
ln -s ../.. "$D/block/sdb/device"
echo 8:17 >"$D/block/sdb/sdb1/dev"
printf '%s\n' 1 >"$D/block/sdb/sdb1/partition"
echo 2048 >"$D/block/sdb/sdb1/start"
echo 1000 >"$D/block/sdb/sdb1/size"
echo ATA >"$D/vendor"
printf 'BAD\033[2J\342\200\256MODEL\n' >"$D/model"
echo naa.5000000000000002 >"$D/wwid"
printf '22 1 8:17 / /srv/\\033[31mred rw - ext4 /dev/sdb1 rw\n' >"$T/proc/1/mountinfo"
mkdir -p "$T/sys/bus/pci/devices/0000:03:00.0"
echo 0x010400 >"$T/sys/bus/pci/devices/0000:03:00.0/class"
echo 0x8086 >"$T/sys/bus/pci/devices/0000:03:00.0/vendor"
echo 0x467f >"$T/sys/bus/pci/devices/0000:03:00.0/device"

exits 'list --root' 0 "$EXPUNGE" list --root "$T"
is 'no control character reaches the terminal' "$(tr -d '\n' <out | LC_ALL=C tr -d '\040-\176' | wc -c)" 0
check 'it says that the host hides drives' grep -q 'NOT complete' out
exits 'list --root --json' 0 "$EXPUNGE" list --root "$T" --json
is 'the drive' "$(jq -r '.drives[0].path' out)" /dev/sdb
is 'its confirm string' "$(jq -r '.drives[0].confirm' out)" naa.5000000000000002
is 'its size is a string' "$(jq -r '.drives[0].bytes | type' out)" string
is 'its size' "$(jq -r '.drives[0].bytes' out)" 2048000000
is 'its media' "$(jq -r '.drives[0].media' out)" hdd
is 'what uses it' "$(jq -r '.drives[0].in_use[0].kind' out)" mount
is 'the best level without asking the drive' "$(jq -r '.drives[0].best.level' out)" clear
is 'the host is not complete' "$(jq -r '.host.complete' out)" no
is 'and why' "$(jq -r '.hidden[0].pci' out)" 0000:03:00.0
done_testing
