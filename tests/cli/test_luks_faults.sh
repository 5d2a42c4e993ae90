#!/usr/bin/env bash
# luks-destroy on a medium that fails where keys may stand: writes that are not taken, writes that are lost,
# bytes that cannot be read, before or after. The claim falls, the exit code says which it is.
. tests/cli/tap.sh
FAULTFS=$PWD/$B/faultfs
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
if [ ! -x "$FAULTFS" ] || [ ! -w /dev/fuse ] || [ "$(id -u)" -ne 0 ] || ! command -v cryptsetup >/dev/null; then
	skip 'luks-destroy where the medium fails' 'needs root, FUSE, libfuse3 and cryptsetup'
	done_testing
fi
mkdir m
trap 'umount "$TMPDIR/m" 2>/dev/null || umount -l "$TMPDIR/m" 2>/dev/null' EXIT
printf key >key
size=$((20 << 20))
truncate -s $size made.img
cryptsetup luksFormat -q --type luks2 --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1 --key-file key made.img
run() { "$EXPUNGE" run m/drive --state "$S" --technique luks-destroy --level clear --json --confirm drive; }
# fails NAME CODE OUTCOME REASON RULE...: a volume whose first megabyte (headers, the used slot) is whole
fails() {
	local name=$1 code=$2 outcome=$3 reason=$4
	shift 4
	"$FAULTFS" m $size "$@"
	dd if=made.img of=m/drive bs=1M count=1 conv=notrunc status=none 2>/dev/null
	exits "$name: exit code" "$code" run
	is "$name: no claim" "$(jq -r '.results[0] | .claim + " " + .outcome' out)" "none $outcome"
	check "$name: the reason" grep -q "\"$reason\"" out
	record=$S/certificates/$(jq -r '.results[0].record' out)
	is "$name: the record is a failure" "$(jq -r .kind "$record")" failure
	"$EXPUNGE_CERT" verify "$record" --trust "$S/host.crt" --require-role host >cert.out 2>&1
	is "$name: and holds together" "$(grep -c '^E_\|: E_' cert.out)" 0
	umount m
}
fails 'a write that is not taken' 1 failed not-written write-error=5000000+1
is '... its block is listed' \
	"$(jq -c '[.evidence[] | select(.phase == "erase").overwrite.unwritten.list[] | [.offset, .length]]' "$record")" \
	'[["4997120","4096"]]'
fails 'a write that is lost' 1 failed residue-found lose=5000000+4096
fails 'key slots that cannot be read' 2 indeterminate keys-unreadable read-error=5000000+4096
fails 'a header that cannot be read' 2 indeterminate keys-unreadable read-error=4096+4096
is '... the copy behind it was found' "$(jq -r '[.evidence[].volumes // empty][0][0] | .primary + " " + .secondary' "$record")" \
	'damaged valid'
is '... and all that the format may use was overwritten' \
	"$(jq -r '[.evidence[].volumes // empty][0][0].area_bytes' "$record")" $size
done_testing
