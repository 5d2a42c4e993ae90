#!/bin/bash
# expunge-cert show: a page for a person that says what it did not check, and exit codes.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
corpus=tests/fuzz/corpus/record

# has NAME, TEXT: what show printed holds TEXT
has() {
	if grep -qF -- "$2" "$TMPDIR/out"; then
		ok "$1"
	else
		not_ok "$1"
		sed 's/^/# /' "$TMPDIR/out" | head -n 30
	fi
}

exits "a good record is shown" 0 "$EXPUNGE_CERT" show "$corpus/good-full.json"
is "the first line says that nothing was checked" \
	"$(head -n 1 "$TMPDIR/out" | grep -c 'THIS IS A DISPLAY: no signature')" 1
has "the medium" "disk.img"
has "a serial that is not known is said so" "serial                 unavailable"
has "the level" "level                  clear"
has "what is not covered" "NOT COVERED"
has "names in their own letters" "山田 花子"
has "what a signature proves" "not that its"
if grep -qiE 'destroyed|certified by|unrecoverable|100 % verified' "$TMPDIR/out"; then
	not_ok "nothing is promised that cannot be kept"
else
	ok "nothing is promised that cannot be kept"
fi

LC_ALL=C exits "a locale without UTF-8 changes nothing" 0 "$EXPUNGE_CERT" show "$corpus/good-full.json"
has "names under LC_ALL=C" "山田 花子"

exits "a sample is shown with its bound" 0 "$EXPUNGE_CERT" show "$corpus/good-sample.json"
has "the bound" "parts per billion at 99.9 % confidence"
exits "residue is shown" 0 "$EXPUNGE_CERT" show "$corpus/good-residue.json"
has "where it is" "data at byte 4096, 1536 bytes"
has "that it failed" "outcome                failed"
exits "an aborted job is shown" 0 "$EXPUNGE_CERT" show "$corpus/good-aborted.json"
has "that it was stopped" "stopped on request"
exits "hidden drives are shown" 0 "$EXPUNGE_CERT" show "$corpus/good-command.json"
has "which" "megaraid: hot spare"

exits "--json" 0 "$EXPUNGE_CERT" show --json "$corpus/good-full.json"
is "one document that says it is unchecked" "$(jq -c .checked "$TMPDIR/out")" false
is "with the record as it is" "$(jq -cSj .record "$TMPDIR/out" | cmp - "$corpus/good-full.json" && echo same)" same

# a Cyrillic letter in a Latin word; no eye sees it
sed 's/"organization":"[^"]*"/"organization":"\xd0\x90CME"/' "$corpus/good-full.json" >"$TMPDIR/mixed.json"
exits "a word that is not what it seems" 0 "$EXPUNGE_CERT" show "$TMPDIR/mixed.json"
has "is pointed out where it stands" '  NOTE                 "АCME" has a Cyrillic letter (U+0410) among Latin ones'
exits "with --json, too" 0 "$EXPUNGE_CERT" show --json "$TMPDIR/mixed.json"
is "beside the record" "$(jq -r '.remarks[0] | .code + " " + (.text | .[0:24])' "$TMPDIR/out")" 'W_TEXT_MIXED persons[0].organization:'
exits "what is all of one script" 0 "$EXPUNGE_CERT" show --json "$corpus/good-full.json"
is "has none" "$(jq -c .remarks "$TMPDIR/out")" null

exits "a record of a later version" 2 "$EXPUNGE_CERT" show "$corpus/bad-schema-2"
exits "a kind that is not known" 2 "$EXPUNGE_CERT" show "$corpus/bad-kind-custody"
exits "a bidi character" 1 "$EXPUNGE_CERT" show "$corpus/bad-bidi"
exits "a newline at the end" 1 "$EXPUNGE_CERT" show "$corpus/bad-newline"
exits "no such file" 66 "$EXPUNGE_CERT" show "$TMPDIR/nothing"
exits "no file named" 64 "$EXPUNGE_CERT" show
exits "two files named" 64 "$EXPUNGE_CERT" show "$corpus/good-full.json" "$corpus/good-full.json"
printf '{"tenant":"\033[31m\342\200\256"}' >"$TMPDIR/hostile"
exits "a hostile file" 1 "$EXPUNGE_CERT" show "$TMPDIR/hostile"
if LC_ALL=C grep -q "$(printf '[\033\256]')" "$TMPDIR/err"; then
	not_ok "its bytes do not reach the terminal"
else
	ok "its bytes do not reach the terminal"
fi
done_testing
