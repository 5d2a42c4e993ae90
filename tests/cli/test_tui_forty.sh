#!/bin/bash
# Forty drives on 80 x 24, and on a serial line that knows nothing but ASCII: scrolled, filtered, scanned, chosen.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
trap tmux_end EXIT
cd "${TMPDIR:?}" || exit 1
for i in {01..40}; do truncate -s 1M "drive-00$i.img"; done
# rows: the serial numbers that are to be seen, in order
rows() { screen | sed -nE 's/^[> ]\[.\].*(drive-00[0-9]{2}\.img) .*/\1/p' | tr '\n' ' '; }
# seen FIRST..LAST of the drives
seen() { seq -f 'drive-00%02g.img' "$1" "$2" | tr '\n' ' '; }
export NO_COLOR=1
for term in xterm vt100; do
	[ "$term" = xterm ] && export LC_ALL=C.UTF-8 || export LC_ALL=C
	on_screen 24 80 "$term" "$EXPUNGE" tui --state state --level clear drive-00{01..40}.img
	sees "$term: who works is asked" 'Who does this work?'
	press Escape
	sees "$term: forty drives" '40 drives'
	press Home
	sees "$term: from the first one on" '>[ ] drive-00 -                drive-0001.img'
	is "$term: as many as fit" "$(rows)" "$(seen 1 19)"
	is "$term: nothing is wider than the line" "$(screen | awk 'length > 80' | wc -l)" 0
	press End
	sees "$term: the last one is reached" '>[ ] drive-00 -                drive-0040.img'
	is "$term: with those in front of it" "$(rows)" "$(seen 22 40)"
	press PPage
	sees "$term: a page back" '>[ ] drive-00 -                drive-0022.img'
	press Home Down Down
	sees "$term: and to the beginning" '>[ ] drive-00 -                drive-0003.img'
	is "$term: which is to be seen again" "$(rows)" "$(seen 1 19)"
	scan drive-0037.img
	sees "$term: a scanner reaches what is not to be seen" 'drive-0037.img is selected'
	sees "$term: and leads there" '>[x] drive-00 -                drive-0037.img'
	press /
	write_text -003
	press Enter
	sees "$term: filtered" 'drive-0030.img'
	is "$term: nothing else is to be seen" "$(rows)" "$(seen 30 39)"
	press a
	sees "$term: all that are to be seen are chosen" '[x] drive-00 -                drive-0039.img'
	is "$term: every one" "$(screen | grep -cF '[x]')" 10
	scan drive-0005.img
	sees "$term: a scanner goes past the filter" '11 selected'
	press / Escape
	sees "$term: without the filter" '40 drives, 11 selected'
	press a
	sees "$term: all are chosen" '40 drives, 40 selected (41.9 MB)'
	check "$term: nothing was begun" test -z "$(ls state/jobs 2>/dev/null)"
	if [ "$term" = vt100 ]; then
		check "$term: no character beyond ASCII" test -z "$(screen | LC_ALL=C grep -P '[^\x00-\x7f]')"
	fi
	press q y
	ended "$term: well" 0
done
done_testing
