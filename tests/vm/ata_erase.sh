# shellcheck shell=bash
# ata_erase.sh: every technique of an ATA drive, by expunge, on a disk and an SSD of a rig. Sourced with
#   rig_file=tests/vm/rigs/sat.json hdd_serial=VMHDD0001 ssd_serial=VMSSD0001
# and parts, where not both (erases, locks) are wanted.
# What the record claims is held against the medium, and against what hdparm says of the drive.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig, the rest from who sources this
. tests/vm/tap.sh "$rig_file"
S=/tmp/state
password="EXPUNGE-TEMPORARY-PASSWORD"

# erased NAME TECHNIQUE LEVEL STAINS: the drive is stained, erased and looked at
erased() {
	local name=$1 technique=$2 level=$3 node serial
	node=DRIVE_$name serial=${name}_serial
	rig stain "$name"
	exits "$name: $technique" 0 "$EXPUNGE" run "${!node}" --state "$S" --technique "$technique" \
		--level "$level" --confirm "${!serial}" --quiet --json
	is "... earns $level" "$(jq -r '.results[0].claim + " " + .results[0].scope' /tmp/out)" "$level drive"
	holds "... and that is what is left" "$name" "$4"
	says "... no password is left" 'not\s+enabled$' hdparm -I "${!node}"
	says "... nor is it locked" 'not\s+locked$' hdparm -I "${!node}"
	case $technique in
	ata-sanitize-*)
		says "... hdparm sees the same success" 'Completed Without Error' \
			hdparm --sanitize-status "${!node}"
		;;
	esac
}

erases() {
	says "the plan chooses what purges a disk" 'ata-sanitize-overwrite' \
		"$EXPUNGE" plan "$DRIVE_hdd" --state "$S"
	says "the plan chooses what purges an SSD" 'ata-sanitize-crypto' \
		"$EXPUNGE" plan "$DRIVE_ssd" --state "$S"

	erased hdd ata-sanitize-overwrite purge "user=0 hidden=0 spare=0"
	erased hdd ata-secure-erase clear "user=0 hidden=0 spare=64"
	erased hdd ata-secure-erase-enhanced purge "user=0 hidden=0 spare=0"
	erased ssd ata-sanitize-crypto purge "user=0 hidden=0 spare=0"
	erased ssd ata-sanitize-block purge "user=0 hidden=0 spare=0"
	erased ssd ata-sanitize-overwrite purge "user=0 hidden=0 spare=0"
	erased ssd ata-secure-erase clear "user=0 hidden=0"
	erased ssd ata-secure-erase-enhanced clear "user=0 hidden=0"
	exits "all certificates verify" 0 "$EXPUNGE_CERT" verify "$S/certificates" --trust "$S/host.crt" --summary
}

locks() {
	# a drive that an interrupted erase left locked, and one that somebody else has locked
	quiet hdparm --user-master u --security-set-pass "$password" "$DRIVE_hdd"
	rig power-cycle hdd
	DRIVE_hdd=$(again hdd)
	says "the disk came back locked" '^\s+locked$' hdparm -I "$DRIVE_hdd"
	exits "a plan by name is refused" 4 "$EXPUNGE" plan "$DRIVE_hdd" --state "$S" --technique ata-secure-erase
	exits "unlock opens it" 0 "$EXPUNGE" unlock "$DRIVE_hdd"
	says "no password is left" 'not\s+enabled$' hdparm -I "$DRIVE_hdd"
	exits "unlock finds nothing more to do" 0 "$EXPUNGE" unlock "$DRIVE_hdd"
	quiet hdparm --user-master u --security-set-pass owner "$DRIVE_ssd"
	rig power-cycle ssd
	DRIVE_ssd=$(again ssd)
	exits "somebody else's lock is respected" 4 "$EXPUNGE" unlock "$DRIVE_ssd"
	says "... and stays" '^\s+locked$' hdparm -I "$DRIVE_ssd"
	quiet hdparm --user-master u --security-unlock owner "$DRIVE_ssd"
	quiet hdparm --user-master u --security-disable owner "$DRIVE_ssd"

	# killed in the middle of a security erase, and the drive's power goes
	rig stain hdd
	rig speed 10
	"$EXPUNGE" run "$DRIVE_hdd" --state "$S" --technique ata-secure-erase --level clear \
		--confirm "$hdd_serial" --quiet >/dev/null 2>&1 &
	job=$!
	for _ in $(seq 600); do
		grep -qsE '"note": ?"sent"' "$(find "$S/jobs" -name journal.jsonl -newer /tmp/out -print -quit 2>/dev/null)" && break
		sleep 0.1
	done
	kill -9 "$job"
	rig power-cycle hdd
	wait "$job" 2>/dev/null
	DRIVE_hdd=$(again hdd)
	rig speed 1000
	says "killed in the middle: the disk is locked" '^\s+locked$' hdparm -I "$DRIVE_hdd"
	exits "resume opens it and erases it" 0 "$EXPUNGE" resume --state "$S" --quiet
	holds "nothing is left where a host reads" hdd "user=0 hidden=0"
	says "no password is left" 'not\s+enabled$' hdparm -I "$DRIVE_hdd"

	# frozen
	quiet hdparm --security-freeze "$DRIVE_hdd"
	exits "frozen: security erase is refused" 4 "$EXPUNGE" plan "$DRIVE_hdd" --state "$S" \
		--technique ata-secure-erase --json
	is "... by that code" "$(jq -r '.targets[0].refusals[0].code' /tmp/out)" frozen
}

touch /tmp/out
for part in ${parts:-erases locks}; do
	$part
done
done_testing
