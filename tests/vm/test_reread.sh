#!/bin/bash
# long
#
# A drive that was erased is read again: held against its record while it is as it was left, and found
# out once somebody has used it, also between the end of its erase and the take that finishes the job.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/sat.json

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
record_of() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["results"][0]["record"])' "$1"
}
erases() {
	"$EXPUNGE" run "$DRIVE_hdd" --confirm VMHDD0001 --state "$state" --json --no-fallback "$@" \
		>"$state/out" 2>"$state/err" || sed 's/^/# /' "$state/err"
	record=$state/certificates/$(record_of "$state/out")
}
use() { yes SOMEBODY | head -c 33554432 | dd of="$1" bs=1M oflag=direct 2>/dev/null; }

erases --technique overwrite-zero --level clear
exits "after an overwrite it reads as its record says" 0 \
	"$EXPUNGE" verify "$DRIVE_hdd" --record "$record"
exits "it need not be erased again" 0 "$EXPUNGE" run "$DRIVE_hdd" --confirm VMHDD0001 \
	--state "$state" --json --if-needed --technique overwrite-zero --level clear
says "... and is not" '"already_sanitized"' cat "${TMPDIR:-/tmp}/out"
check "somebody uses it" use "$DRIVE_hdd"
exits "... which is found" 1 "$EXPUNGE" verify "$DRIVE_hdd" --record "$record"
exits "another drive is not the record's" 4 "$EXPUNGE" verify "$DRIVE_ssd" --record "$record"
erases --technique ata-sanitize-overwrite
exits "after the drive's own overwrite it reads as its record says" 0 \
	"$EXPUNGE" verify "$DRIVE_hdd" --record "$record"

# the process dies behind the end of a change of key, and the drive is put to use
rig delay ssd 40
"$EXPUNGE" run "$DRIVE_ssd" --confirm VMSSD0001 --state "$state/two" --technique ata-sanitize-crypto \
	>"$state/killed" 2>&1 &
pid=$!
for _ in $(seq 600); do
	grep -qs '"note":"ended"' "$state"/two/jobs/*/journal.jsonl && break
	sleep 0.05
done
kill -9 $pid
wait $pid 2>/dev/null
rig delay ssd 0
says "it was interrupted" '  interrupted  ' "$EXPUNGE" status --state "$state/two"
check "somebody uses it" use "$DRIVE_ssd"
exits "resume ends with what was asked for" 0 "$EXPUNGE" resume --state "$state/two" --json
check "... and nothing that was written meanwhile is there" \
	[ "$(head -c 8 "$DRIVE_ssd" | tr -d '\0')" != SOMEBODY ]
holds "... nor anything else" ssd "user=0 spare=0"
done_testing
