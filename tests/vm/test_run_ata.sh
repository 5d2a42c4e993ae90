#!/bin/bash
# long
#
# expunge list, inspect, plan, run, status and resume at a SATA disk and a SATA SSD behind a translation
# layer: the claim is what the medium bears out, hdparm agrees with the record, an auditor's check
# passes, and a job that was killed in the middle is brought to its end.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-460}
. tests/vm/tap.sh tests/vm/rigs/sat.json
S=/var/tmp/state
E=$PWD/build/release/expunge
C=$PWD/build/release/expunge-cert
export TMPDIR=/var/tmp
cd /var/tmp || exit 1

has() { jq -e "$@" >/dev/null; }

# result JQ: of the run before
result() {
	jq -r ".results[0].$1" out
}

# erases NAME DRIVE CONFIRM TECHNIQUE CLAIM EXIT-CODE
erases() {
	exits "$1: exit code $6" "$6" "$E" run "$2" --confirm "$3" --technique "$4" --state $S --json
	is "$1: claim $5" "$(result claim) $(result scope)" "$5 drive"
	record=$S/certificates/$(result record)
	# 3 here, too, says that it is genuine, and less than was asked for
	exits "$1: the certificate verifies" "$6" \
		"$C" verify "$record" --trust $S/host.crt
}

# hdparm's own view of the last sanitize
says_well() {
	says "$1" 'Last Sanitize Operation Completed Without Error' hdparm --sanitize-status "$2"
}

exits 'list shows both' 0 "$E" list --json
check 'the best for the SSD is its crypto scramble' has \
	'.drives[] | select(.serial == "VMSSD0001") | .best.technique == "ata-sanitize-crypto" and .best.level == "purge"' out
check 'the best for the disk is its own overwrite' has \
	'.drives[] | select(.serial == "VMHDD0001") | .best.technique == "ata-sanitize-overwrite" and .best.level == "purge"' out
exits 'inspect asks the drive' 0 "$E" inspect "$DRIVE_ssd" --json
check 'it names its techniques' has '.techniques | index("ata-sanitize-block")' out
exits 'the plan promises a purge' 0 "$E" plan "$DRIVE_ssd" --json
check 'and what follows if it fails' has '.targets[0].fallbacks[0] == "ata-sanitize-block"' out
holds "nothing was touched" ssd "user=65536"

erases 'crypto scramble' "$DRIVE_ssd" VMSSD0001 ata-sanitize-crypto purge 0
holds 'nothing can be read under the new key' ssd "user=0 spare=0"
says_well 'hdparm: it ended well' "$DRIVE_ssd"
rig stain hdd
erases 'overwrite by the host' "$DRIVE_hdd" VMHDD0001 overwrite-zero clear 3
holds 'it reaches what can be addressed' hdd "user=0 spare=64"
exits 'verify knows the drive by its own word, and finds it clean' 0 \
	"$E" verify "$DRIVE_hdd" --record "$record" --quiet
exits 'another drive is not the one of the record' 4 \
	"$E" verify "$DRIVE_ssd" --record "$record" --quiet

# killed while the disk is at it
rig stain hdd
rig speed 20
"$E" run "$DRIVE_hdd" --confirm VMHDD0001 --technique ata-sanitize-overwrite --state $S --quiet >out 2>&1 &
run=$!
for _ in $(seq 600); do
	grep -qs '"note": *"accepted"' $S/jobs/*/journal.jsonl && job=$(grep -ls '"note": *"accepted"' $S/jobs/*/journal.jsonl | tail -1) &&
		! grep -q '"type": *"end"' "$job" && break
	sleep 0.1
done
kill -9 "$run"
wait "$run" 2>/dev/null
rig speed 1000
exits 'status' 0 "$E" status --state $S --json
check 'it says that the drive goes on by itself' has '.jobs[0].goes_on' out
exits 'another run is refused' 4 "$E" run "$DRIVE_hdd" --confirm VMHDD0001 --state $S --json
check 'for the interrupted job' has '.results[0].refusals[0].code == "interrupted_job"' out
exits 'resume attaches to what runs' 0 "$E" resume --state $S --json
is 'and ends with the claim' "$(result claim)" purge
record=$S/certificates/$(result record)
exits 'that an auditor confirms' 0 "$C" verify "$record" --trust $S/host.crt
holds 'and the medium bears out' hdd "user=0 hidden=0 spare=0"
exits 'what the drive wrote itself is known, too' 0 "$E" verify "$DRIVE_hdd" --record "$record" --quiet
printf x | dd of="$DRIVE_hdd" bs=1 seek=5000 conv=notrunc,fsync status=none
exits 'and a byte that was written since is found' 1 "$E" verify "$DRIVE_hdd" --record "$record" --quiet
done_testing
