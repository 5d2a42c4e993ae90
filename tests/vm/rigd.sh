#!/bin/bash
# Starts rigd in the background and waits until its drives can be used.
# Usage: tests/vm/rigd.sh RIG FOLDER    FOLDER/rigd.pid is its process
set -u
repository=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$2" || exit 73
rm -f "$2/ready"
"$repository/${B:-build/release}/rigd" "$1" "$2" </dev/null >"$2/rigd.log" 2>&1 3>&- 4>&- &
echo $! >"$2/rigd.pid"
disown
for _ in $(seq 200); do
	[ -e "$2/ready" ] && exit 0
	kill -0 "$(cat "$2/rigd.pid")" 2>/dev/null || break
	sleep 0.05
done
cat "$2/rigd.log" >&2
exit 1
