#!/bin/bash
# The full screen as a technician has it: chooses, confirms, watches, quits midway, goes on.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
loop=
FAULTFS=$PWD/$B/faultfs
finish() {
	tmux_end
	[ -z "$loop" ] || losetup -d "$loop" 2>/dev/null
	[ ! -d slow ] || umount slow 2>/dev/null || umount -l slow 2>/dev/null
}
trap finish EXIT
export LC_ALL=C.UTF-8 NO_COLOR=
here=$PWD/tests/cli
page=$PWD/docs/tui.md
cd "${TMPDIR:?}" || exit 1
tui=("$EXPUNGE" tui --state state --level clear --out out.d)
plain() { find "$1" -name '*.json' 2>/dev/null | wc -l; }
# is_zero FILE
is_zero() { cmp -s -n "$(stat -c %s "$1")" "$1" /dev/zero; }
for i in 1 2 3; do yes "data that must go" | head -c 4M >"disk-000$i.img"; done

# ---- without a terminal ----
exits 'no terminal' 64 "$EXPUNGE" tui disk-0001.img
check 'leads to what scripts use' grep -q 'expunge run' err

# ---- a batch, on a serial line that knows nothing but ASCII ----
on_screen 24 80 vt100 "${tui[@]}" --key k.key --cert k.pem disk-0001.img
ended 'a key that is not there ends it before anything' 66
printf 'secret\n' >pass
"$EXPUNGE_CERT" keys setup keys --organization Org --name 'Erika Muster' --passphrase-file pass >/dev/null 2>&1
on_screen 24 80 vt100 "${tui[@]}" --key keys/performer.key --cert keys/performer.pem disk-000{1,2,3}.img
sees 'who works is in the certificate; the key wants its passphrase' 'performer.key needs its passphrase'
write_text 'wrong'
press Enter
sees 'a wrong one is told' 'keys/performer.key'
check 'and never shown' test -z "$(screen | grep -F wrong | grep -v passphrase)"
write_text 'secret'
press Enter
sees 'the list' 'disk-0003.img'
sees 'with its best level' 'clear free'
scan "disk-0002.img"
sees 'a scanner selects' 'disk-0002.img is selected'
scan "nobody-knows-this"
sees 'an unknown number is told' 'no drive here has the serial number nobody-knows-this'
press Up Space
sees 'two are selected' '2 selected (8.3 MB)'
shows "$page" list
press Enter
sees 'the plan' '2 drives would be destroyed, 8.3 MB'
sees 'has the blast radius' 'destroys'
shows "$page" plan
press Enter
sees 'the confirmation' 'EVERYTHING ON THESE DRIVES WILL BE DESTROYED'
shows "$page" confirm
write_text '2 nonsense'
press Enter
sees 'a wrong word confirms nothing' 'nothing is confirmed, nothing was touched'
check 'and begins nothing' test -z "$(ls state/jobs 2>/dev/null)"
write_text "$(screen | sed -n 's/.*number and the word: //p')"
press Enter
sees 'the summary comes by itself' '2  done, and the evidence supports it'
sees 'it names the certificates' 'certificate '
sees 'and the folders that they lie in' "$(basename "$TMPDIR")/out.d"
shows "$page" summary
press F1
sees 'help is one key away' 'THE LIST OF DRIVES'
shows "$page" help
press Escape
# code_reads NAME: what is to be seen now is a code that a reader knows, and it holds the log's checkpoint
code_reads() {
	local root size
	tmux capture-pane -p -e -N | python3 "$here/screen_to_pbm.py" >code.pbm
	zbarimg -q --raw code.pbm >code.txt 2>code.err
	size=$(sed -n 2p state/log/checkpoint)
	root=$(sed -n 3p state/log/checkpoint | base64 -d | base32 -w 0 | tr -d =)
	check "$1" grep -qE "^EXPUNGE-LOG1 [A-Z0-9./_-]+ $size $root [A-Z2-7]{103}$" code.txt
	exits 'the log is held against it' 0 "$EXPUNGE_CERT" log verify state --log-key state/log.vkey --old code.txt
	sed 's/EXPUNGE-LOG1 \([^ ]*\) [0-9]*/EXPUNGE-LOG1 \1 1/' code.txt >lie.txt
	exits 'a code that was changed is found out' 1 "$EXPUNGE_CERT" log verify state --log-key state/log.vkey --old lie.txt
	exits 'without the key it cannot be read' 64 "$EXPUNGE_CERT" log verify state --old code.txt
}
press c
sees 'on 80 x 24 without UTF-8 the checkpoint is words' "$(sed -n 3p state/log/checkpoint)"
tmux resize-window -x 130 -y 52
sees 'on a larger screen it is a code' 'Photograph it'
if command -v zbarimg >/dev/null; then
	code_reads 'that a reader reads'
else
	skip 'that a reader reads' 'no zbarimg'
fi
tmux resize-window -x 80 -y 24
press Escape
sees 'back to the summary' 'certificate '
check 'two are erased' is_zero disk-0001.img
check 'both' is_zero disk-0002.img
check 'the third is as it was' grep -q 'data that must go' disk-0003.img
is 'a certificate each' "$(plain out.d)" 2
press q
sees 'quitting asks' 'Nothing is at work'
press y
ended 'and ends with 0' 0
sees 'and says where the records are' 'the records lie in'
given_back 'the terminal'
"$EXPUNGE_CERT" verify out.d --require-level clear --require-scope logical-unit --trust keys/root.pem >verified 2>&1
rc=$?
is 'the certificates verify' "$rc" 0
[ "$rc" -eq 0 ] || sed "s/^/# /" verified
check 'the operator stands in them' grep -rq 'Erika Muster' out.d

# ---- by the list of who ordered it ----
yes "data that must go" | head -c 4M >disk-0004.img
printf 'serial,asset_tag\ndisk-0004.img,A-4\n' >expect.csv
on_screen 24 80 vt220 "${tui[@]}" --expect expect.csv disk-000{3,4}.img
sees 'asked by name' 'Who does this work?'
press Escape
sees 'both are free' 'disk-0004.img'
press a Enter
sees 'both are planned' '2 drives would be destroyed'
press Enter
sees 'the list may confirm' 'the word  list'
write_text list
press Enter
sees 'what stands on it is done' '1  done, and the evidence supports it'
sees 'what does not is refused' '1  refused: nothing was touched'
check 'and is as it was' grep -q 'data that must go' disk-0003.img
check 'the other is erased' is_zero disk-0004.img
check 'and its asset tag recorded' grep -rq 'A-4' out.d
press q y
ended 'with the code of done' 0

# ---- one drive, midway ----
# as slow as it must be to be seen at work, until it is let go; where there is no FUSE, large
export FAULTFS_RELEASE=$TMPDIR/release
big=big.img
if [ -x "$FAULTFS" ] && [ -w /dev/fuse ] && [ "$(id -u)" -eq 0 ] && mkdir slow &&
	"$FAULTFS" slow $((64 << 20)) /big.img slow-write=400000; then
	big=slow/big.img
else
	truncate -s 3G big.img
fi
on_screen 24 80 xterm "${tui[@]}" --technique overwrite-random "$big"
sees 'who works is asked at each start' 'Who does this work?'
press Escape
sees 'the list again' 'big.img'
press Space Enter
sees 'the plan of one' '1 drive would be destroyed'
press Enter
sees 'asks for its name' 'To confirm, scan or type: big.img'
write_text big.imgx
press Enter
sees 'another name does nothing' 'nothing was touched'
write_text big.img
press Enter
sees 'a bar, with the time that is left' ' ETA '
shows "$page" work
press q
sees 'quitting asks while jobs work' '1 job is at work'
shows "$page" quit
press y
sees 'it is stopped in good order' '1  stopped: can be gone on with'
press q y
ended 'with the code of an interruption' 5
exits 'status knows it' 0 "$EXPUNGE" status --state state
check 'as interrupted' grep -q interrupted out

# ---- shown first, and gone on with ----
on_screen 24 80 xterm "${tui[@]}" "$big"
sees 'asked again' 'Who does this work?'
press Escape
sees 'what was interrupted is shown first' 'data may remain on the drives'
sees 'its target is here' '(here)'
shows "$page" interrupted
press r
sees 'it goes on' '[#'
touch release
sees 'and ends' '1  done, and the evidence supports it'
sees 'it says that only a host signed' 'role host'
press c
sees 'the checkpoint on 80 x 24 is a code of half blocks' 'Photograph it'
check 'of 24 rows' test "$(screen | grep -c '[▀▄█]')" -eq 24
if command -v zbarimg >/dev/null; then
	code_reads 'that a reader reads, too'
else
	skip 'that a reader reads, too' 'no zbarimg'
fi
press Escape
press q y
ended 'well' 0
exits 'nothing is left' 0 "$EXPUNGE" status --state state
check 'of it' grep -q 'no job runs' err

# ---- every drive of the host, that come and go ----
if [ "$(id -u)" -eq 0 ]; then
	on_screen 30 110 xterm "${tui[@]}"
	sees 'asked once more' 'Who does this work?'
	press Escape
	sees 'the drives of this host' ' selected ('
	# another name than in a test beside this one
	comes="comes-$$.img"
	truncate -s 20M "$comes"
	if loop=$(losetup -f --show "$comes" 2>err); then
		sees 'one that comes is shown by itself' "$comes"
		write_text '/'
		# slower than a scanner
		mapfile -t keys < <(fold -w 1 <<<"$$")
		press "${keys[@]}"
		press Enter
		sees 'it has said what it can do' 'clear free'
		press Space
		sees 'it can be selected' '[x] loop'
		losetup -d "$loop"
		loop=
		sees 'one that goes is told' "$comes is gone; it was selected"
	fi
	press Escape q y
	ended 'nothing was done' 0
else
	skip 'drives that come and go' 'not root'
fi

# ---- killed ----
rm -f release
on_screen 24 80 xterm "${tui[@]}" --technique overwrite-random "$big"
sees 'a last time' 'Who does this work?'
press Escape
sees 'the list a last time' 'big.img'
press Space Enter
sees 'the plan a last time' 'would be destroyed'
press Enter
write_text big.img
press Enter
sees 'it is at work' '[#'
pid=$(tmux list-panes -F '#{pane_pid}')
pid=$(pgrep -P "$pid" -x expunge | head -n 1)
kill -9 "$pid"
ended 'kill -9 ends it' 137
given_back 'the terminal, all the same'
exits 'the job can be gone on with' 0 "$EXPUNGE" status --state state
check 'it is only interrupted' grep -q 'interrupted' out
done_testing
