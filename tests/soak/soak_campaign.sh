#!/bin/bash
# Emulated drives that fail, lie and lose power: 10,000 jobs of each kind of drive, then more with other
# seeds until SOAK_SECONDS are over.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build/release}
jobs=${CAMPAIGN_JOBS:-10000}
seed=${CAMPAIGN_SEED:-1}
end=$((SECONDS + ${SOAK_SECONDS:-3600}))
bad=0
make --no-print-directory "$b/campaign" || exit 1
while :; do
	"$b/campaign" "$jobs" "$seed" || bad=1
	seed=$((seed + jobs))
	[ "$SECONDS" -lt "$end" ] || break
done
exit "$bad"
