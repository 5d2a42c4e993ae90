#!/bin/bash
# long
#
# A SAS disk behind the kernel's own sd: overwritten by WRITE SAME, with a pattern of its own, and after
# a MODE SELECT that took half of its blocks. What sg3-utils say of its size agrees with the record.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-420}
. tests/vm/tap.sh tests/vm/rigs/sas-erase.json

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
serial=VMSASHDD01
sectors=65536
policy=$state/policy.json
python3 - "$policy" <<'END'
import json, sys
p = json.load(open("docs/policies/nist-800-88r2.json"))
p["name"], p["restore_hidden_areas"] = "whole-drives", True
json.dump(p, open(sys.argv[1], "w"))
END

# recorded PYTHON-EXPRESSION: of the record R and E, its last erase phase
recorded() {
	python3 - "$record" "$1" <<'END'
import json, sys
R = json.load(open(sys.argv[1]))
E = [p for p in R["evidence"] if p["phase"] == "erase"][-1]
print(eval(sys.argv[2]))
END
}
# erases EXIT-CODE CLAIM OPTION...: on a disk full of customer data
erases() {
	local want=$1 claim=$2 out code
	shift 2
	rig stain hdd
	out=$("$EXPUNGE" run "$DRIVE_hdd" --confirm $serial --state "$state" --json "$@" 2>"$state/err")
	code=$?
	is "${*:2:1} exits $want" "$code" "$want"
	[ "$code" = "$want" ] || sed 's/^/# /' "$state/err"
	is "... and claims $claim" "$(jq_of "$out" claim), $(jq_of "$out" scope)" "$claim"
	record=$state/certificates/$(jq_of "$out" record)
}
# verifies SCOPE
verifies() {
	"$EXPUNGE_CERT" verify "$record" --trust "$state/host.crt" --require-level clear --require-scope "$1" >"$state/verify" 2>&1 ||
		{ sed 's/^/# /' "$state/verify" && return 1; }
}
first_bytes() { dd if="$DRIVE_hdd" bs=512 count=1 iflag=direct 2>/dev/null | od -An -tx1 -N8 | tr -d ' \n'; }
blocks() { sg_readcap --16 "$DRIVE_hdd" | sed -n 's/.*Number of logical blocks=\([0-9]*\).*/\1/p'; }

# WRITE SAME
says "sg_opcodes finds WRITE SAME" 'Write same\(16\)' sg_opcodes "$DRIVE_hdd"
says "the plan says that it is used" 'WRITE SAME' "$EXPUNGE" plan "$DRIVE_hdd" --technique overwrite-zero
erases 3 'clear, logical-unit' --technique overwrite-zero
holds "... and nothing addressable is left" hdd "user=0"
is "... by WRITE SAME" "$(recorded 'E["overwrite"]["how"]["backend"]')" write-same
check "the record verifies" verifies logical-unit
erases 3 'clear, logical-unit' --technique overwrite-pattern --pattern 0a1b2c3d
is "a pattern stands as it was given" "$(first_bytes)" 0a1b2c3d0a1b2c3d
is "... by WRITE SAME" "$(recorded 'E["overwrite"]["how"]["backend"]')" write-same
check "the disk refuses it though it is on the list" rig fault hdd write-same-refused true
erases 3 'clear, logical-unit' --technique overwrite-zero
holds "... and gets block by block" hdd "user=0"
is "... which the record tells" "$(recorded '"refused (5/24/00)" in E["overwrite"]["how"]["fallback"]')" True
rig fault hdd write-same-refused false
check "the disk says Good and writes nothing" rig fault hdd write-same-ignored true
erases 1 'none, logical-unit' --technique overwrite-zero --no-fallback --accept clear
rig fault hdd write-same-ignored false

# the drive's own overwrite, with a pattern
erases 0 'purge, drive' --technique scsi-sanitize-overwrite --pattern 12345678
is "the pattern stands there" "$(first_bytes)" 1234567812345678
is "... and was expected" "$(recorded '[p for p in R["evidence"] if p["phase"] == "readback"][-1]["readback"]["expected"]["pattern"]')" 12345678
check "the record verifies" verifies drive

# half of it taken away
check "sg_format takes half of the blocks" sg_format --resize --count=$((sectors / 2)) --quick "$DRIVE_hdd"
echo 1 >"/sys/class/block/${DRIVE_hdd#/dev/}/device/rescan"
is "the kernel shows half" "$(cat "/sys/class/block/${DRIVE_hdd#/dev/}/size")" $((sectors / 2))
rig stain hdd
exits "by policy all of it is asked for, and the run stops" 5 "$EXPUNGE" run "$DRIVE_hdd" --confirm $serial \
	--state "$state" --policy "$policy" --technique overwrite-zero
says "... and says so" 'shows all of its blocks again' cat "${TMPDIR:-/tmp}/err"
is "sg_readcap sees them" "$(blocks)" $sectors
exits "resume goes on with it" 3 "$EXPUNGE" resume --state "$state" --json
out=$(cat "${TMPDIR:-/tmp}/out")
is "... and claims the drive" "$(jq_of "$out" claim), $(jq_of "$out" scope)" 'clear, drive'
record=$state/certificates/$(jq_of "$out" record)
holds "... and nothing addressable is left" hdd "user=0"
is "the kernel shows all of it" "$(cat "/sys/class/block/${DRIVE_hdd#/dev/}/size")" $sectors
is "the record tells what was given back" \
	"$(recorded '[(c["area"], c["from_bytes"], c["to_bytes"], c["restored"]) for c in R["capacity"]["changes"]]')" \
	"[('reduced', '$((sectors * 512 / 2))', '$((sectors * 512))', True)]"
check "the record verifies" verifies drive
erases 3 'clear, drive' --technique overwrite-zero --policy "$policy"
is "a disk that has all of them shows no change" "$(recorded '"changes" in R["capacity"]')" False
check "the disk refuses MODE SELECT" rig fault hdd mode-select-refused true
erases 3 'clear, logical-unit' --technique overwrite-zero --policy "$policy"
is "... which the record tells" "$(recorded 'R["capacity"]["changes"][0]["restored"]')" False
check "the record verifies" verifies logical-unit
done_testing
