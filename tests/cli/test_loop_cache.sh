#!/usr/bin/env bash
# What a loop device is read from: the medium below it, not the host's cache of the file.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
loop=
leave() {
	umount "$TMPDIR/below" 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop"
}
trap leave EXIT
disk=/sys/dev/block/$(stat -c %Hd:%Ld .)/stat
sectors() { awk '{print $3}' "$disk"; }

name=below-$$.img # no other test has one of this name: it confirms the loop
mkdir -p below
truncate -s 256M below/"$name"
if [ "$(id -u)" -ne 0 ] || [ ! -e "$disk" ] ||
	! loop=$(losetup -f --show --direct-io=off below/"$name" 2>/dev/null); then
	skip 'a loop without direct io' 'needs root, a loop device, and a disk below'
	done_testing
fi
before=$(sectors)
exits 'a loop without direct io is erased' 0 "$EXPUNGE" run "$loop" --level clear --verify full \
	--confirm "$name" --state "$S" --quiet --json
check 'the disk below was read for it' test $(($(sectors) - before)) -gt 500000
record=$S/certificates/$(jq -r '.results[0].record' out)
cat below/"$name" >/dev/null
before=$(sectors)
exits 'verify reads past the cache, too' 0 "$EXPUNGE" verify "$loop" --verify full --record "$record" --quiet --json
check 'the disk below was read for it' test $(($(sectors) - before)) -gt 500000
# the file below cannot be reached any more: its cache is there, and is no medium
if mount -t tmpfs tmpfs below 2>/dev/null; then
	exits 'what cannot be known is not counted as read' 2 "$EXPUNGE" verify "$loop" --record "$record" --quiet --json
	is 'the verdict' "$(jq -r '.verdict + " " + .bytes_read' out)" 'indeterminate 0'
else
	skip 'a file that cannot be reached' 'needs to mount'
fi
done_testing
