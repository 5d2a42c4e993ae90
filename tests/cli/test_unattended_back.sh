#!/bin/bash
# A stick that comes back later than its jobs waited for it: the unattended run is taken up again by itself.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
FAULTFS=${EXPUNGE%/*}/faultfs
cd "${TMPDIR:?}" || exit 1
export FAULTFS_RELEASE=$TMPDIR/release LC_ALL=C.UTF-8 NO_COLOR=
name=unattended-back-$$
loops=() node=
# attach FILE: a loop device for it, into node
attach() { node=$(losetup -f --show "$1" 2>/dev/null) && loops+=("$node"); }
cleanup() {
	touch "$FAULTFS_RELEASE"
	tmux_end
	umount -l stick stick 2>/dev/null
	umount -l hangs back control 2>/dev/null
	for node in "${loops[@]}"; do losetup -d "$node" 2>/dev/null; done
}
trap cleanup EXIT
mkdir stick hangs back control
if ! [ -x "$FAULTFS" ] || ! [ -w /dev/fuse ] || [ "$(id -u)" -ne 0 ] || ! mount -t fusectl none control 2>/dev/null ||
	! "$FAULTFS" back $((24 << 20)) /stick.img || ! mkfs.ext4 -q -F back/stick.img 2>/dev/null ||
	! attach back/stick.img || ! mount "$node" stick 2>/dev/null ||
	! "$FAULTFS" hangs 4194304 "/$name" hang-write=2000000 || ! attach "hangs/$name"; then
	skip 'a stick that comes back' 'needs root, FUSE and loop devices'
	done_testing
	exit 0
fi
"$EXPUNGE" keep make stick --bytes 4194304 2>/dev/null
sync -f stick
printf '{"version":1,"level":"clear","unattended":{"expect":"list.csv","settle_seconds":0,"countdown_seconds":1}}' >expunge.json
printf 'serial\n%s\n' "$name" >list.csv
: >cmdline
on_screen 40 120 vt100 "$EXPUNGE" unattended --cmdline cmdline --config expunge.json --settle-max 0 --quiet \
	--keep "$PWD/stick" --keep-wait 1 --state state
# the drive is at work, and the boxes have heard of it
until grep -qs '"attempt"' state/jobs/*/journal.jsonl || [ -s exit ]; do sleep 0.05; done
check 'a job is at work' test ! -s exit
sync -f stick
dd if="$(findmnt -n -o SOURCE "$PWD/stick")" of=copy.img bs=1M status=none
# it is pulled out: whoever reads or writes it gets an error
pulled=$(mountpoint -d back)
echo 1 >"control/${pulled#*:}/abort"
touch "$FAULTFS_RELEASE"
reads 'the stick fails, and the job waits in vain' 'put the stick back: the run is then taken up again'
check 'it is not ended' test ! -s exit
check 'and nobody says that nothing was touched' test -z "$(tmux capture-pane -p -S - | grep -E 'exit code 4|was not touched')"
# it is put back
umount -l stick
if attach copy.img && mount "$node" stick; then
	sees 'that it is back is seen' 'the stick is back: the run is taken up again'
	ended 'and the run ends well' 0
	"$EXPUNGE" export out --keep stick >/dev/null 2>&1
	is 'with the certificate in the boxes' "$(find out -name '*.p7s' 2>/dev/null | wc -l)" 1
	check 'the drive is erased' cmp -s -n 4194304 "hangs/$name" /dev/zero
else
	not_ok 'the stick is put back'
fi
done_testing
