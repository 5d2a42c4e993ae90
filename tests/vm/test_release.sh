#!/bin/bash
# long
#
# release: what stands only on a drive and nobody uses is taken down (swap, LVM, dm-crypt, md, and stacks of
# them), and the drive is free; what is mounted, open or stands elsewhere too is named, and stays.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-600}
. tests/vm/tap.sh tests/vm/rigs/holders.json
cd "$TMPDIR" || exit 1
modprobe -a dm_mod dm_crypt raid1 ext4 2>/dev/null
# no udev here: the tools make their nodes themselves
lvm_() { quiet lvm "$@" --config 'activation{udev_sync=0 udev_rules=0} devices{obtain_device_list_from_udev=0 use_devicesfile=0}'; }
luks() {
	cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$1" key &&
		cryptsetup open --key-file key "$1" "$2"
}
release() { "$EXPUNGE" release "$1" --json --confirm "$2"; }
released() { jq -r '[.released[] | .kind + ":" + .name] | join(" ")' out; }
left() { jq -r '[.left[] | .kind + ":" + .name] | join(" ")' out; }
code() { jq -r '[.refusals[].code] | unique | join(" ")' out; }
# free NAME DRIVE: plan has nothing against it
free() {
	is "$1" "$("$EXPUNGE" plan "$2" --state "$TMPDIR/state" --level clear --json 2>/dev/null | jq -c '.targets[0].refusals')" '[]'
}
tables() { dmsetup ls 2>/dev/null | grep -vc 'No devices'; }
printf secret >key

exits 'a free drive: nothing to do' 0 release "$DRIVE_plain" VMHPLAIN
is '... and said so' "$(released)$(left)" ''

# swap on LVM on dm-crypt, and a second volume
check 'a stack of three' luks "$DRIVE_deep" deep
lvm_ vgcreate tall /dev/mapper/deep
lvm_ lvcreate -Zn -Wn -L 16M -n one tall
lvm_ lvcreate -Zn -Wn -L 16M -n two tall
quiet dmsetup mknodes
quiet mkswap /dev/mapper/tall-one
check 'with swap on top' swapon /dev/mapper/tall-one
exits 'without its confirmation: refused' 4 "$EXPUNGE" release "$DRIVE_deep" --json
is '... which says what would go' "$(left | tr ' ' '\n' | sort | tr '\n' ' ')" \
	'crypt:deep dm:tall-one dm:tall-two swap:/dev/mapper/tall-one '
is '... and nothing went' "$(tables)" 3
exits 'the string of another drive: refused' 4 release "$DRIVE_deep" VMHPLAIN
is '... its code' "$(code)" confirm_mismatch
mkdir -p m
quiet mkfs.ext4 -q /dev/mapper/tall-two && mount /dev/mapper/tall-two m
exits 'a mount on it: refused' 4 release "$DRIVE_deep" VMHDEEP
is '... its code' "$(code)" mounted
is '... and nothing went' "$(tables)$(grep -c tall-one /proc/swaps)" 31
umount m
python3 -c 'import time; f = open("/dev/mapper/tall-two", "rb"); print(flush=True); time.sleep(600)' >held &
holder=$!
while [ ! -s held ]; do sleep 0.2; done
exits 'a process that has it open: refused' 4 release "$DRIVE_deep" VMHDEEP
is '... its code' "$(code)" open_elsewhere
check '... and its name' grep -q 'python3, pid' out
is '... and nothing went' "$(tables)$(grep -c tall-one /proc/swaps)" 31
kill "$holder"
wait "$holder" 2>/dev/null
exits 'all of it goes' 0 release "$DRIVE_deep" VMHDEEP
is '... the topmost first' "$(released | cut -d' ' -f1) $(released | awk '{print $NF}')" 'swap:/dev/mapper/tall-one crypt:deep'
is '... four things' "$(released | wc -w)" 4
is '... dm has nothing more' "$(tables)" 0
is '... nor has the keyring' "$(grep -c cryptsetup: /proc/keys)" 0
is '... nor is there swap' "$(grep -c tall- /proc/swaps)" 0
free '... and the drive is free' "$DRIVE_deep"

# what also stands elsewhere is not ours to take down
lvm_ vgcreate group "$DRIVE_pv0" "$DRIVE_pv1"
lvm_ lvcreate -Zn -Wn -l 100%FREE -n wide group
quiet dmsetup mknodes
exits 'a volume over two drives: refused' 4 release "$DRIVE_pv0" VMHPV0
is '... its code' "$(code)" holder
check '... and where else it stands' grep -q 'also stands on' out
is '... and stays' "$(tables)" 1
lvm_ vgchange -an group

quiet mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 "$DRIVE_md0" "$DRIVE_md1"
exits 'a mirror over two drives: refused' 4 release "$DRIVE_md0" VMHMD0
is '... its code' "$(code)" holder
check '... and stays' [ -e /sys/block/md0/md/dev-"${DRIVE_md0##*/}" ]
quiet mdadm --stop /dev/md0

# an array with one member left, and a volume on it
quiet mdadm --zero-superblock "$DRIVE_md0" "$DRIVE_md1"
quiet mdadm --create /dev/md0 --run --force --level=1 --raid-devices=1 --metadata=1.2 "$DRIVE_md0"
check 'a volume on an array of one' luks /dev/md0 onmd
exits 'both go' 0 release "$DRIVE_md0" VMHMD0
is '... the volume first' "$(released)" 'crypt:onmd md:md0'
free '... and the drive is free' "$DRIVE_md0"

quiet mkswap "$DRIVE_swap"
swapon "$DRIVE_swap"
exits 'swap on the drive itself' 0 release "$DRIVE_swap" VMHSWAP
is '... is off' "$(grep -c "${DRIVE_swap##*/}" /proc/swaps)" 0

# as sent by hand: a suspended table, and one that is not a volume of anybody
size=$(blockdev --getsz "$DRIVE_plain")
dmsetup create plainmap --table "0 $size linear $DRIVE_plain 0"
dmsetup suspend plainmap
exits 'a suspended table' 0 release "$DRIVE_plain" VMHPLAIN
is '... is gone' "$(tables)" 0
"$EXPUNGE" release "$DRIVE_plain" --confirm VMHPLAIN 2>err
check 'a person hears that nothing stands there' grep -q 'nothing stands on it' err
done_testing
