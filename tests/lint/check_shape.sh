#!/bin/bash
# File names, sizes, headers that compile alone, words and constructs that stay out.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"
mapfile -t ours < <(code)
mapfile -t theirs < <(files 'tests/*.c' 'tests/*.h')
mapfile -t headers < <(code | grep '\.h$')
mapfile -t sources < <(code | grep '\.c$')
mapfile -t texts < <(files 'tests/*.sh' tests/run-tests '*.md' Makefile)
mapfile -t scripts < <(files '*.sh' tests/run-tests .ci/run)

printf '%s\n' "${ours[@]}" "${theirs[@]}" | sed 's|.*/||' | sort | uniq -d | report "file names are unique"
printf '%s\n' "${ours[@]}" | awk -F/ 'NF > 3' | report "source folders stop at depth 2"
files '*' | grep -E '(^|/)(utils?|common|misc|helpers?)(/|\.[ch]$)' |
	report "no folder or file called utils, common, misc"
wc -l "${ours[@]}" "${theirs[@]}" "${scripts[@]}" | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }' |
	report "files stay below 600 lines"

awk '
	FNR == 1 { begin = 0 }
	/^[a-zA-Z_].*\(/ && !/;$/ { name = $0 }
	/^\{/ { begin = FNR; flat = 0 }
	/^\tswitch/ { flat = 1 }
	/^\}$/ && begin { n = FNR - begin - 1; if (n > 100 && !flat) print FILENAME ":" begin ": " n " lines: " name; begin = 0 }
' "${sources[@]}" | report "functions stay below 100 lines, but for one flat switch"

for f in "${headers[@]}"; do
	grep -qx '#pragma once' "$f" || echo "$f: no #pragma once"
done | report "headers are included once"
printf '%s\n' "${headers[@]}" | xargs -P 2 -I{} sh -c 'echo "#include \"{}\"" | gcc -std=gnu17 -D_GNU_SOURCE -I. \
	-DXP_VERSION="\"0\"" -DXP_PREFIX="\"/\"" -Wall -Wextra -Werror -fsyntax-only -x c - 2>&1 | head -n 3' |
	report "every header compiles alone"
for f in "${headers[@]}"; do
	head -n 3 "$f" | grep -qE '^(/\*| \*) [a-z][a-zA-Z0-9_ ,/.-]*: ' || echo "$f"
done | report "every header opens with what it is for"

grep_code '\b(strcpy|strcat|stpcpy|v?sprintf|ato[ilf]|atoll|alloca|gets|strtok)\s*\(' "${ours[@]}" "${theirs[@]}" |
	report "no forbidden functions"
grep_code '__attribute__\s*\(\(.*packed|#pragma pack|^\s+(u?int\d+_t|unsigned|int|bool)( int)?\s+\w+\s*:\s*\d+;' \
	"${ours[@]}" | report "no packed structs, no bit-fields"
grep_code '^typedef (struct|union|enum)\b[^(]*;' "${ours[@]}" | report "no hiding typedefs"
grep -nwiE 'TODO|FIXME|XXX|HACK|not implemented|unimplemented' "${ours[@]}" /dev/null | report "nothing is put off"
grep -nE '[[:space:]]+$' "${ours[@]}" "${theirs[@]}" "${texts[@]}" /dev/null | head -n 20 |
	report "no blanks at the end of lines"
grep -nE '^ +[^ *\\]' "${ours[@]}" /dev/null | head -n 20 | report "code is indented with tabs"
for f in "${scripts[@]}"; do
	if ! head -n 1 "$f" | grep -q '^#!'; then
		grep -q 'shellcheck shell=' "$f" || echo "$f: no interpreter"
	elif [ ! -x "$f" ]; then
		echo "$f: cannot be run"
	fi
done | report "scripts can be run"
finish
