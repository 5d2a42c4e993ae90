#!/bin/bash
# A SATA disk and a SATA SSD behind a translation layer, met by clients that nobody here wrote. After
# each erase the medium is looked at past everything that the drive says.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/sat.json
sure=--yes-i-know-what-i-am-doing

says "hdparm reads the disk's model" 'Model Number: +EMULATED HARD DISK' hdparm -I "$DRIVE_hdd"
says "hdparm reads its serial number" 'Serial Number: +VMHDD0001' hdparm -I "$DRIVE_hdd"
says "hdparm reads its capacity" 'LBA48 +user addressable sectors: +65536$' hdparm -I "$DRIVE_hdd"
says "hdparm reads the SSD as one" 'Solid State Device' hdparm -I "$DRIVE_ssd"
says "the checksum is right" 'Checksum: correct' hdparm -I "$DRIVE_hdd"
says "smartctl reads the disk's model" 'Device Model: +EMULATED HARD DISK' smartctl -i "$DRIVE_hdd"
says "smartctl reads its WWN" 'LU WWN Device Id: 5 000c50 000000001' smartctl -i "$DRIVE_hdd"
says "smartctl reads its health" 'self-assessment test result: PASSED' smartctl -H "$DRIVE_hdd"
says "sg_inq reads the vendor of the layer" 'Vendor identification: ATA' sg_inq "$DRIVE_hdd"
says "sg_vpd reads the serial number" 'VMHDD0001' sg_vpd -p sn "$DRIVE_hdd"
says "sg_vpd reads the WWN" '0x5000c50000000001' sg_vpd -p di "$DRIVE_hdd"
says "sg_vpd finds IDENTIFY in page 89h" 'model: EMULATED HARD DISK' sg_vpd -p ai "$DRIVE_hdd"
says "sg_vpd sees what does not turn" 'Non-rotating medium' sg_vpd -p bdc "$DRIVE_ssd"
says "sg_readcap reads the capacity" 'Last LBA=65535 .*blocks=65536' sg_readcap --16 "$DRIVE_hdd"
says "sg_sat_identify gets the words" 'EMULATED|4d45 4c55|454d' sg_sat_identify "$DRIVE_hdd"
holds "the rig's customer data is there" hdd "user=65536 spare=64"

# what expunge says of the same drives
"$EXPUNGE" list --json >/tmp/list 2>/tmp/err
# listed NODE KEY
listed() { jq -r --arg p "$1" '.drives[] | select(.path == $p) | .'"$2" /tmp/list; }
is "expunge list: the serial number" "$(listed "$DRIVE_hdd" serial)" VMHDD0001
is "expunge list: what confirms it" "$(listed "$DRIVE_ssd" confirm)" VMSSD0001
is "expunge list: the WWN" "$(listed "$DRIVE_hdd" wwn)" naa.5000c50000000001
is "expunge list: the size" "$(listed "$DRIVE_hdd" bytes)" 33554432
"$EXPUNGE" inspect "$DRIVE_ssd" --json >/tmp/facts 2>/tmp/err
fact() { jq -r ".drive.ata.$1" /tmp/facts; }
is "expunge inspect: sectors" "$(fact sectors)" 65536
is "expunge inspect: it does not turn" "$(jq -r .media /tmp/facts)" ssd
says "... as hdparm has it" 'SANITIZE feature set' hdparm -I "$DRIVE_ssd"
is "expunge inspect: sanitize" "$(fact 'sanitize | [.crypto, .block, .overwrite, .antifreeze] | all')" true
says "... as hdparm has that" 'CRYPTO_SCRAMBLE_EXT' hdparm -I "$DRIVE_ssd"
is "expunge inspect: security" "$(fact 'security | [.supported, .enabled, .locked, .frozen] | tostring')" \
	'[true,false,false,false]'
for drive in "$DRIVE_hdd=hdd ata-sanitize-overwrite" "$DRIVE_ssd=ssd ata-sanitize-crypto"; do
	"$EXPUNGE" plan "${drive%=*}" --json --state /tmp/state >/tmp/plan 2>/tmp/err
	is "expunge plan: ${drive#*=}" "$(jq -r '.targets[0] | .media + " " + ([.steps[].technique // empty] | join(" "))' /tmp/plan)" "${drive#*=}"
	is "expunge plan: what could be claimed" "$(jq -r '.targets[0].expected_claim' /tmp/plan)" purge
done

# erase OPTION NODE: a password, the erase, and no password
erase() {
	hdparm --user-master u --security-set-pass p "$2" &&
		hdparm -I "$2" | grep -qE '^\s+enabled$' &&
		hdparm --user-master u "$1" p "$2" &&
		hdparm -I "$2" | grep -qE 'not\s+enabled$'
} >/dev/null
check "SECURITY ERASE UNIT by hdparm" erase --security-erase "$DRIVE_hdd"
holds "it leaves the spare area alone" hdd "user=0 hidden=0 spare=64"
check "the disk is stained again" rig stain hdd
check "... in enhanced mode" erase --security-erase-enhanced "$DRIVE_hdd"
holds "nothing is left" hdd "user=0 hidden=0 spare=0"
check "SECURITY ERASE UNIT of the SSD, enhanced" erase --security-erase-enhanced "$DRIVE_ssd"
holds "nothing is left on the SSD" ssd "user=0 spare=0"

# a password, a power cycle, and the way back
check "a password is set" quiet hdparm --user-master u --security-set-pass p "$DRIVE_hdd"
check "the power goes and comes back" rig power-cycle hdd
DRIVE_hdd=$(again hdd)
says "the disk is locked" '^\s+locked$' hdparm -I "$DRIVE_hdd"
says "it is not read" 'Aborted Command' read_block "$DRIVE_hdd"
says "a wrong password does not unlock it" 'Input/output error' \
	hdparm --user-master u --security-unlock q "$DRIVE_hdd"
check "the right one does" quiet hdparm --user-master u --security-unlock p "$DRIVE_hdd"
says "it is unlocked" 'not\s+locked$' hdparm -I "$DRIVE_hdd"
check "the password is taken off" quiet hdparm --user-master u --security-disable p "$DRIVE_hdd"
says "security is disabled" 'not\s+enabled$' hdparm -I "$DRIVE_hdd"

# sanitize NAME NODE OPTION...: started, and followed to its end
sanitize() {
	local node=$1 state
	shift
	hdparm "$sure" "$@" "$node" >/dev/null || return
	for _ in $(seq 100); do
		state=$(hdparm --sanitize-status "$node")
		grep -q 'SD0 Sanitize Idle' <<<"$state" && break
		grep -q 'SD2 Sanitize operation In Process' <<<"$state" || return 1
		sleep 0.2
	done
	grep -q 'Last Sanitize Operation Completed Without Error' <<<"$state"
}
rig stain hdd
rig stain ssd
says "no sanitize yet" 'SD0 Sanitize Idle$' hdparm --sanitize-status "$DRIVE_hdd"
check "sanitize overwrite" sanitize "$DRIVE_hdd" --sanitize-overwrite-passes 1 \
	--sanitize-overwrite hex:A5A5C33C
holds "nothing is left, the spare area included" hdd "user=0 hidden=0 spare=0"
says "the pattern stands" '^0+ a5 a5 c3 3c' od -An -tx1 -w4 -N4 -Ax "$DRIVE_hdd"
check "sanitize crypto scramble" sanitize "$DRIVE_ssd" --sanitize-crypto-scramble
holds "nothing can be read after another key" ssd "user=0 spare=0"
rig stain ssd
check "sanitize block erase" sanitize "$DRIVE_ssd" --sanitize-block-erase
holds "nothing is left after block erase" ssd "user=0 spare=0"
rig speed 10
hdparm "$sure" --sanitize-overwrite-passes 1 --sanitize-overwrite hex:00000000 "$DRIVE_hdd" >/dev/null
says "the disk is not read meanwhile" '[Ss]anitize in progress' read_block "$DRIVE_hdd"
says "sg_turs says why" 'sanitize in progress' sg_turs -v "$DRIVE_hdd"
rig power-cycle hdd
# the kernel itself now waits for the disk, and who opens the block device waits with it
sg=$(VM_WAIT=10 rig sg hdd)
quiet sg_turs "$sg"
says "a power loss does not end it" 'SD2 Sanitize operation In Process' \
	hdparm --sanitize-status "$sg"
rig speed 10000
sleep 1.5
says "it ends by itself" 'Completed Without Error' hdparm --sanitize-status "$sg"
DRIVE_hdd=$(again hdd)
rig speed 1000
check "antifreeze lock" quiet hdparm "$sure" --sanitize-antifreeze-lock "$DRIVE_ssd"
says "it keeps freeze lock out" 'Antifreeze lock enabled' hdparm "$sure" --sanitize-freeze-lock "$DRIVE_ssd"
check "freeze lock of the disk" quiet hdparm "$sure" --sanitize-freeze-lock "$DRIVE_hdd"
says "it is frozen" 'SD1|[Ff]rozen' hdparm --sanitize-status "$DRIVE_hdd"
says "no sanitize then" 'error|failed' hdparm "$sure" --sanitize-overwrite hex:00000000 "$DRIVE_hdd"
rig power-cycle hdd
DRIVE_hdd=$(again hdd)

# capacity that is hidden
rig stain hdd
says "the native maximum" 'max sectors += 65536/65536, HPA is disabled' hdparm -N "$DRIVE_hdd"
check "a host protected area" quiet hdparm "$sure" -N p60000 "$DRIVE_hdd"
says "hdparm sees it" '60000/65536, HPA is enabled' hdparm -N "$DRIVE_hdd"
holds "what it hides is still there" hdd "user=60000 hidden=5536"
"$EXPUNGE" inspect "$DRIVE_hdd" --json >/tmp/facts 2>/tmp/err
is "expunge inspect sees it, too" \
	"$(jq -r '.drive.hidden_areas | [.current_bytes, .native_bytes] | join(" ")' /tmp/facts)" '30720000 33554432'
says "DCO gives the real maximum" 'Real max sectors: 65536' hdparm --dco-identify "$DRIVE_hdd"
check "SECURITY ERASE UNIT past the HPA" erase --security-erase "$DRIVE_hdd"
holds "it reaches what the HPA hides" hdd "user=0 hidden=0"

# trimmed
rig stain ssd
blkdiscard -f "$DRIVE_ssd" 2>/dev/null
holds "TRIM takes data out of sight, not off the cells" ssd "user=65536"
check "trimmed sectors read as zeros" cmp -n 1048576 "$DRIVE_ssd" /dev/zero

# unplugged, and plugged in again
check "unplugged" rig unplug ssd
sleep 0.5
check "its node is gone" [ ! -e "$DRIVE_ssd" ]
check "plugged in" rig plug ssd
DRIVE_ssd=$(again ssd)
says "it is back" 'VMSSD0001' hdparm -I "$DRIVE_ssd"
done_testing
