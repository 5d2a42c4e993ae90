#!/usr/bin/env bash
# Standard streams that are closed or full: nothing else gets their numbers, and a lost answer is told.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
truncate -s 2G streams.img
"$EXPUNGE" run streams.img --level clear --technique overwrite-random --confirm streams.img --state "$S" \
	--quiet --events ev.jsonl <&- >&- 2>&- &
pid=$!
until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
	kill -0 $pid 2>/dev/null || break
	sleep 0.01
done
is 'closed streams lead nowhere' "$(readlink /proc/$pid/fd/0 /proc/$pid/fd/1 /proc/$pid/fd/2 | sort -u)" /dev/null
wait $pid
is 'the lost answer is an error' $? 1
exits 'status of a folder that is not there is no answer' 66 "$EXPUNGE" status --state "$S.none"
exits 'nor of a file' 66 "$EXPUNGE" status --state "$EXPUNGE"
exits 'the job has ended all the same' 0 "$EXPUNGE" status --all --state "$S"
check 'as sanitized' grep -q 'sanitized, claim clear' out

head -c 1M /dev/zero >plan.img
for command in 'plan plan.img --level clear' 'plan plan.img'; do
	# shellcheck disable=SC2086 # the words of a command
	"$EXPUNGE" $command >/dev/full 2>err
	is "$command onto a full device" $? 1
	check 'is told' grep -q 'standard output could not be written' err
done
# shellcheck disable=SC2094 # neither is written
"$EXPUNGE" plan plan.img >&- 2>err
is 'a closed output is like a full one' $? 1
done_testing
