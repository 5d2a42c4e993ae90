#!/bin/bash
# The full screen where nothing can be kept: said before anything is chosen, and another place is offered, or the
# boxes are repaired, or nothing is done.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
trap tmux_end EXIT
export LC_ALL=C.UTF-8 NO_COLOR=
page=$PWD/docs/tui.md
cd "${TMPDIR:?}" || exit 1
make_boxes() { "$EXPUNGE" keep make "$1" --bytes "${2:-4194304}" 2>/dev/null; }
yes "data that must go" | head -c 4M >disk.img
make_boxes spare
tui=("$EXPUNGE" tui --level clear)

# ---- missing ----
on_screen 24 80 vt100 "${tui[@]}" --state state --keep stick disk.img
sees 'who works is asked' 'Who does this work?'
press Escape
sees 'a stick that is missing is told before anything is chosen' 'What cannot be recorded is not erased'
sees 'with what to do' 'put the stick in, or name another place'
shows "$page" place
press s
sees 'there is no server that could hold it alone' 'nothing can be kept'
press r
sees 'tried again it is missing still' 'put the stick in'
press f
sees 'a folder can be typed' 'boxes are made in it where it has none'
write_text spare
press Enter
sees 'from / on only' 'type the whole path'
press f
write_text /nowhere-at-all
press Enter
sees 'it must be there' 'No such file'
if [ -w /dev/shm ] && [ "$(stat -f -c %T /dev/shm)" = tmpfs ]; then
	press f
	write_text /dev/shm
	press Enter
	sees 'memory is no place' 'ends with the power'
	is 'and gets no boxes' "$(find /dev/shm -maxdepth 1 -name 'expunge-*.box')" ''
else
	skip 'memory is no place' 'no tmpfs'
	skip 'and gets no boxes' 'no tmpfs'
fi
press f
write_text "$TMPDIR/spare"
press Enter
sees 'with one that will do it goes on' 'disk.img'
press Space Enter
sees 'to the plan' '1 drive would be destroyed'
press Enter
write_text disk.img
press Enter
sees 'and to the end' '1  done, and the evidence supports it'
press q y
ended 'well' 0
"$EXPUNGE" export out --keep spare >/dev/null 2>&1
is 'the record is in the boxes of that place' "$(find out -name '*.p7s' 2>/dev/null | wc -l)" 1

# ---- one box gone: repaired ----
rm spare/expunge-b.box
on_screen 24 80 vt100 "${tui[@]}" --state state --keep spare disk.img
sees 'who works is asked again' 'Who does this work?'
press Escape
sees 'it is told' 'nothing can be kept'
reads 'a box that is gone is told' 'expunge-b.box: is gone'
press p
sees 'it is made anew from the other' 'disk.img'
check 'and is there' test -f spare/expunge-b.box
press q y
ended 'with nothing done' 0

# ---- full, and given up ----
# fresh boxes take what the state folder has: here more than leaves room for a job
make_boxes tiny 1048576
mkdir -p tiny.state/certificates
head -c 500000 /dev/urandom >tiny.state/certificates/01a20000-0000-7000-8000-000000000000.json
on_screen 24 80 vt100 "${tui[@]}" --state tiny.state --keep tiny disk.img
sees 'who works is asked once more' 'Who does this work?'
press Escape
reads 'a full one is told before anything is chosen' 'no room for the record of one more drive'
press Escape
ended 'given up: nothing was touched' 4

# ---- read-only ----
cp -r --sparse=never spare ro
chmod a-w ro/expunge-[ab].box ro
if [ "$(id -u)" -eq 0 ] && mount --bind ro ro 2>/dev/null && mount -o remount,bind,ro ro 2>/dev/null; then
	on_screen 24 80 vt100 "${tui[@]}" --state ro.state --keep ro disk.img
	sees 'who works is asked there, too' 'Who does this work?'
	press Escape
	sees 'a read-only one is told' 'read-only'
	press q
	ended 'nothing was touched' 4
	umount ro
else
	umount ro 2>/dev/null
	skip 'who works is asked there, too' 'no mounts here'
	skip 'a read-only one is told' 'no mounts here'
	skip 'nothing was touched' 'no mounts here'
fi
done_testing
