# shellcheck shell=bash
# tap.sh: what a command line test sources: . tests/cli/tap.sh. It runs from the repository's root.
# B is the build folder, EXPUNGE and EXPUNGE_CERT are the programs, TMPDIR is the test's own folder.
B=${B:-build/release}
EXPUNGE=${EXPUNGE:-$PWD/$B/expunge}
EXPUNGE_CERT=${EXPUNGE_CERT:-$PWD/$B/expunge-cert}
tap_failed=0
tap_n=0

# ok NAME: this held
ok() {
	tap_n=$((tap_n + 1))
	printf 'ok %d - %s\n' "$tap_n" "$*"
}

# not_ok NAME: this did not
not_ok() {
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_n" "$*"
}

# skip NAME, WHY: this machine cannot show it
skip() {
	tap_n=$((tap_n + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_n" "$1" "$2"
}

# check NAME, COMMAND...: the command must succeed
check() {
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name"; fi
}

# is NAME, GOT, WANTED
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '# got "%s", wanted "%s"\n' "$2" "$3"
	fi
}

# exits NAME, CODE, COMMAND...: output goes to $TMPDIR/out and $TMPDIR/err
exits() {
	local name=$1 want=$2 rc
	shift 2
	"$@" >"${TMPDIR:-/tmp}/out" 2>"${TMPDIR:-/tmp}/err" </dev/null
	rc=$?
	if [ "$rc" -eq "$want" ]; then
		ok "$name"
	else
		not_ok "$name"
		printf '# exit code %d, wanted %d\n' "$rc" "$want"
		sed 's/^/# /' "${TMPDIR:-/tmp}/err" | head -n 20
	fi
}

# full COMMAND...: no file may grow by a byte; what it says goes through a pipe
full() {
	(
		trap '' XFSZ
		ulimit -f 0
		"$@" 2>&1
	) | cat
	return "${PIPESTATUS[0]}"
}

# done_testing: the plan, and the exit code
done_testing() {
	printf '1..%d\n' "$tap_n"
	[ "$tap_failed" -eq 0 ]
	exit
}
