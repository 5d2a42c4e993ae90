#!/usr/bin/env bash
# Targets that fail: sectors that are not written, bytes that are lost, reads that fail, hangs.
. tests/cli/tap.sh
FAULTFS=$PWD/$B/faultfs
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
if [ ! -x "$FAULTFS" ] || [ ! -w /dev/fuse ] || [ "$(id -u)" -ne 0 ]; then
	skip 'targets that fail' 'needs root, FUSE and libfuse3'
	done_testing
	exit
fi
mkdir m1 m2 m3 m4
export FAULTFS_RELEASE=$TMPDIR/release
finish() {
	touch "$FAULTFS_RELEASE"
	for m in m1 m2 m3 m4; do
		umount "$TMPDIR/$m" 2>/dev/null || umount -l "$TMPDIR/$m" 2>/dev/null
	done
}
trap finish EXIT
evidence() { jq -c "$1" "$S/certificates/$(jq -r '.results[0].record' out)"; }
run() { "$EXPUNGE" run --state "$S" --level clear --json "$@"; }
size=$((16 << 20))

# --- sectors that are not taken
"$FAULTFS" m1 $size write-error=5000000+1 write-error=8388608+12288
exits 'write errors end with 1' 1 run m1/drive --confirm drive --verify full
is 'the claim is none' "$(jq -r '.results[0].claim' out)" none
is 'exactly the blocks that were not taken are listed' \
	"$(evidence '[.evidence[] | select(.phase == "erase").overwrite.unwritten.list[] | [.offset, .length]]')" \
	'[["4997120","4096"],["8388608","12288"]]'
is 'the job went on: all the rest was written' "$(jq -r '.results[0].bytes_written' out)" $((size - 16384))
is 'the record is a failure' "$(evidence .kind)" '"failure"'
umount m1

# --- writes that are answered with success and not kept
"$FAULTFS" m1 $size lose=12345678+100
exits 'lost writes are found by a full read' 1 run m1/drive --confirm drive --verify full
is 'the outcome is failed' "$(jq -r '.results[0].outcome' out)" failed
is 'and it says where' "$(evidence '[.evidence[] | select(.phase == "readback").readback.mismatches[0].offset]')" '["12345678"]'
umount m1

# --- reads that fail
"$FAULTFS" m1 $size read-error=4096+4096
"$EXPUNGE" run --state "$S" --level clear --json m1/drive --confirm drive --verify full >out 2>err </dev/null
rc=$?
is 'the level stands' "$rc" 0
is 'but read errors are exceptions' "$(jq -r '.results[0].outcome' out)" sanitized_with_exceptions
is 'the places that cannot be read are listed' \
	"$(evidence '[.evidence[] | select(.phase == "readback").readback.read_errors.list[] | [.offset, .length]]')" '[["4096","4096"]]'
umount m1

# --- one that hangs holds up no other and ends indeterminate
"$FAULTFS" m1 $size /healthy
"$FAULTFS" m2 $size /hangs-writing hang-write=9000000
"$FAULTFS" m3 $size /hangs-reading hang-read=9000000
"$FAULTFS" m4 $size /hangs-flushing hang-fsync=0
start=$(date +%s)
"$EXPUNGE" run --state "$S" --level clear --json m1/healthy m2/hangs-writing m3/hangs-reading m4/hangs-flushing \
	--confirm healthy --confirm hangs-writing --confirm hangs-reading --confirm hangs-flushing \
	--verify full --stall 3 >out 2>err </dev/null
rc=$?
took=$(($(date +%s) - start))
is 'a batch with a hang ends with 2' $rc 2
is 'the healthy one is sanitized' "$(jq -r '.results[0].outcome' out)" sanitized
is 'a hanging write ends indeterminate' "$(jq -r '.results[1].outcome' out)" indeterminate
is 'it claims nothing' "$(jq -r '.results[1].claim' out)" none
is 'a hanging read ends indeterminate' "$(jq -r '.results[2].outcome' out)" indeterminate
is 'a hanging flush ends indeterminate' "$(jq -r '.results[3].outcome' out)" indeterminate
is 'and claims nothing' "$(jq -r '.results[3].claim' out)" none
check 'and all of it in time' test $took -lt 60
touch "$FAULTFS_RELEASE"
done_testing
