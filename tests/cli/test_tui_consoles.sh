#!/bin/bash
# Two consoles with one state folder and one pair of boxes: one is in charge, the other shows what it does, and takes
# over when it ends, however it ends.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
FAULTFS=${EXPUNGE%/*}/faultfs
cd "${TMPDIR:?}" || exit 1
export LC_ALL=C.UTF-8 FAULTFS_RELEASE=$TMPDIR/release NO_COLOR=
# second COMMAND...: on the second terminal
second() {
	local tmux_n=1001
	[ "$1" != on_screen ] || tmux_n=1000
	local TMPDIR=$TMPDIR/second
	"$@"
}
finish() {
	touch release
	tmux_end
	second tmux_end
	[ ! -d slow ] || umount slow 2>/dev/null || umount -l slow 2>/dev/null
}
trap finish EXIT
mkdir second
"$EXPUNGE" keep make stick --bytes 4194304 2>/dev/null
drive=slow.img
if [ -x "$FAULTFS" ] && [ -w /dev/fuse ] && [ "$(id -u)" -eq 0 ] && mkdir slow && "$FAULTFS" slow $((4 << 20)) /slow.img hang-write=2000000; then
	drive=slow/slow.img
else
	skip 'two consoles' 'needs root, FUSE and libfuse3'
	done_testing
fi
truncate -s 4M other.img
tui=("$EXPUNGE" tui --state state --level clear --keep stick "$drive" other.img)
on_screen 24 80 vt100 "${tui[@]}"
sees 'the first asks who works' 'Who does this work?'
second on_screen 24 80 vt100 "${tui[@]}"
second sees 'the second says that another one is in charge' 'another console is in charge'
second sees 'and that nothing is at work' 'No job is at work'
press Escape
sees 'the first shows drives' 'slow.img'
press Space Enter
sees 'it plans' '1 drive would be destroyed'
press Enter
write_text slow.img
press Enter
sees 'it is at work' '[#'
second sees 'the second shows its job' 'at work      slow.img'
check 'and offers no drive' test -z "$(second screen | grep -F '[ ]')"
second press Space Enter a
second sees 'whatever is pressed' 'another console is in charge'
second press F1
second sees 'help is there' 'THE LIST OF DRIVES'
second press Escape
second sees 'and the way back' 'another console is in charge'
touch release
sees 'the first comes to its end' '1  done, and the evidence supports it'
press q y
ended 'and ends' 0
second sees 'then the second is in charge' 'Who does this work?'
second press Escape
second sees 'with the drives' 'other.img'
pid=$(second tmux list-panes -F '#{pane_pid}')
on_screen 24 80 vt100 "${tui[@]}"
sees 'who comes now waits' 'another console is in charge'
kill -9 "$(pgrep -P "$pid" -x expunge | head -n 1)"
sees 'and takes over from one that was killed' 'Who does this work?'
press Escape
sees 'with the drives, too' 'other.img'
press q
sees 'quitting is asked' 'Nothing is at work'
press y
ended 'well' 0
done_testing
