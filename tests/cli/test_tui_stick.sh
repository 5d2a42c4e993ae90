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
done_testing
