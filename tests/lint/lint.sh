# shellcheck shell=bash
# lint.sh: what the checks share. A check is a script tests/lint/check_*.sh that prints TAP and runs
# from the repository's root; those that look into objects want `make` to have been run.
set -u
shopt -s lastpipe # report counts in this shell, at the end of a pipe
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export LC_ALL=C
B=${B:-build/release}
lint_n=0
lint_failed=0

# the folders that hold the product's C code
rooms=(base device claim sanitize verify certs cli)

# files PATTERN...: of the working tree, without what is built or ignored; * matches slashes too
tree=$(git ls-files --cached --others --exclude-standard 2>/dev/null)
[ -n "$tree" ] || tree=$(find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%P\n')
files() {
	local f p
	sort -u <<<"$tree" | while read -r f; do
		for p in "$@"; do
			# shellcheck disable=SC2053 # a pattern on purpose
			[[ $f == $p ]] && [ -e "$f" ] && printf '%s\n' "$f" && break
		done
	done
}
code() {
	files "${rooms[@]/%//*.c}" "${rooms[@]/%//*.h}"
}

# report NAME: passes when standard input is empty; what is there is what is wrong
report() {
	local found
	found=$(cat)
	lint_n=$((lint_n + 1))
	if [ -z "$found" ]; then
		printf 'ok %d - %s\n' "$lint_n" "$1"
		return
	fi
	lint_failed=$((lint_failed + 1))
	printf 'not ok %d - %s\n' "$lint_n" "$1"
	printf '%s\n' "$found" | sed 's/^/#   /'
	printf '%s\n' "$found" >&2
}

finish() {
	printf '1..%d\n' "$lint_n"
	[ "$lint_failed" -eq 0 ]
	exit
}

# grep_code REGEX FILE...: "FILE:LINE:TEXT", comments and the inside of strings left out
grep_code() {
	perl -e '
		my $re = shift;
		for my $f (@ARGV) {
			open(my $h, "<", $f) or next;
			local $/; my $t = <$h>; my $n = 0;
			$t =~ s{("(?:\\.|[^"\\\n])*")|(/\*.*?\*/)|(//[^\n]*)|(\x27(?:\\.|[^\x27\\\n])*\x27)}{
				my $k = ($& =~ tr/\n//);
				defined $1 ? "\"\"" : defined $4 ? "0" : " " . "\n" x $k }gse;
			for my $line (split /\n/, $t) { $n++; print "$f:$n:$line\n" if $line =~ /$re/; }
		}' -- "$@"
}

# live_objects: objects of the rooms whose source is still there
live_objects() {
	local o c
	find "${rooms[@]/#/$B/obj/}" -name '*.o' 2>/dev/null | sort | while read -r o; do
		c=${o#"$B"/obj/}
		[ -e "${c%.o}.c" ] && printf '%s\n' "$o"
	done
}

# undefined_symbols: "OBJECT SYMBOL"; names of the fortified variants undone
undefined_symbols() {
	local o
	live_objects | while read -r o; do
		nm -u "$o" | awk -v o="${o#"$B"/obj/}" '
			{ s = $NF; sub(/@.*/, "", s)
			  if (s ~ /^__.*_chk$/) { sub(/^__/, "", s); sub(/_chk$/, "", s) }
			  sub(/^__isoc[0-9]*_/, "", s); print o, s }'
	done
}

# only_in NAME SYMBOLS-REGEX OBJECTS-REGEX FILE: symbols that an object outside uses; FILE holds
# what undefined_symbols said
only_in() {
	awk -v s="^($2)$" -v o="^($3)$" '$2 ~ s && $1 !~ o { print $1 ": uses " $2 }' "$4" | report "$1"
}

need_objects() {
	if [ -z "$(live_objects | head -n 1)" ]; then
		echo "no objects in $B: run make first" | report "objects are there"
		finish
	fi
}
