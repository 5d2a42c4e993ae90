#!/bin/bash
# The runner itself: a test that fails, dies, hangs, is cut short or tests nothing must count as failed.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
here=$PWD
copy=$TMPDIR/copy
mkdir -p "$copy/tests/cli" "$copy/tests/lint" "$copy/tests/unit" "$copy/tests/fuzz"
cp tests/run-tests tests/cli/tap.sh "$copy/tests/" && cp tests/cli/tap.sh "$copy/tests/cli/"
# a tree without code: what is built is nothing, what is tested are the scripts below
printf 'all unit-build replay-build:\n\t@:\n' >"$copy/Makefile"

# runs SCRIPT-BODY: one command line test with this body; output to $TMPDIR/run, last line to $last
runs() {
	printf '#!/bin/bash\n. tests/cli/tap.sh\n%s\n' "$1" >"$copy/tests/cli/test_it.sh"
	chmod +x "$copy/tests/cli/test_it.sh"
	(cd "$copy" && RUNNER_TIMEOUT=3 tests/run-tests cli/test_it >"$TMPDIR/run" 2>&1 </dev/null)
	rc=$?
	last=$(tail -n 1 "$TMPDIR/run")
}

# Both builds count as one passed each, and the script runs on both: release and sanitizers.
runs 'ok fine; done_testing'
is 'a test that passes is counted' "$rc $last" '0 4 passed, 0 failed'
runs 'ok fine; not_ok broken; done_testing'
is 'a test that fails is counted' "$rc $last" '1 4 passed, 2 failed'
runs 'ok fine; echo 1..3; exit 0'
is 'a test that ends early is a failure' "$rc $last" '1 4 passed, 2 failed'
runs 'ok fine; exit 3'
is 'an exit code is a failure, whatever was printed' "$rc $last" '1 4 passed, 2 failed'
runs 'exit 0'
is 'a test that tests nothing is a failure' "$rc $last" '1 2 passed, 2 failed'
runs 'ok fine; kill -SEGV $$'
is 'a test that dies is a failure' "$rc $last" '1 4 passed, 2 failed'
runs 'ok fine; sleep 60; done_testing'
is 'a test that hangs is a failure' "$rc $last" '1 4 passed, 2 failed'
check 'and what it said last is shown' grep -qF '| ok 1 - fine' "$TMPDIR/run"
runs 'skip one "no such kernel"; ok two; done_testing'
is 'what is left out is not counted as passed' "$rc $last" '0 4 passed, 0 failed'
check 'what is left out is told with its reason' grep -q 'no such kernel' "$TMPDIR/run"
runs 'ok fine; for o in ${ASAN_OPTIONS//:/ }; do case $o in log_path=*) echo bad >"${o#*=}.1";; esac; done; done_testing'
is 'a sanitizer report is a failure, whatever the test says' "$rc $last" '1 4 passed, 2 failed'
runs 'ok fine; echo "# 7 passed, 7 failed"; echo "8 passed, 8 failed" >&2; false'
is 'nobody else can say the last line' "$rc $(grep -cE '^[0-9]+ passed, [0-9]+ failed$' "$TMPDIR/run")" '1 1'
printf 'all unit-build replay-build:\n\t@echo "x.c:1: error: no"; false\n' >"$copy/Makefile"
runs 'ok fine; done_testing'
is 'a build that fails is a failure' "$rc $last" '1 0 passed, 2 failed'
cd "$here" || exit 1
done_testing
