#!/bin/bash
# long
#
# file-overwrite on file systems that the build host's kernel may lack, on an emulated hard disk: what the claim
# says is what a search of the whole disk finds.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-600}
. tests/vm/tap.sh tests/vm/rigs/holders.json
cd "$TMPDIR" || exit 1
S=$TMPDIR/state
node=$DRIVE_plain
mark=expunge-secret-$$-$RANDOM
mkdir -p m
modprobe -a vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 f2fs btrfs ext4 2>/dev/null
result() { jq -r "[.results[0] | $1] | join(\" \")" out; }
found() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	grep -c -a "$mark" "$node"
}
# on FILE-SYSTEM OPTIONS MAKE...: made on the empty disk, mounted at m
on() {
	local type=$1 options=$2
	shift 2
	dd if=/dev/zero of="$node" bs=1M status=none 2>/dev/null
	quiet "$@" "$node" && mount -t "$type" ${options:+-o "$options"} "$node" m
}
# secret FILE LINES: a marker in each 512 bytes
secret() {
	awk -v m="$mark" -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%-511s\n", m " " i }' >"$1"
	sync
}
# overwritten NAME CODE CLAIM
overwritten() {
	exits "$1: exit code $2" "$2" "$EXPUNGE" run m/s.txt --state "$S" --technique file-overwrite --level clear --json \
		--confirm s.txt
	is "$1: claim" "$(result '.claim, .scope')" "$3 file"
	is "$1: its name is gone" "$(test -e m/s.txt && echo there)" ''
	umount m
}
check 'FAT' on vfat '' mkfs.vfat -F 32
secret m/s.txt 2000
check 'FAT: it is on the disk' [ "$(found)" -ge 2000 ]
overwritten 'FAT' 0 clear
is 'FAT: the disk holds none of it' "$(found)" 0
check 'FAT, in pieces' on vfat '' mkfs.vfat -F 16
for i in $(seq 60); do
	head -c 65536 /dev/urandom >"m/fill$i"
done
for i in $(seq 1 2 60); do rm "m/fill$i"; done
secret m/s.txt 3000
overwritten 'FAT, in pieces' 0 clear
is 'FAT, in pieces: the disk holds none of it' "$(found)" 0
check 'ext4' on ext4 '' mkfs.ext4 -q
secret m/s.txt 2000
overwritten 'ext4' 0 clear
is 'ext4: the disk holds none of it' "$(found)" 0
check 'ext4, data=journal' on ext4 data=journal mkfs.ext4 -q
secret m/s.txt 400
overwritten 'ext4, data=journal' 3 none
check 'ext4, data=journal: the disk still holds some of it' [ "$(found)" -gt 0 ]
check '... and what to do about a key is said' grep -q key-advice out
check 'f2fs' on f2fs '' mkfs.f2fs -q
secret m/s.txt 400
overwritten 'f2fs' 3 none
check 'f2fs: the disk still holds some of it' [ "$(found)" -gt 0 ]
check 'btrfs' on btrfs '' mkfs.btrfs -q -f
secret m/s.txt 400
overwritten 'btrfs' 3 none
check 'btrfs: the disk still holds some of it' [ "$(found)" -gt 0 ]
check 'btrfs, compressed' on btrfs compress-force=zstd mkfs.btrfs -q -f
secret m/s.txt 400
overwritten 'btrfs, compressed' 3 none
check 'btrfs, compressed: and why' grep -q 'btrfs writes elsewhere' out
done_testing
