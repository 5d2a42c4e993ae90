#!/bin/bash
# Every finding has a code; each stands in the docs, in the source and in a test that says what gets it.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"
mapfile -t sources < <(files 'certs/*.c' 'cli/cert_*.c' && echo /dev/null)
mapfile -t docs < <(files 'docs/*.md' && echo /dev/null)
mapfile -t tests < <(files 'tests/unit/*.c' 'tests/cli/*.sh' && echo /dev/null)

# whole literals; what is E_ or W_ by the claim (DEFECT) is written without its prefix
in_source=$({
	grep -ohE '"[EIPW]_[A-Z0-9_]+"' "${sources[@]}" | tr -d '"'
	grep -ohE 'DEFECT\([a-z]+, "[A-Z][A-Z0-9_]+"' "${sources[@]}" | sed 's/.*"\(.*\)"/E_\1/'
} | sort -u)
in_docs=$(grep -ohE '`[EIPW]_[A-Z0-9_]+`' "${docs[@]}" | tr -d '`' | sort -u)
# nobody can make these at will
not_to_be_had='I_CHAIN'

comm -23 <(echo "$in_source") <(echo "$in_docs") | sed 's/$/: not in docs/' | report "every code is explained"
# said of the whole run it stands in a longer text
comm -13 <(echo "$in_source") <(echo "$in_docs") | while read -r code; do
	grep -qw -- "$code" "${sources[@]}" || echo "$code: nothing finds it"
done | report "every code that is explained exists"
for code in $in_source; do
	[ "$code" = "$not_to_be_had" ] || grep -qw -- "$code" "${tests[@]}" || echo "$code: no test has it"
done | report "every code has a test"
finish
