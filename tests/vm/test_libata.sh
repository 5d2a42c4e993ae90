#!/bin/bash
# A SATA disk and a SATA SSD behind the kernel's own libata: its error handling, its translation, its
# filters. What the drives say through them, and what a power cut, a pulled cable and a drive that
# hangs look like.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/sata.json

# within SECONDS, COMMAND...: until it succeeds
within() {
	local left=$(($1 * 5))
	shift
	until "$@"; do
		[ $((left -= 1)) -gt 0 ] || return 1
		sleep 0.2
	done
} >/dev/null 2>&1
state_is() {
	hdparm --sanitize-status "$1" 2>/dev/null | grep -q "State: *$2"
}

says "libata identifies the disk" 'ATA-11: EMULATED HARD DISK' dmesg
says "hdparm reads the disk's serial number" 'Serial Number: +LAHDD0001' hdparm -I "$DRIVE_hdd"
says "libata is told of TRUSTED commands" 'ata[0-9]+.00: Features:.*Trust' dmesg
says "its translation tells of a SATA drive" 'SAT Vendor identification: linux' sg_vpd -p ai "$DRIVE_hdd"
holds "the rig's customer data is there" hdd "user=65536 spare=64"

check "SECURITY SET PASSWORD by hdparm" hdparm --user-master u --security-set-pass p "$DRIVE_hdd"
says "... and the drive says so" '^\s+enabled$' hdparm -I "$DRIVE_hdd"
check "SECURITY ERASE UNIT by hdparm" hdparm --user-master u --security-erase p "$DRIVE_hdd"
says "... which takes the password off" 'not\s+enabled$' hdparm -I "$DRIVE_hdd"
holds "nothing is left but in the spare area" hdd "user=0 spare=64"

check "CRYPTO SCRAMBLE by hdparm" \
	hdparm --yes-i-know-what-i-am-doing --sanitize-crypto-scramble "$DRIVE_ssd"
check "... ends" within 20 state_is "$DRIVE_ssd" SD0
holds "nothing is left anywhere" ssd "user=0 hidden=0 spare=0"

check "a password before the power goes" hdparm --user-master u --security-set-pass p "$DRIVE_ssd"
check "a power cycle" rig power-cycle ssd
locked() {
	hdparm -I "$DRIVE_ssd" 2>/dev/null | grep -qE '^\s+locked$'
}
check "... locks the drive" within 20 locked
check "SECURITY UNLOCK by hdparm" hdparm --user-master u --security-unlock p "$DRIVE_ssd"
check "SECURITY DISABLE PASSWORD by hdparm" hdparm --user-master u --security-disable p "$DRIVE_ssd"

gone() {
	! [ -e "/sys/block/${DRIVE_ssd#/dev/}" ]
}
check "the cable is pulled" rig unplug ssd
check "... and the kernel forgets the disk" within 30 gone
check "the drive is plugged in again" rig plug ssd
back() {
	local n
	n=$(rig node ssd) && hdparm -I "$n" | grep -q 'Serial Number: *LASSD0001'
}
check "... and is there" within 30 back
check "another drive comes in its place" rig plug ssd hdd
other() {
	local n
	n=$(rig node ssd) && hdparm -I "$n" | grep -q 'Serial Number: *LAHDD0001'
}
check "... and says so" within 30 other
done_testing
