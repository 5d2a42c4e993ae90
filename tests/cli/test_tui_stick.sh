#!/bin/bash
# The full screen as on the boot stick: a console of ten rows, boxes with the folder for certificates beside them.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
trap tmux_end EXIT
export LC_ALL=C.UTF-8 NO_COLOR=
cd "${TMPDIR:?}" || exit 1
yes "data that must go" | head -c 4M >disk.img
mkdir -p stick/certificates
"$EXPUNGE" keep make stick --bytes 4194304 2>/dev/null
tui=("$EXPUNGE" tui --level clear)

# ---- ten rows: a question, what is typed, and the keys stand below each other ----
on_screen 10 80 vt100 "${tui[@]}" --state state --keep stick disk.img
sees 'who works is asked' 'Who does this work?'
write_text 'Ada Lovelace'
sees 'the name is typed' '> Ada Lovelace'
is 'no row is drawn over' "$(screen | grep -nE 'Who does|one leaves it out|^Name:|^> Ada|Enter done' | cut -d : -f 1 | paste -s -d ' ')" \
	"2 3 7 8 10"
tmux resize-window -x 80 -y 24
sees 'on more rows the same' '> Ada Lovelace'
tmux resize-window -x 80 -y 10
press Enter
sees 'the drive is there' 'disk.img'
press Space Enter
sees 'it is planned' '1 drive would be destroyed'
press Enter
sees 'what confirms it' 'To confirm, scan or type: disk.img'
write_text disk.img
sees 'is typed' '> disk.img'
is 'below what is to be erased' "$(screen | grep -nE '^EVERYTHING|^  disk.img|^To confirm|^> disk' | cut -d : -f 1 | paste -s -d ' ')" "2 3 6 8"
press Enter

# ---- the summary names the folders ----
tmux resize-window -x 120 -y 30
sees 'the summary comes' '1  done, and the evidence supports it'
sees 'it says that folders follow' 'The certificates and records lie in'
sees 'the one on the stick' "$PWD/stick/certificates"
sees 'and the state folder' "$PWD/state/certificates"
is 'where it is' "$(find stick/certificates -name '*-*.json' | wc -l)" 1
press q y
ended 'well' 0
sees 'the same is said on the terminal' "the records lie in $PWD/stick/certificates"

# ---- without a screen, too ----
yes "data that must go" | head -c 4M >disk.img
"$EXPUNGE" run disk.img --level clear --confirm disk.img --state state --keep stick --quiet >out 2>err
is 'run ends well' $? 0
check 'and names the folder on the stick' grep -qF "the records lie in $PWD/stick/certificates" err

# ---- room for two records, and three drives ----
for i in 1 2 3; do yes "data that must go" | head -c 1M >"d$i.img"; done
mkdir small large
"$EXPUNGE" keep make small --bytes 2097152 2>/dev/null
"$EXPUNGE" keep make large --bytes 4194304 2>/dev/null
on_screen 24 80 vt100 "${tui[@]}" --state state.small --keep small d1.img d2.img d3.img
sees 'who works is asked there, too' 'Who does this work?'
press Escape
sees 'three drives' '3 drives, 0 selected'
press a Enter
sees 'there is room for two' '3 drives, and room for the records of 2'
press Enter
sees 'and nothing to be confirmed' 'Esc choose fewer'
check 'nothing was begun' test -z "$(ls state.small/jobs)"
press Escape
sees 'what was chosen still is' '3 drives, 3 selected'
press Home Space Enter
sees 'two can be done' '2 drives would be destroyed'
press Escape
sees 'back to the list' '2 selected'
press Home Space
sees 'all three again' '3 selected'
press Enter
sees 'which are too many' 'room for the records of 2'
press p
reads 'another place is asked for' 'has room for the records of 2 more drives, and 3 were chosen'
press Escape
sees 'giving that up leads back' '3 drives,'
press n a Enter
sees 'once more' 'room for the records of 2'
press p
sees 'another place is asked for again' 'nothing can be kept'
press f
write_text "$PWD/large"
press Enter
sees 'with that one' '3 drives,'
press n a Enter
sees 'there is room' '3 drives would be destroyed'
press Enter
sees 'a word confirms it' 'number and the word'
write_text "$(screen | sed -n 's/.*number and the word: //p')"
press Enter
sees 'all three are done' '3  done, and the evidence supports it'
press q y
ended 'well' 0
"$EXPUNGE" export out3 --keep large >/dev/null 2>&1
is 'the other place has the three records' "$(find out3 -name '*.p7s' | wc -l)" 3

# ---- without a screen: none of three, and it says for how many ----
for i in 1 2 3; do yes "data that must go" | head -c 1M >"d$i.img"; done
"$EXPUNGE" run d1.img d2.img d3.img --level clear --confirm d1.img --confirm d2.img --confirm d3.img --state state.run \
	--keep small --quiet >out 2>err
is 'run refuses all' $? 4
check 'says for how many there is room' grep -q 'have room for the records of 2 more drives, not of 3' out err
check 'and what would help' grep -q 'take fewer drives at once' out err
check 'nothing was touched' grep -q 'data that must go' d1.img
done_testing
