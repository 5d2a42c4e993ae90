#!/bin/bash
# long
#
# What goes wrong with drives, as a client sees it that knows nothing of it: each fault of a rig by its
# name, at SATA drives behind a translation layer and at SAS drives.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/faults.json
sure=--yes-i-know-what-i-am-doing
hdd=$DRIVE_hdd
ssd=$DRIVE_ssd
sas=$DRIVE_sas
flash=$DRIVE_flash

status() { hdparm --sanitize-status "$1" 2>&1; }
# until STATE is reported, or nothing changes for long
state() {
	for _ in $(seq 60); do
		status "$1" | grep -q "$2" && break
		sleep 0.1
	done
	status "$1"
}
set_password() { hdparm --user-master u --security-set-pass p "$1"; }
erase() { set_password "$1" && hdparm --user-master u "$2" p "$1"; }
ready() {
	for _ in $(seq 100); do
		quiet sg_turs "$1" && return 0
		sleep 0.1
	done
	return 1
}
# fault NAME KEY VALUE, and off again
fault() { rig fault "$@" || not_ok "the rig knows $*"; }

# what drives come with
says "frozen: no password is taken" 'Input/output error' set_password "$DRIVE_frozen"
says "frozen: it says so" '^\s+frozen$' hdparm -I "$DRIVE_frozen"
rig power-cycle frozen
DRIVE_frozen=$(again frozen)
says "frozen: a power cycle does not help where the firmware does it" '^\s+frozen$' hdparm -I "$DRIVE_frozen"
says "locked: it says so" '^\s+locked$' hdparm -I "$DRIVE_locked"
says "locked: nothing is read" 'Aborted Command' read_block "$DRIVE_locked"
says "expired: it says so" '^\s+expired: security count$' hdparm -I "$DRIVE_expired"
says "expired: the right password is not taken" 'Input/output error' \
	hdparm --user-master u --security-unlock secret "$DRIVE_expired"
rig power-cycle expired
DRIVE_expired=$(again expired)
check "expired: after a power cycle it is" \
	quiet hdparm --user-master u --security-unlock secret "$DRIVE_expired"
says "HPA: hdparm sees it" '10000/16384, HPA is enabled' hdparm -N "$DRIVE_hpa"
says "DCO: hdparm sees the real maximum" 'Real max sectors: 16384' hdparm --dco-identify "$DRIVE_dco"
is "DCO: the kernel sees less" "$(blockdev --getsz "$DRIVE_dco")" 10000
is "AMAC: the kernel sees less" "$(blockdev --getsz "$DRIVE_amac")" 10000
set_accessible=(85 07 20 00 01 00 00 00 ff 00 00 00 00 40 78 00)
says "AMAC: one change is taken" 'status=0x50' sg_raw "$DRIVE_amac" "${set_accessible[@]}"
says "AMAC: and no other before a power cycle" 'Aborted Command' \
	sg_raw "$DRIVE_amac" "${set_accessible[@]}"
is "4Kn: blocks of 4096 bytes" "$(blockdev --getss "$DRIVE_big")" 4096
says "an image that is worn: another drive's data" 'WDC WD4000KD' hdparm -I "$DRIVE_worn"

# ATA security
fault hdd erase-refused true
says "erase refused" 'Input/output error' erase "$hdd" --security-erase
says "... and the password stays" '^\s+enabled$' hdparm -I "$hdd"
fault hdd erase-refused false
quiet hdparm --user-master u --security-disable p "$hdd"
fault hdd password-forgotten true
check "a password is taken" quiet set_password "$hdd"
says "... and forgotten" 'not\s+enabled$' hdparm -I "$hdd"
fault hdd password-forgotten false
for left in extent:100+50=50 stripe:8=4096 all=16384; do
	rig stain hdd
	fault hdd leaves "${left%=*}"
	check "a liar reports success, leaving ${left%=*}" quiet erase "$hdd" --security-erase-enhanced
	holds "... and the medium does not" hdd "user=${left#*=}"
done
rig stain hdd
fault hdd leaves spare
check "a liar reports success, leaving the spare area" quiet erase "$hdd" --security-erase-enhanced
holds "... and the medium tells" hdd "user=0 spare=64"
fault hdd leaves nothing

# SANITIZE
rig stain hdd
over=(--sanitize-overwrite-passes 1 --sanitize-overwrite hex:00000000)
quiet hdparm "$sure" "${over[@]}" "$hdd"
says "a sanitize that succeeds" 'Completed Without Error' state "$hdd" SD0
rig stain hdd
fault hdd sanitize-ignored true
quiet hdparm "$sure" "${over[@]}" "$hdd"
says "one that is ignored shows the older success" 'Completed Without Error' status "$hdd"
holds "... and the data is there" hdd "user=16384"
fault hdd sanitize-ignored false
fault hdd sanitize-stalls-at 50
quiet hdparm "$sure" "${over[@]}" "$hdd"
sleep 0.5
says "one that stalls" 'Progress: 0x8000 ' status "$hdd"
sleep 0.5
says "... does so for ever" 'Progress: 0x8000 ' status "$hdd"
fault hdd sanitize-stalls-at 0
fault hdd sanitize-fails-at 75
says "one that fails says so" 'SD3' state "$hdd" SD3
says "... and nothing can be read" 'Medium Error|Aborted Command' read_block "$hdd"
fault hdd sanitize-fails-at 0
rig stain ssd
fault ssd vendor-pattern 33cc55aa
quiet hdparm "$sure" --sanitize-block-erase "$ssd"
quiet state "$ssd" SD0
holds "after block erase nothing is left" ssd "user=0"
blockdev --flushbufs "$ssd"
says "... but the vendor's pattern stands" '^ 33 cc 55 aa$' od -An -tx1 -w4 -N4 "$ssd"
fault ssd vendor-pattern false
rig stain ssd
fault ssd keeps-key true
quiet hdparm "$sure" --sanitize-crypto-scramble "$ssd"
says "a crypto erase reports success" 'Completed Without Error' state "$ssd" SD0
holds "... and keeps the key" ssd "user=16384"
fault ssd keeps-key false
quiet blkdiscard -f "$ssd"
says "trimmed sectors read as ones" '^ ff ff ff ff$' od -An -tx1 -w4 -N4 "$ssd"

# the layer between: what it loses, hdparm takes for peace
quiet hdparm "$sure" --sanitize-freeze-lock "$ssd"
sanitize_status=(85 07 20 00 00 00 00 00 00 00 00 00 00 40 b4 00)
says "sanitize that is frozen" 'failed|error' hdparm "$sure" --sanitize-block-erase "$ssd"
fault other sanitize-stalls-at 10
other=$DRIVE_other
quiet hdparm "$sure" "${over[@]}" "$other"
says "a sanitize runs" 'SD2' status "$other"
fault other registers zero
says "registers that come back as zeros" 'count=0x0 lba=0x000000 device=0x0 status=0x0' \
	sg_raw -v "$other" "${sanitize_status[@]}"
says "... hdparm then sees none that runs" 'SD0 Sanitize Idle' status "$other"
fault other registers lost
says "registers that are lost" 'SCSI Status: Good' sg_raw -v "$other" "${sanitize_status[@]}"
fault other registers kept
fault other fixed-sense true
says "fixed sense only" 'Fixed format' sg_raw -v "$other" 85 06 20 00 00 00 00 00 00 00 00 00 00 40 e5 00
fault other fixed-sense false
fault other sanitize-stalls-at 0
says "the sanitize ends" 'Completed Without Error' state "$other" SD0
fault other no-pass-through true
says "a bridge without pass-through" 'Invalid command operation code' \
	sg_raw -r 512 "$other" 85 08 0e 00 00 00 01 00 00 00 00 00 00 40 ec 00
fault other no-pass-through false
fault other drops-erase true
says "a bridge that drops the erase" 'missing sense|error' erase "$DRIVE_other" --security-erase
says "... and leaves a password" '^\s+enabled$' hdparm -I "$DRIVE_other"
fault other drops-erase false
quiet hdparm --user-master u --security-disable p "$DRIVE_other"
fault other checksum-wrong true
says "a wrong checksum" 'Checksum: incorrect' hdparm -I "$DRIVE_other"
fault other checksum-wrong false
fault other smart-threshold true
says "a drive that expects to fail" 'FAILED' smartctl -H "$DRIVE_other"

# bad sectors
fault other bad-read 8+1
says "a bad sector on read" 'Medium Error|Unrecovered read error' \
	sg_raw -r 4096 "$DRIVE_other" 28 00 00 00 00 08 00 00 08 00
says "... as the kernel passes it on" 'Input/output error|error reading' \
	dd if="$DRIVE_other" of=/dev/null bs=4096 skip=1 count=1 iflag=direct
fault other bad-write 16+1
says "a bad sector on write" 'error writing|Input/output error' \
	dd if=/dev/zero of="$DRIVE_other" bs=4096 seek=2 count=1 oflag=direct

# a drive that vanishes, and one that is swapped under the same node
hdd=$DRIVE_hdd
before=$(hdparm -I "$hdd" | sed -n 's/.*Serial Number: *//p')
check "another drive is put into the slot" rig plug hdd other
hdd=$(again hdd)
is "the node is the same" "$hdd" "$DRIVE_hdd"
says "... and it is another drive" 'Serial Number: +VMFOTHER' hdparm -I "$hdd"
check "it was the first one before" [ "${before%% *}" = VMFHDD ]
fault hdd vanishes-after 1
says "a drive that vanishes" 'No such|bad.target|BAD_TARGET|[Nn]o device' sg_turs -v "$hdd"

# SAS
fault sas format-ignored true
rig stain sas
check "a format that is ignored reports success" quiet sg_format --format --quick --early --fmtpinfo=2 "$sas"
quiet ready "$sas"
holds "... and leaves all" sas "user=16384"
fault sas format-ignored false
fault sas format-block-bytes 4096
quiet sg_format --format --quick --early --fmtpinfo=2 "$sas"
check "a format ends" ready "$sas"
says "... with other blocks than before" 'block length=4096' sg_readcap --16 "$sas"
fault sas format-block-bytes 512
fault sas format-drops-protection true
quiet sg_format --format --quick --early --fmtpinfo=2 "$sas"
check "a format ends again" ready "$sas"
says "... without protection" 'prot_en=0' sg_readcap --16 "$sas"
fault sas format-block-bytes 0
fault sas progress-unsaid true
rig speed 20
quiet sg_sanitize --quick --early --overwrite --zero "$sas"
says "a sanitize without progress" 'in progress' sg_turs -v "$sas"
says "... says no number" '^$' sg_requests --progress --num=1 "$sas"
fault sas progress-unsaid false
fault sas sanitize-forgotten true
rig power-cycle sas
rig speed 1000
quiet sg_turs "$sas"
check "a sanitize that a power loss makes forgotten" quiet sg_turs "$sas"
fault sas sanitize-forgotten false
fault sas reserved-elsewhere true
says "another host holds it" 'Reservation [Cc]onflict' \
	sg_raw -s 512 -i /dev/zero "$sas" 2a 00 00 00 00 00 00 00 01 00
fault sas reserved-elsewhere false
fault sas sense-lost true
says "sense data that are lost" 'Check Condition' sg_raw -v "$sas" 09 00 00 00 00 00
fault sas sense-lost false
fault flash unmapped-lies true
fault flash unmapped-as old
rig stain flash
quiet blkdiscard -f "$flash"
check "unmapped blocks that read as before" [ "$(head -c 4096 "$flash" | tr -d '\0' | wc -c)" -gt 0 ]
fault flash sanitize-fails-at 50
quiet sg_sanitize --quick --early --ause --block "$flash"
sleep 0.3
says "a SAS sanitize that fails" 'SANITIZE command failed|[Ss]anitize command failed' sg_turs -v "$flash"
done_testing
