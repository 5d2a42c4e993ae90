#!/bin/bash
# The man pages say what the programs say: a page for each command, and in it each option of --help and
# no other.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

# page_of PROGRAM COMMAND: keys setup, keys ca, ... share a page
page_of() {
	local section=8
	[ "$1" = expunge-cert ] && section=1
	printf 'docs/man/%s-%s.%s' "$1" "${2%% *}" "$section"
}

commands() {
	"$1" --help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  +.*/\1/p'
}

for program in "$EXPUNGE" "$EXPUNGE_CERT"; do
	name=${program##*/}
	mapfile -t list < <(commands "$program")
	check "$name has commands" test "${#list[@]}" -gt 0
	for c in "${list[@]}"; do
		page=$(page_of "$name" "$c")
		check "$name $c has a man page" test -f "$page"
		[ -f "$page" ] || continue
		# shellcheck disable=SC2086 # a command may be two words
		"$program" $c --help | sed -nE 's/^  --([a-z0-9-]+).*/\1/p' | grep -vx help | sort -u >>"$TMPDIR/${page##*/}.help"
		check "$name(${page##*.}) names ${c%% *}" grep -qE "$name-${c%% *} ${page##*.}" "docs/man/$name.${page##*.}"
	done
done
for page in docs/man/*-*.[18]; do
	[ "$page" = docs/man/expunge-cert.1 ] && continue
	helped=$TMPDIR/${page##*/}.help
	check "$page is of a command that there is" test -f "$helped"
	[ -f "$helped" ] || continue
	sed -nE 's/^\.It Fl -([a-z0-9-]+).*/\1/p' "$page" | sort -u >"$TMPDIR/page"
	sort -u "$helped" >"$TMPDIR/help"
	is "$page has the options of --help" "$(tr '\n' ' ' <"$TMPDIR/page")" "$(tr '\n' ' ' <"$TMPDIR/help")"
done
if command -v mandoc >/dev/null; then
	is 'the pages are well-formed' "$(mandoc -T lint -W warning docs/man/* | grep -v 'mandoc.db')" ''
else
	skip 'the pages are well-formed' 'no mandoc'
fi
done_testing
