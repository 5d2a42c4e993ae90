#!/bin/bash
# Lets every fuzzer search for FUZZ_SECONDS (60) of processor time, so that other work beside it takes
# nothing away; from the corpus in tests/fuzz/corpus/NAME. What is new goes to build/fuzz/corpus/NAME,
# what fails to build/fuzz/crashes. `make fuzz` builds them first.
# Usage: tests/fuzz/run.sh [NAME...]
set -u
cd "$(dirname "$0")/../.." || exit 1
export seconds=${FUZZ_SECONDS:-60}
export ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
mkdir -p build/fuzz/crashes build/fuzz/logs

# the fuzzer only knows of time that passes: it is called again until it has had its processor time
one() {
	local name=$1 log=build/fuzz/logs/$1.log tried=0 used=0 more user sys
	mkdir -p "build/fuzz/corpus/$name"
	local seeds=() TIMEFORMAT='%0U %0S'
	[ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
	while [ "$used" -lt "$seconds" ]; do
		if ! { time "build/fuzz/fuzz/fuzz_$name" -max_total_time=$((seconds - used)) -timeout=10 \
			-rss_limit_mb=2048 -artifact_prefix="build/fuzz/crashes/$name-" -print_final_stats=1 \
			"build/fuzz/corpus/$name" "${seeds[@]}" >"$log" 2>&1 </dev/null; } 2>"$log.time"; then
			printf '  FAIL  %-24s %s\n' "$name" "$log"
			grep -m 3 -E '^SUMMARY|ERROR|runtime error' "$log"
			return 1
		fi
		read -r user sys <"$log.time"
		more=$((user + sys))
		used=$((used + (more > 0 ? more : 1)))
		tried=$((tried + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log")))
	done
	printf '  ok    %-24s %s inputs tried in %s s of processor time\n' "$name" "$tried" "$used"
}
export -f one

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for f in tests/fuzz/fuzz_*.c; do
		[ -e "$f" ] && f=${f##*/fuzz_} && names+=("${f%.c}")
	done
fi
if [ ${#names[@]} -eq 0 ]; then
	echo "fuzz: no fuzzers in tests/fuzz" >&2
	exit 1
fi
echo "fuzzing ${#names[@]} parsers, $seconds s of processor time each"
printf '%s\0' "${names[@]}" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" bash -c 'one "$1"' one
