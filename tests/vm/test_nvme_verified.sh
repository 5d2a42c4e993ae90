#!/bin/bash
# long
#
# An NVMe drive that cannot keep its blocks after a sanitize, and has media verification: behind the kernel's own
# driver it is read back while it waits in that state, told afterwards, and found out where it left something.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-420}
. tests/vm/tap.sh tests/vm/rigs/nvme-verified.json

state=$(mktemp -d)
out=${TMPDIR:-/tmp}/out
trap 'rm -rf "$state"' EXIT
policy=$state/policy.json
jq '.name = "nvme-over-tcp" | .level = "clear" | .title = "For tests: commands behind NVMe over TCP clear a logical unit"
	| .caps |= with_entries(if .key | startswith("nvme-") then .value.virtual = "clear" else . end)' \
	docs/policies/nist-800-88r2.json >"$policy"
run() {
	"$EXPUNGE" run "$DRIVE_keeps" --technique nvme-sanitize-block --confirm VMVERIFY0001 --policy "$policy" \
		--allow-remote --state "$state" --no-fallback --json
}
record() { echo "$state/certificates/$(jq -r '.results[0].record' "$out")"; }
# of the erase's command in the record
command() { jq -r "[.evidence[] | select(.phase == \"erase\")][-1].command | $1" "$(record)"; }
readback() { jq -r "[.evidence[] | select(.phase == \"readback\")][-1].readback | $1" "$(record)"; }
# SSTAT of log 81h, as the drive has it now
sstat() { nvme get-log "$DRIVE_keeps" --log-id=0x81 --log-len=512 --raw-binary | od -An -tu1 -j2 -N1 | xargs; }

exits 'a sanitize with media verification' 0 run
is '... and claims' "$(jq -r '.results[0] | .claim + " " + .scope' "$out")" 'clear logical-unit'
holds '... and nothing is left' keeps 'user=0 hidden=0 spare=0'
# dword 10 is bytes 40 to 43 of the entry, EMVS its bit 10
is 'EMVS was asked for' "$(($((16#$(command '.cdb[82:84]'))) >> 2 & 1))" 1
is 'the medium itself was read' "$(readback '.compared.reads_deallocated')" no
is '... all of it' "$(readback '.compared.compared_blocks')" 8192
check 'the drive waits no more' [ "$(($(sstat) & 7))" -ne 5 ]
check 'and takes data again' dd if=/dev/zero of="$DRIVE_keeps" bs=1M count=1 oflag=direct status=none
check 'the record verifies' quiet "$EXPUNGE_CERT" verify "$(record)" --trust "$state/host.crt" --require-level clear \
	--require-scope logical-unit --require-role host --policy "$policy"
# what deallocation would have hidden
rig stain keeps
rig fault keeps leaves all
exits 'a drive that left everything is found out' 1 run
is '... and claims nothing' "$(jq -r '.results[0].claim' "$out")" none
check '... though it waits no more either' [ "$(($(sstat) & 7))" -ne 5 ]
done_testing
