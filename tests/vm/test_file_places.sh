#!/bin/bash
# long
#
# file-overwrite on file systems that the build host's kernel may lack: what the claim says is what a search of
# the whole image below finds. (The emulated drives tell the kernel nothing of what they are, so an image it is.)
export VM_TIMEOUT=${VM_TIMEOUT:-600}
. tests/vm/tap.sh tests/vm/rigs/luks.json
cd "$TMPDIR" || exit 1
S=$TMPDIR/state
mark=expunge-secret-$$-$RANDOM
mkdir -p m below
mount -t tmpfs -o size=200m none below || exit 1
image=$TMPDIR/below/fs.img
modprobe -a loop vfat exfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 f2fs btrfs ext4 2>/dev/null
result() { jq -r "[.results[0] | $1] | join(\" \")" out; }
found() {
	sync
	grep -c -a "$mark" "$image"
}
# on FILE-SYSTEM OPTIONS MAKE...: made on an empty image, mounted at m
on() {
	local type=$1 options=$2
	shift 2
	rm -f "$image"
	truncate -s 128M "$image"
	quiet "$@" "$image" && mount -t "$type" -o "loop${options:+,$options}" "$image" m
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
	[ "$(result .claim)" = "$3" ] || jq -r '.results[0].reasons[].text' out | sed 's/^/# /'
	is "$1: its name is gone" "$(test -e m/s.txt && echo there)" ''
	umount m
}
check 'FAT' on vfat '' mkfs.vfat -F 32
secret m/s.txt 2000
check 'FAT: it is in the image' [ "$(found)" -ge 2000 ]
overwritten 'FAT' 0 clear
is 'FAT: the image holds none of it' "$(found)" 0
check 'FAT, in pieces' on vfat '' mkfs.vfat -F 16
for i in $(seq 60); do
	head -c 65536 /dev/urandom >"m/fill$i"
done
for i in $(seq 1 2 60); do rm "m/fill$i"; done
secret m/s.txt 3000
overwritten 'FAT, in pieces' 0 clear
is 'FAT, in pieces: the image holds none of it' "$(found)" 0
check 'exFAT' on exfat '' mkfs.exfat
secret m/s.txt 2000
check 'exFAT: it is in the image' [ "$(found)" -ge 2000 ]
overwritten 'exFAT' 0 clear
is 'exFAT: the image holds none of it' "$(found)" 0
check 'exFAT, in pieces' on exfat '' mkfs.exfat -c 4096
for i in $(seq 60); do
	head -c 65536 /dev/urandom >"m/fill$i"
done
for i in $(seq 1 2 60); do rm "m/fill$i"; done
secret m/s.txt 3000
overwritten 'exFAT, in pieces' 0 clear
is 'exFAT, in pieces: the image holds none of it' "$(found)" 0
# its length is set, and most of it was never written
check 'exFAT, with a hole behind' on exfat '' mkfs.exfat
secret m/s.txt 400
truncate -s 4M m/s.txt
overwritten 'exFAT, with a hole behind' 0 clear
is 'exFAT, with a hole behind: the image holds none of it' "$(found)" 0
check 'ext4' on ext4 '' mkfs.ext4 -q
secret m/s.txt 2000
overwritten 'ext4' 0 clear
is 'ext4: the image holds none of it' "$(found)" 0
check 'ext4, data=journal' on ext4 data=journal mkfs.ext4 -q
secret m/s.txt 400
overwritten 'ext4, data=journal' 3 none
check 'ext4, data=journal: the image still holds some of it' [ "$(found)" -gt 0 ]
check '... and what to do about a key is said' grep -q key-advice out
check 'f2fs' on f2fs '' mkfs.f2fs -q
secret m/s.txt 400
overwritten 'f2fs' 3 none
# where it wrote is its own affair: now in place, now elsewhere
echo "# f2fs: $(found) of 400 are left"
check 'btrfs' on btrfs '' mkfs.btrfs -q -f
secret m/s.txt 400
overwritten 'btrfs' 3 none
check 'btrfs: the image still holds some of it' [ "$(found)" -gt 0 ]
check 'btrfs, compressed' on btrfs compress-force=zstd mkfs.btrfs -q -f
secret m/s.txt 400
overwritten 'btrfs, compressed' 3 none
check 'btrfs, compressed: and why' grep -q 'btrfs writes elsewhere' out
done_testing
