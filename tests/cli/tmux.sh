# shellcheck shell=bash
# tmux.sh: a terminal for the full screen, driven by a test that sources tests/cli/tap.sh first. Keys are
# typed as fingers do, with a pause behind each; what is waited for is waited for at most XP_WAIT seconds,
# which must be less than the runner gives to the whole test: what does not come is told.
tmux_n=0
XP_WAIT=${XP_WAIT:-100}
tmux() { command tmux -L "expunge-test-$$-$tmux_n" -f /dev/null "$@"; }
tmux_end() { tmux kill-server 2>/dev/null; }

# on_screen ROWS COLUMNS TERM COMMAND...: in a window of its own; its exit code goes to $TMPDIR/exit
on_screen() {
	local rows=$1 columns=$2 term=$3
	shift 3
	tmux_end
	# a server that is about to end takes no new window: the next one is another
	tmux_n=$((tmux_n + 1))
	rm -f "$TMPDIR/exit"
	tmux new-session -d -x "$columns" -y "$rows" \
		"TERM=$term $(printf '%q ' "$@"); echo \$? >$(printf %q "$TMPDIR/exit"); exec sleep 300"
}

# screen: what is to be seen now
screen() { tmux capture-pane -p; }

# comes NAME, TEXT, COMMAND...: it comes to be seen (a fixed string) in what the command prints
comes() {
	local name=$1 text=$2 until=$((SECONDS + XP_WAIT))
	shift 2
	while [ "$SECONDS" -lt "$until" ]; do
		if "$@" | grep -qF -- "$text"; then
			ok "$name"
			return 0
		fi
		tmux has-session 2>/dev/null || break
		sleep 0.1
	done
	not_ok "$name"
	screen | sed 's/^/# /'
	return 1
}

# sees NAME, TEXT: on the screen
sees() { comes "$1" "$2" screen; }

# reads NAME, TEXT: the same where the line may be broken anywhere between words
one_line() { screen | tr -s ' \n' ' '; }
reads() { comes "$1" "$2" one_line; }

# given_back NAME: the terminal has its echo again, and the screen that was there before. A program that was
# killed cannot do it itself, so it may come after its end.
terminal() {
	stty -a -F "$(tmux list-panes -F '#{pane_tty}')"
	tmux list-panes -F 'alternate screen: #{alternate_on}'
}
given_back() {
	comes "$1: it has its echo" ' echo ' terminal
	comes "$1: it shows the screen that was there before" 'alternate screen: 0' terminal
}

# same_screen FILE: without what is another one each time
same_screen() {
	sed -E 's/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/
		s/\[[#.]+\] +[0-9]+%/[...] N%/; s/ETA .*//; s/[0-9]+ MB\/s//; s/at [0-9]+ %/at N %/
		s/(the word: [0-9]+ ).*/\1WORD/; s#/[^ ]*/([^/ ]+\.img)#PATH/\1#
		s# slow/([^/ ]+\.img)# \1#
		/^The certificates and records lie in/,/^$/d
		/^The log stands/,/^ c checkpoint/d
		s/ +[0-9]+ lines more below//; s/ +$//' "$1"
}

# shows PAGE, NAME: what is to be seen now is the screen NAME of that page (of docs), but for what is another one
# each time. With WRITE_SCREENS the page gets it instead.
shows() {
	local page=$1 name=$2 i
	screen >"$TMPDIR/screen-now"
	if [ -n "${WRITE_SCREENS:-}" ]; then
		awk -v name="$name" -v now="$TMPDIR/screen-now" '
			$0 == "<!-- screen " name " -->" { print; print "```"; while ((getline line < now) > 0) print line
				print "```"; skip = 2; next }
			skip == 2 { if (/^```/) { skip = 1; next } print; skip = 0; next }
			skip == 1 { if (/^```/) skip = 0; next }
			{ print }' "$page" >"$TMPDIR/page" && cp "$TMPDIR/page" "$page"
	fi
	awk -v name="$name" '$0 == "<!-- screen " name " -->" { on = 1; next }
		on == 2 && /^```/ { exit } on == 2 { print } on == 1 && /^```/ { on = 2 }' "$page" >"$TMPDIR/screen-page"
	same_screen "$TMPDIR/screen-page" >"$TMPDIR/then"
	# what was waited for may be seen before the rest of its screen is drawn
	for ((i = 0; i < 100; i++)); do
		same_screen "$TMPDIR/screen-now" >"$TMPDIR/now"
		cmp -s "$TMPDIR/now" "$TMPDIR/then" && break
		sleep 0.1
		screen >"$TMPDIR/screen-now"
	done
	check "$page shows the screen $name" cmp -s "$TMPDIR/now" "$TMPDIR/then"
	cmp -s "$TMPDIR/now" "$TMPDIR/then" || diff "$TMPDIR/then" "$TMPDIR/now" | sed 's/^/# /'
}

# press KEY...: names as tmux has them
press() {
	local key
	for key in "$@"; do
		tmux send-keys "$key"
		sleep 0.15
	done
}

# scan TEXT: as a scanner does it, with Enter close behind
scan() {
	tmux send-keys -l -- "$1"$'\r'
	sleep 0.1
}

# write_text TEXT: all at once, as a scanner or a paste
write_text() {
	tmux send-keys -l -- "$1"
	sleep 0.1
}

# ended NAME, CODE: the command came to its end, with this code
ended() {
	local until=$((SECONDS + XP_WAIT))
	while [ "$SECONDS" -lt "$until" ]; do
		[ -s "$TMPDIR/exit" ] && break
		sleep 0.1
	done
	is "$1" "$(cat "$TMPDIR/exit" 2>/dev/null)" "$2"
}
