#!/usr/bin/env bash
# Jobs that are killed or stopped: each goes on to a correct end, and no certificate says more than is so.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
rounds=${KILL_ROUNDS:-12}
size=$((48 << 20))
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

bad=0
resumed=0
ended=0
untouched=0
for i in $(seq "$rounds"); do
	head -c $size /dev/urandom >resume-k.img
	"$EXPUNGE" run resume-k.img --level clear --technique overwrite-random --verify full --confirm resume-k.img \
		--state "$S" --quiet >run.out 2>run.err </dev/null &
	pid=$!
	sleep "0.$(printf %03d $((RANDOM % 350)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	job=$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[-1].job // empty')
	if [ -z "$job" ]; then
		if "$EXPUNGE" status --all --state "$S" --json | jq -e ".jobs | length > $((ended + resumed))" >/dev/null; then
			ended=$((ended + 1))
		else
			untouched=$((untouched + 1))
		fi
		continue
	fi
	"$EXPUNGE" resume "$job" --state "$S" --json --quiet >resume.out 2>resume.err </dev/null
	rc=$?
	if [ $rc -eq 64 ]; then
		# it had not begun: the image is as it was
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
exits 'nothing is left to resume' 64 "$EXPUNGE" resume --state "$S"
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
