#!/bin/bash
# All quick checks, one after another; what is wrong is shown.
cd "$(dirname "$0")/../.." || exit 1
bad=0
for check in tests/lint/check_*.sh; do
	"$check" 2>/dev/null | grep -E '^(not ok|#)'
	[ "${PIPESTATUS[0]}" -eq 0 ] || bad=1
done
[ "$bad" -eq 0 ] && echo "lint-fast: clean"
exit "$bad"
