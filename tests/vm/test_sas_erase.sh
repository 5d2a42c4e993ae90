#!/bin/bash
# long
#
# A SAS disk and a SAS SSD erased by expunge behind the kernel's own sd and sg: what each technique may
# claim, what the medium holds then, and what sg3-utils say of the drive.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-420}
. tests/vm/tap.sh tests/vm/rigs/sas-erase.json

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

# erases DRIVE TECHNIQUE EXIT-CODE CLAIM: one run on a drive full of customer data
erases() {
	local node=DRIVE_$1 serial out code
	rig stain "$1"
	serial=$(rig_serial "$1")
	out=$("$EXPUNGE" run "${!node}" --technique "$2" --confirm "$serial" --state "$state" --json 2>"$state/err")
	code=$?
	printf '%s\n' "$out" >"$state/out"
	is "$2 on the $1 exits $3" "$code" "$3"
	[ "$code" = "$3" ] || sed 's/^/# /' "$state/err"
	is "... and claims $4" "$(jq_of "$out" claim), $(jq_of "$out" scope)" "$4"
	record=$state/certificates/$(jq_of "$out" record)
}
rig_serial() {
	case $1 in
	hdd) echo VMSASHDD01 ;;
	ssd) echo VMSASSSD01 ;;
	*) echo VMSASODD01 ;;
	esac
}
# verifies: the record stands by its own signature and evidence
verifies() {
	"$EXPUNGE_CERT" verify "$record" --trust "$state/host.crt" >"$state/verify" 2>&1 ||
		{ sed 's/^/# /' "$state/verify" && return 1; }
}

# within SECONDS, COMMAND...: until it succeeds
within() {
	local left=$(($1 * 10))
	shift
	until "$@"; do
		[ $((left -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

says "sg_opcodes finds SANITIZE" 'Sanitize, overwrite' sg_opcodes "$DRIVE_hdd"
erases hdd scsi-sanitize-overwrite 0 'purge, drive'
holds "... and nothing is left" hdd "user=0 hidden=0 spare=0"
says "sg_requests says nothing afterwards" 'No Sense|no sense' sg_requests "$DRIVE_hdd"
check "the record verifies" verifies
erases hdd scsi-format 3 'clear, logical-unit'
holds "... and nothing addressable is left" hdd "user=0"
erases ssd scsi-sanitize-crypto 0 'purge, drive'
holds "... and nothing is left" ssd "user=0 hidden=0 spare=0"
erases ssd scsi-sanitize-block 0 'purge, drive'
holds "... and nothing is left" ssd "user=0 hidden=0 spare=0"

# 520 bytes a block: the kernel has no blocks to read, the drive has
is "the kernel sees no capacity of the third" "$(cat "/sys/class/block/${DRIVE_odd#/dev/}/size")" 0
erases odd scsi-sanitize-overwrite 0 'purge, drive'
holds "... and nothing is left" odd "user=0 hidden=0 spare=0"
check "the record verifies" verifies

check "the disk is to fail at half" rig fault hdd sanitize-fails-at 50
erases hdd scsi-sanitize-overwrite 1 'none, drive'
says "... and says how to go on" 'stays in its failure state until' cat "$state/out"
says "sg_requests sees the failure" '[Ss]anitize command failed' sg_requests "$DRIVE_hdd"
check "the disk is mended" rig fault hdd sanitize-fails-at 0
erases hdd scsi-sanitize-overwrite 0 'purge, drive'
holds "... and nothing is left" hdd "user=0 hidden=0 spare=0"
check "the record verifies, though the disk could not say its size before" verifies

# killed in the middle, with a kernel that sees no blocks any more
check "customer data again" rig stain hdd
"$EXPUNGE" run "$DRIVE_hdd" --technique scsi-sanitize-overwrite --confirm VMSASHDD01 --state "$state" \
	>"$state/killed" 2>&1 &
pid=$!
at_it() {
	sg_raw -r 252 "$DRIVE_hdd" 03 00 00 00 fc 00 2>&1 | grep -q ' 04 1b'
}
check "the disk is at it" within 10 at_it
kill -9 $pid
wait $pid 2>/dev/null
check "the kernel looks again" blockdev --rereadpt "$DRIVE_hdd"
is "... and sees no blocks" "$(cat "/sys/class/block/${DRIVE_hdd#/dev/}/size")" 0
says "status says that the drive goes on" 'at it by itself' "$EXPUNGE" status --state "$state"
exits "resume goes on with it" 0 "$EXPUNGE" resume --state "$state" --json
record=$state/certificates/$(jq_of "$(cat "${TMPDIR:-/tmp}/out")" record)
is "... and claims purge" "$(jq_of "$(cat "${TMPDIR:-/tmp}/out")" claim)" purge
holds "... and nothing is left" hdd "user=0 hidden=0 spare=0"
check "the record verifies" verifies
check "... and says that it was interrupted" grep -q '"interrupted":true' "$record"

check "the liar keeps one stripe" rig fault ssd leaves stripe:8
erases ssd scsi-sanitize-block 1 'none, drive'
done_testing
