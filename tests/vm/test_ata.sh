#!/bin/bash
# A SATA disk and a SATA SSD behind a translation layer, met by clients that nobody here wrote. After
# each erase the medium is looked at past everything that the drive says.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/sat.json

says "hdparm reads the disk's model" 'Model Number: +EMULATED HARD DISK' hdparm -I "$DRIVE_hdd"
says "hdparm reads its serial number" 'Serial Number: +VMHDD0001' hdparm -I "$DRIVE_hdd"
says "hdparm reads its capacity" 'LBA48 +user addressable sectors: +65536$' hdparm -I "$DRIVE_hdd"
says "hdparm reads the SSD as one" 'Solid State Device' hdparm -I "$DRIVE_ssd"
holds "the rig's customer data is there" hdd "user=65536 spare=64"

erase() {
	hdparm --user-master u --security-set-pass p "$2" &&
		hdparm -I "$2" | grep -qE '^\s+enabled$' &&
		hdparm --user-master u "$1" p "$2" &&
		hdparm -I "$2" | grep -qE 'not\s+enabled$'
} >/dev/null
check "SECURITY ERASE UNIT by hdparm" erase --security-erase "$DRIVE_hdd"
holds "it leaves the spare area alone" hdd "user=0 hidden=0 spare=64"
check "a disk is stained again" rig stain hdd
check "... in enhanced mode" erase --security-erase-enhanced "$DRIVE_hdd"
holds "nothing is left" hdd "user=0 hidden=0 spare=0"
done_testing
