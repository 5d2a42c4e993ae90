#!/bin/bash
# The completion, asked as the shell asks it.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
PATH=$(dirname "$EXPUNGE"):$PATH
# shellcheck source=share/bash-completion/expunge
. share/bash-completion/expunge

# offers WORD...: what is offered when the last word is being typed
offers() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	__expunge "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}

is 'a command' "$(offers expunge pla)" 'plan '
is 'the first of two words' "$(offers expunge-cert key)" 'keys '
is 'the second of two words' "$(offers expunge-cert keys set)" 'setup '
is 'an option of the command' "$(offers expunge plan --lev)" '--level '
is 'an option of a command of two words' "$(offers expunge-cert keys setup --org)" '--organization '
is 'the value of an option' "$(offers expunge plan --level p)" 'purge '
is 'the value behind an equals sign' "$(offers expunge plan --level=c)" 'clear '
is 'a target' "$(offers expunge plan packages.t)" 'packages.txt '
touch "$TMPDIR/disk.img"
is 'a confirmation is never offered' "$(offers expunge run "$TMPDIR/disk.img" --confirm "$TMPDIR/d")" ' '
for program in expunge expunge-cert; do
	mapfile -t commands < <(__expunge_commands "$program")
	for c in "${commands[@]}"; do
		# shellcheck disable=SC2086 # a command may be two words
		check "$program $c has options to offer" test -n "$(__expunge_options "$program" $c)"
	done
done
done_testing
