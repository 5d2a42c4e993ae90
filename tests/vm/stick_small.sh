#!/bin/bash
# The smallest stick that is one: our first program, our programs and the drivers that the emulated machine
# needs as an initial file system for the kernel of build/vm, and a disk with the data partition. None of
# what firmware, menu and other machines need is there, so it is made in seconds.
#
#   tests/vm/stick_small.sh FOLDER     FOLDER gets initrd, stick.img, partuuid
#
# Exit code 69: this machine cannot, and why is said in one line.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1
. vm-images/boot/tree.sh
[ $# -eq 1 ] || exit 64
out=$(mkdir -p "$1" && cd "$1" && pwd)
programs=${B:-build/release}
guest=$PWD/build/vm/guest
making=$out/making
id=5a11571c
box=12
data=40

cannot() {
	echo "stick: $*" >&2
	exit 69
}
note() { :; }
owner() { echo here; }

tests/vm/image.sh || exit
PATH=$PATH:$guest/usr/bin:$guest/usr/sbin:/usr/sbin:/sbin
for tool in mkfs.fat mcopy mmd python3 strip ldd ldconfig; do
	command -v "$tool" >/dev/null || cannot "there is no $tool"
done
release=$(cat build/vm/release)
modules=$guest/usr/lib/modules/$release
rm -rf "$making"
mkdir -p "$making"/{programs,system,drivers,seal}

tree_programs
tree_libraries
put system 0755 "$(command -v busybox)" usr/bin/busybox here
tree_busybox
tree_texts
tree_folders
mapfile -t names < <(awk '$1 == "base" { print $2 }' vm-images/boot/modules.txt)
tree_drivers "$modules" here base "${names[@]}"
tree_drivers "$modules" here storage ahci virtio_pci virtio_scsi
# what says that it is an image of ours
(cd "$making" && find system drivers programs -type f -exec sha256sum {} + | sort | sha256sum |
	cut -d ' ' -f 1) >"$making/hash"
put seal 0644 "$making/hash" etc/expunge/image.sha256 here
tree_whole system drivers programs seal
for name in system drivers programs seal; do
	vm-images/boot/newc.py "$making/$name" 0
done >"$out/initrd"

# the data partition, as on the whole stick
truncate -s "${data}M" "$making/data"
mkfs.fat -F 32 -s 1 -n EXPUNGE -i "$id" --invariant "$making/data" >/dev/null
truncate -s "${box}M" "$making/box"
mcopy -i "$making/data" "$making/box" ::/expunge-a.box
mcopy -i "$making/data" "$making/box" ::/expunge-b.box
mmd -i "$making/data" ::/keys ::/certificates
truncate -s $((1 + data))M "$out/stick.img"
dd if="$making/data" of="$out/stick.img" bs=1M seek=1 conv=notrunc,sparse status=none
vm-images/boot/mbr.py "$out/stick.img" /dev/null /dev/null "$id" "0x0c,0,2048,$((data * 2048))"
echo "$id-01" >"$out/partuuid"
rm -rf "$making"
