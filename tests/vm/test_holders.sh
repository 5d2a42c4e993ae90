#!/bin/bash
# long
#
# Drives that the kernel's stacks hold: dm-crypt, LVM, md, btrfs over two drives, multipath, swap, and
# stacks of stacks. Each is refused with exit 4 and its code, and not a byte changes; let go, it is free.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/holders.json
cd "$TMPDIR" || exit 1
S=$TMPDIR/state
modprobe -a dm_mod dm_crypt dm_multipath raid1 btrfs ext4 2>/dev/null
# no udev here: the tools make their nodes themselves
lvm_() { lvm "$@" --config 'activation{udev_sync=0 udev_rules=0} devices{obtain_device_list_from_udev=0 use_devicesfile=0}'; }

digest() { { head -c 4194304 "$1"; tail -c 1048576 "$1"; } | cksum; }
codes() { jq -r '[.targets[0].refusals[].code] | unique | join(" ")' plan.json; }

# refused NAME CODE DRIVE: plan and run
refused() {
	local node=DRIVE_$3 before serial
	node=${!node}
	serial=VMH${3^^}
	before=$(digest "$node")
	"$EXPUNGE" plan "$node" --state "$S" --level clear --json >plan.json 2>err
	is "$1: plan exits 4" $? 4
	is "$1: the code is $2" "$(codes)" "$2"
	exits "$1: run exits 4" 4 "$EXPUNGE" run "$node" --state "$S" --level clear --confirm "$serial"
	is "$1: not a byte changed" "$(digest "$node")" "$before"
}
# free NAME DRIVE: nothing is in the way
free() {
	local node=DRIVE_$2
	"$EXPUNGE" plan "${!node}" --state "$S" --level clear --json >plan.json 2>err
	is "$1" "$? $(codes)" "0 "
}

free "a drive that nobody uses" plain

printf secret >key
cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$DRIVE_crypt" key
cryptsetup open --key-file key "$DRIVE_crypt" vault
check "dm-crypt is up" [ -e /dev/mapper/vault ]
refused "dm-crypt" holder crypt
cryptsetup close vault
free "... closed" crypt

quiet lvm_ pvcreate "$DRIVE_pv0" "$DRIVE_pv1"
quiet lvm_ vgcreate group "$DRIVE_pv0" "$DRIVE_pv1"
quiet lvm_ lvcreate -Zn -Wn -l 100%FREE -n volume group
check "LVM is up" quiet dmsetup info group-volume
refused "LVM" holder pv0
refused "LVM, the other drive" holder pv1
quiet lvm_ vgchange -an group
free "... deactivated" pv1

quiet mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 "$DRIVE_md0" "$DRIVE_md1"
check "md is up" [ -d /sys/block/md0/md ]
refused "md" holder md0
refused "md, the other half" holder md1
quiet mdadm --stop /dev/md0
free "... stopped" md1

mkdir m
quiet mkfs.btrfs -q -f "$DRIVE_bt0" "$DRIVE_bt1"
quiet btrfs device scan "$DRIVE_bt0" "$DRIVE_bt1"
mount -t btrfs "$DRIVE_bt0" m
check "btrfs is mounted" mountpoint -q m
refused "btrfs" mounted bt0
refused "btrfs, the member that no mount names" mounted bt1
umount m
free "... unmounted" bt1

size=$(blockdev --getsz "$DRIVE_mp0")
dmsetup create paths --uuid mpath-3vm --table \
	"0 $size multipath 0 0 2 1 round-robin 0 1 1 $DRIVE_mp0 1000 round-robin 0 1 1 $DRIVE_mp1 1000"
check "multipath is up" quiet dmsetup info paths
refused "multipath" holder mp0
refused "multipath, the other path" holder mp1
dmsetup remove paths
free "... removed" mp1

# a file system on LVM on dm-crypt on one drive
cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$DRIVE_deep" key
cryptsetup open --key-file key "$DRIVE_deep" deep
quiet lvm_ vgcreate deeper /dev/mapper/deep
quiet lvm_ lvcreate -Zn -Wn -l 100%FREE -n deepest deeper
quiet dmsetup mknodes
quiet mkfs.ext4 -q /dev/mapper/deeper-deepest
mount /dev/mapper/deeper-deepest m
check "a mount three storeys up" mountpoint -q m
"$EXPUNGE" plan "$DRIVE_deep" --state "$S" --level clear --json >plan.json 2>err
is "... is seen from the drive: exit 4" $? 4
check "... with the place of the mount" grep -q "$TMPDIR/m" plan.json
umount m
quiet lvm_ vgchange -an deeper
cryptsetup close deep
free "... taken down" deep

quiet mkswap "$DRIVE_swap"
swapon "$DRIVE_swap"
refused "swap" swap swap
swapoff "$DRIVE_swap"
free "... off" swap
done_testing
