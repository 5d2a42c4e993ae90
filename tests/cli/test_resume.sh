#!/usr/bin/env bash
# Jobs that are killed or stopped: each goes on to a correct end, and no certificate says more than is so.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
rounds=${KILL_ROUNDS:-12}
is_zero() { cmp -s "$1" <(head -c "$(stat -c %s "$1")" /dev/zero); }

# no record without a signature that ended, no torn file
whole_files() {
	[ "$(find "$S" -name '*.tmp' | wc -l)" -eq 0 ] || return 1
	for r in "$S"/certificates/*.json; do
		[ -e "$r" ] || continue
		jq -e . "$r" >/dev/null || return 1
	done
}

# begins a job on IMAGE and returns when its first bytes are being written; $pid is its process
begin() {
	rm -f ev.jsonl
	"$EXPUNGE" run "$1" --level clear --technique overwrite-random --confirm "$1" --state "$S" --quiet \
		--json --events ev.jsonl >run.out 2>run.err </dev/null &
	pid=$!
	until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
}

# small ones die in the paperwork, large ones in the passes
fill_image() { head -c "$1" /dev/urandom >resume-k.img; }
start() {
	"$EXPUNGE" run resume-k.img --level clear --technique overwrite-random --verify full \
		--confirm resume-k.img --state "$S" --quiet >run.out 2>run.err </dev/null &
	pid=$!
}
count_dirs() {
	local d=("$S"/jobs/*/)
	echo ${#d[@]}
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
ended_jobs() { "$EXPUNGE" status --all --state "$S" --json | jq '[.jobs[] | select(.state == "ended")] | length'; }
# how long one takes here and now, in ms: kills are spread over that
measure() {
	fill_image "$1"
	local from dirs
	dirs=$(count_dirs)
	start
	while kill -0 $pid 2>/dev/null && [ "$(count_dirs)" -eq "$dirs" ]; do :; done
	from=$(now_ms)
	wait $pid
	echo $(($(now_ms) - from + 5))
}
small=4194304
large=$((48 << 20))
small_ms=$(measure $small)
large_ms=$(measure $large)

bad=0
resumed=0
ended=0
untouched=0
for i in $(seq "$rounds"); do
	if [ $((i % 3)) -eq 0 ]; then
		fill_image $large
		span=$large_ms
	else
		fill_image $small
		span=$small_ms
	fi
	before=$(ended_jobs)
	dirs=$(count_dirs)
	start
	# most are killed after the job has begun, some at any moment
	[ $((i % 5)) -eq 0 ] || while kill -0 $pid 2>/dev/null && [ "$(count_dirs)" -eq "$dirs" ]; do :; done
	ms=$((RANDOM % span))
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	{ kill -9 $pid && wait $pid; } 2>/dev/null
	job=$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[-1].job // empty')
	if [ -z "$job" ]; then
		if [ "$(ended_jobs)" -gt "$before" ]; then ended=$((ended + 1)); else untouched=$((untouched + 1)); fi
		continue
	fi
	"$EXPUNGE" resume "$job" --state "$S" --json --quiet >resume.out 2>resume.err </dev/null
	rc=$?
	if [ $rc -eq 64 ]; then
		# its journal is empty: the image is as it was
		untouched=$((untouched + 1))
		rm -r "$S/jobs/$job"
		continue
	fi
	resumed=$((resumed + 1))
	record=$(jq -r '.results[0].record' resume.out)
	if [ $rc -ne 0 ] || ! "$EXPUNGE" verify resume-k.img --verify full --quiet --record "$S/certificates/$record" >/dev/null; then
		bad=$((bad + 1))
		echo "# round $i: exit $rc"
		sed 's/^/# /' resume.err | head -n 5
	fi
done
echo "# $rounds rounds: $resumed resumed, $ended had ended, $untouched had not begun"
is 'every killed job came to a correct end' $bad 0
check 'some were caught in the middle' test $resumed -gt 0
check 'no torn file, no unreadable record' whole_files
exits 'the log verifies' 0 "$EXPUNGE_CERT" log verify "$S" --log-key "$S/log.vkey" --json
is 'no job is open in it' "$(jq '.open_jobs | length' out)" 0
exits 'every certificate verifies' 0 "$EXPUNGE_CERT" verify "$S/certificates" --trust "$S/host.crt" --json


# --- a stop in good order
truncate -s 1G resume-t.img
begin resume-t.img
kill -TERM $pid
wait $pid
is 'SIGTERM ends a run with 5' $? 5
job=$(jq -r '.results[0].job' run.out)
is 'it is interrupted' "$(jq -r '.results[0].outcome' run.out)" interrupted
failure=$(jq -r '.results[0].record' run.out)
is 'a failure record says so' "$(jq -r '.kind + " " + .outcome' "$S/certificates/$failure")" 'failure aborted'
exits 'a plain run is refused now' 4 "$EXPUNGE" run resume-t.img --level clear --confirm resume-t.img --state "$S" --json
is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" interrupted_job
exits 'run --if-needed takes it up' 0 "$EXPUNGE" run resume-t.img --level clear --confirm resume-t.img --if-needed --state "$S" --json
is 'it is the same job' "$(jq -r '.results[0].job' out)" "$job"
record=$(jq -r '.results[0].record' out)
is 'the record tells of the interruption' \
	"$(jq '[.evidence[] | select(.phase == "erase" and .interrupted == true)] | length' "$S/certificates/$record")" 1
is 'and supersedes the failure' "$(jq -r '.supersedes.id' "$S/certificates/$record")" "${failure%.json}"
exits 'nothing is left to resume' 66 "$EXPUNGE" resume --state "$S"
exits 'a job that ended is not resumed' 64 "$EXPUNGE" resume "$job" --state "$S"

# --- the target was swapped in between
rm resume-t.img
truncate -s 1G resume-s.img
begin resume-s.img
kill -9 $pid 2>/dev/null
{ wait $pid; } 2>/dev/null
mv resume-s.img away.img
truncate -s 1G resume-s.img
before=$(sha256sum resume-s.img)
exits 'another file of that name is refused' 4 "$EXPUNGE" resume --state "$S" --json
is 'and not touched' "$(sha256sum resume-s.img)" "$before"
done_testing
