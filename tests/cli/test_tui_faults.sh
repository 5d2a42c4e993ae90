#!/bin/bash
# The full screen with targets that hang or fail: keys are answered, the others are shown, and what failed is
# told in its place.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
FAULTFS=$PWD/$B/faultfs
cd "${TMPDIR:?}" || exit 1
if [ ! -x "$FAULTFS" ] || [ ! -w /dev/fuse ] || [ "$(id -u)" -ne 0 ]; then
	skip 'targets that hang or fail' 'needs root, FUSE and libfuse3'
	done_testing
	exit
fi
export LC_ALL=C.UTF-8 FAULTFS_RELEASE=$TMPDIR/release
finish() {
	touch "$FAULTFS_RELEASE"
	tmux_end
	umount m1 m2 2>/dev/null || umount -l m1 m2 2>/dev/null
}
trap finish EXIT
mkdir m1 m2
"$FAULTFS" m1 $((16 << 20)) /hangs hang-read=0
"$FAULTFS" m2 $((16 << 20)) /fails write-error=5000000+1
truncate -s 4M good.img

on_screen 24 80 vt100 "$EXPUNGE" tui --state state --level clear m1/hangs m2/fails good.img
sees 'who works is asked' 'Who does this work?'
press Escape
sees 'drives are looked for' 'looking for drives'
press F1
sees 'keys are answered while a drive hangs' 'THE LIST OF DRIVES'
press Escape
sees 'the others are shown' 'good.img'
sees 'the one that hangs is told' 'unknown'
press a
sees 'it is not selected with the rest' '2 selected'
press n
scan fails
sees 'a scanner still works' 'fails is selected'
press Enter
sees 'the plan' '1 drive would be destroyed'
press Enter
write_text fails
press Enter
sees 'a failure comes first in the summary' '1  FAILED or unknown: data may remain, set them aside'
press w
sees 'and stands in its place' 'FAILED - PULL AND SET ASIDE'
press Enter
sees 'with the reason' 'claim        none'
press Escape q y
ended 'and ends with its code' 1
done_testing
