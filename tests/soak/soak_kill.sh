#!/bin/bash
# Jobs that are killed at random moments, 200 at a time, for SOAK_SECONDS: tests/cli/test_resume.sh says
# what must hold after each.
set -u
cd "$(dirname "$0")/../.." || exit 1
end=$((SECONDS + ${SOAK_SECONDS:-3600}))
bad=0
while [ "$SECONDS" -lt "$end" ]; do
	TMPDIR=$(mktemp -d "$PWD/build/soak.XXXXXX") || exit 1
	export TMPDIR
	KILL_ROUNDS=${KILL_ROUNDS:-200} tests/cli/test_resume.sh || bad=1
	rm -rf --one-file-system "$TMPDIR"
done
exit "$bad"
