#!/bin/bash
# A stick that fails in the middle of an unattended run: the host is not switched off with what is only in it.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
FAULTFS=${EXPUNGE%/*}/faultfs
export FAULTFS_RELEASE=$TMPDIR/release
name=unattended-keep-$$
stick='' drive=''
cleanup() {
	touch "$FAULTFS_RELEASE"
	umount stick 2>/dev/null
	[ -z "$drive" ] || losetup -d "$drive"
	[ -z "$stick" ] || losetup -d "$stick"
	umount hangs 2>/dev/null
}
trap cleanup EXIT
mkdir stick hangs
truncate -s 24M stick.img
if ! [ -x "$FAULTFS" ] || ! [ -w /dev/fuse ] || [ "$(id -u)" -ne 0 ] || ! mkfs.ext4 -q -F stick.img 2>/dev/null ||
	! stick=$(losetup -f --show stick.img 2>/dev/null) || ! mount "$stick" stick 2>/dev/null ||
	! "$FAULTFS" hangs 4194304 "/$name" hang-write=2000000 || ! drive=$(losetup -f --show "hangs/$name" 2>/dev/null); then
	skip 'a stick that fails' 'needs root, FUSE and loop devices'
	done_testing
fi
"$EXPUNGE" keep make stick --bytes 4194304 2>/dev/null
sync -f stick
printf '{"version":1,"level":"clear","unattended":{"expect":"list.csv","settle_seconds":0,"countdown_seconds":0}}' >expunge.json
printf 'serial\n%s\n' "$name" >list.csv
: >cmdline
"$EXPUNGE" unattended --cmdline cmdline --config expunge.json --settle-max 0 --quiet --keep stick --keep-wait 0 --state state \
	>out 2>err </dev/null &
pid=$!
# the drive is at work, and the boxes have heard of it
until grep -qs '"attempt"' state/jobs/*/journal.jsonl || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
check 'a job is at work' kill -0 $pid
truncate -s 512K stick.img
touch "$FAULTFS_RELEASE"
wait $pid
rc=$?
# 1: a kernel that lets the writes fail at once
check 'the run says that somebody has to come' test $rc -eq 5 -o $rc -eq 1
check '... and why' grep -q 'the boxes do not hold everything' out err
done_testing
