#!/bin/bash
# Long campaigns, never part of `make test`: every fuzzer for FUZZ_SECONDS (600), then each script
# tests/soak/soak_*.sh for SOAK_SECONDS (3600). The scripts keep the contract of docs/testing.md.
set -u
cd "$(dirname "$0")/../.." || exit 1
export SOAK_SECONDS=${SOAK_SECONDS:-3600}
export B=${B:-build/release}
export EXPUNGE=$PWD/$B/expunge EXPUNGE_CERT=$PWD/$B/expunge-cert
bad=0
make --no-print-directory FUZZ_SECONDS="${FUZZ_SECONDS:-600}" fuzz || bad=1
for script in tests/soak/soak_*.sh; do
	[ -e "$script" ] || continue
	TMPDIR=$(mktemp -d "$PWD/build/soak.XXXXXX") || exit 1
	export TMPDIR
	echo "soak: $script, $SOAK_SECONDS s"
	"$script" </dev/null || bad=1
	rm -rf --one-file-system "$TMPDIR"
done
exit "$bad"
