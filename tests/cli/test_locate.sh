#!/bin/bash
# expunge locate on a captured tree, and on this machine where there is no such light.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
tree=$TMPDIR/tree
disk=sys/devices/pci0/host0/target0:0:0/0:0:0:0
mkdir -p "$tree/$disk/block/sda" "$tree/$disk/block/sdb" "$tree/sys/block" "$tree/sys/devices/shelf/Slot_01"
ln -s ../.. "$tree/$disk/block/sda/device"
ln -s "../../../../shelf/Slot_01" "$tree/$disk/enclosure_device:Slot_01"
ln -s "../devices/pci0/host0/target0:0:0/0:0:0:0/block/sda" "$tree/sys/block/sda"
ln -s "../devices/pci0/host0/target0:0:0/0:0:0:0/block/sdb" "$tree/sys/block/sdb"
light=$tree/sys/devices/shelf/Slot_01/locate
echo 0 >"$light"

exits 'on' 0 "$EXPUNGE" locate /dev/sda on --root "$tree"
is 'shines' "$(cat "$light")" 1
exits 'off' 0 "$EXPUNGE" locate sda off --root "$tree"
is 'is dark' "$(cat "$light")" 0
exits 'neither' 64 "$EXPUNGE" locate sda blink --root "$tree"
exits 'no word' 64 "$EXPUNGE" locate sda --root "$tree"
is 'and nothing changed' "$(cat "$light")" 0
exits 'no such disk' 66 "$EXPUNGE" locate sdz on --root "$tree"
exits 'a disk in no enclosure' 69 "$EXPUNGE" locate sdb on --root "$tree"
check 'is told so' grep -q 'no enclosure' "$TMPDIR/err"
rm "$light"
exits 'a place without a light' 69 "$EXPUNGE" locate sda on --root "$tree"
check 'is told so, too' grep -q 'has no light' "$TMPDIR/err"
truncate -s 1M "$TMPDIR/disk.img"
exits 'an image has no place' 69 "$EXPUNGE" locate "$TMPDIR/disk.img" on
exits 'what is not there' 66 "$EXPUNGE" locate "$TMPDIR/none" on
done_testing
