#!/bin/bash
# long
#
# NVMe drives erased by expunge behind the kernel's own driver: what each technique may claim, what the
# media hold then, and that nvme-cli's sanitize-log and id-ns agree with the record. Over TCP a drive is
# a logical unit to the host, whatever it says: at most clear, by a policy that allows it.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-420}
. tests/vm/tap.sh tests/vm/rigs/nvme-erase.json

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
policy=$state/policy.json
nvme_tcp_policy "$policy"

# erases DRIVE CONFIRM TECHNIQUE EXIT-CODE CLAIM
erases() {
	local node=DRIVE_$1 out code
	rig stain "$1"
	out=$("$EXPUNGE" run "${!node}" --technique "$3" --confirm "$2" --policy "$policy" --allow-remote \
		--state "$state" --json 2>"$state/err")
	code=$?
	printf '%s\n' "$out" >"$state/out"
	is "$3 on $1 exits $4" "$code" "$4"
	[ "$code" = "$4" ] || sed 's/^/# /' "$state/err"
	is "... and claims $5" "$(jq_of "$out" claim), $(jq_of "$out" scope)" "$5"
	record=$state/certificates/$(jq_of "$out" record)
}
verifies() {
	"$EXPUNGE_CERT" verify "$record" --trust "$state/host.crt" >"$state/verify" 2>&1 ||
		{ sed 's/^/# /' "$state/verify" && return 1; }
}
# recorded PYTHON-EXPRESSION: of C, the command of the record's erase phase, as a number or a word
recorded() {
	python3 - "$record" "$1" <<'END'
import json, sys
R = json.load(open(sys.argv[1]))
C = [p for p in R["evidence"] if p["phase"] == "erase"][-1]["command"]
def raw(where, kind, arg):
    return bytes.fromhex([r["data"] for r in C[where] if r["kind"] == kind and r["arg"] == arg][0])
print(eval(sys.argv[2]))
END
}
# nvme_log_word OFFSET LENGTH: of log 81h, as the drive has it now
nvme_log_word() {
	nvme get-log "$DRIVE_one" --log-id=0x81 --log-len=512 --raw-binary |
		python3 -c 'import sys; b = sys.stdin.buffer.read(); print(int.from_bytes(b[int(sys.argv[1]):int(sys.argv[1]) + int(sys.argv[2])], "little"))' "$1" "$2"
}
agrees() {
	is "sanitize-log agrees on SSTAT" "$(nvme_log_word 2 2)" \
		"$(recorded 'int.from_bytes(raw("after", "nvme-log", 0x81)[2:4], "little")')"
	is "... and on SCDW10, which is what was sent" "$(nvme_log_word 4 4)" \
		"$(recorded 'int.from_bytes(bytes.fromhex(C["cdb"])[40:44], "little")')"
}

for t in crypto overwrite block; do
	erases one VMERASE0001 nvme-sanitize-$t 0 'clear, logical-unit'
	holds "... and nothing is left" one "user=0 hidden=0 spare=0"
	agrees
	check "the record verifies" verifies
done
erases one VMERASE0001 nvme-sanitize-block 0 'clear, logical-unit'
is "the same again is told from the first" "$(recorded 'bytes.fromhex(C["cdb"])[40]')" 18
is "... and was seen running" "$(recorded 'raw("during", "nvme-log", 0x81)[2] & 7')" 2

for t in user crypto; do
	erases one VMERASE0001 nvme-format-$t 0 'clear, logical-unit'
	holds "... and nothing addressable is left" one "user=0"
	is "id-ns agrees on the format" "$(nvme id-ns "$DRIVE_one" --raw-binary | od -An -tu1 -j26 -N1 | xargs)" \
		"$(recorded 'raw("after", "nvme-id-ns", 1)[26]')"
	check "the record verifies" verifies
done

# three namespaces: the whole blast radius
node=$DRIVE_three
says "the plan names the second namespace" 'namespace 2 of the same drive, 8388608 bytes' \
	"$EXPUNGE" plan "$node" --allow-remote --policy "$policy" --technique nvme-sanitize-block
says "... and what nobody has" '4194304 bytes that no namespace has' \
	"$EXPUNGE" plan "$node" --allow-remote --policy "$policy" --technique nvme-sanitize-block
says "... and the string that confirms all" 'confirm VMERASE0003:ns=1,2,3' \
	"$EXPUNGE" plan "$node" --allow-remote --policy "$policy" --technique nvme-sanitize-block
exits "one namespace's string is not enough" 4 "$EXPUNGE" run "$node" --allow-remote --policy "$policy" \
	--technique nvme-sanitize-block --confirm VMERASE0003:ns=1 --state "$state"
mke2fs -q "${node%n1}n3" 2>/dev/null && mkdir -p "$state/mnt" && mount "${node%n1}n3" "$state/mnt"
exits "a sibling that is mounted is in the way" 4 "$EXPUNGE" run "$node" --allow-remote --policy "$policy" \
	--technique nvme-sanitize-block --confirm VMERASE0003:ns=1,2,3 --state "$state"
check "it is unmounted" umount "$state/mnt"
erases three VMERASE0003:ns=1 nvme-format-user 0 'clear, logical-unit'
check "... and the others keep their data" [ "$(rig stains three | tr -dc 0-9)" != 000 ]
erases three VMERASE0003:ns=1,2,3 nvme-sanitize-block 0 'clear, logical-unit'
holds "... and nothing is left in any of them" three "user=0 hidden=0 spare=0"

# the process dies, the drive goes on
check "customer data again" rig stain one
"$EXPUNGE" run "$DRIVE_one" --technique nvme-sanitize-overwrite --confirm VMERASE0001 --policy "$policy" \
	--allow-remote --state "$state" >"$state/killed" 2>&1 &
pid=$!
for _ in $(seq 100); do
	[ "$(($(nvme_log_word 2 2) & 7))" = 2 ] && break
	sleep 0.1
done
kill -9 $pid
wait $pid 2>/dev/null
says "status says that the drive goes on" 'at it by itself' "$EXPUNGE" status --state "$state"
exits "resume goes on with it" 0 "$EXPUNGE" resume --state "$state" --allow-remote --json
record=$state/certificates/$(jq_of "$(cat "${TMPDIR:-/tmp}/out")" record)
holds "... and nothing is left" one "user=0 hidden=0 spare=0"
check "the record verifies" verifies
check "... and says that it was interrupted" grep -q '"interrupted":true' "$record"
done_testing
