#!/usr/bin/env bash
# The ends of a job: what an earlier take left on disk, who signs, what is asked, and a state folder that fills up.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
run() { "$EXPUNGE" run --state "$S" --level clear --quiet "$@"; }
resume() { "$EXPUNGE" resume --state "$S" --quiet "$@"; }
image() { head -c "$2" /dev/urandom >"$1"; }
# runs a job on IMAGE and ends it by SIGTERM in its erase; further arguments go to run
stop() {
	local image=$1
	shift
	rm -f ev.jsonl
	"$EXPUNGE" run "$image" --state "$S" --quiet --json --technique overwrite-random --events ev.jsonl \
		--confirm "$image" "$@" >run.out 2>run.err </dev/null &
	pid=$!
	until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
	kill -TERM $pid
	wait $pid
	job=$(jq -r '.results[0].job' run.out)
	failure=$(jq -r '.results[0].record' run.out)
}

# --- it died between the record and its last line: the record stands
image ends.img 1048576
exits 'a job' 0 run ends.img --confirm ends.img --json
job=$(jq -r '.results[0].job' out)
sed -i '$d' "$S/jobs/$job/journal.jsonl"
rm "$S/certificates/$job.json.p7s" "$S/certificates/$job.tlog-proof"
before=$(sha256sum "$S/certificates/$job.json")
printf residue | dd of=ends.img bs=1 seek=5000 conv=notrunc status=none
exits 'a record that was written is made whole' 0 resume --json
is 'as it was' "$(sha256sum "$S/certificates/$job.json")" "$before"
is 'the result is what it says' "$(jq -r '.results[0].outcome' out)" sanitized
check 'it is signed' test -s "$S/certificates/$job.json.p7s"
check 'it has its proof' test -s "$S/certificates/$job.tlog-proof"
exits 'its signature is good' 2 "$EXPUNGE_CERT" verify "$S/certificates/$job.json" --json
is 'but for the host key, which nobody vouches for' "$(grep -c '"E_' out)" 0

# a record of failure is not turned into success
truncate -s 1G fails.img
stop fails.img --level clear
jq -cj --arg id "$job" '.id = $id' "$S/certificates/$failure" | tr -d '\n' >"$S/certificates/$job.json"
exits 'a failure that was written stands' 5 resume --json
is 'and the result says so' "$(jq -r '.results[0].outcome' out)" aborted
is 'the index, too' "$(grep "\"$job\"" "$S/index.csv" | tail -n 1 | grep -c sanitized)" 0

# --- what is asked today
truncate -s 1G asks.img
stop asks.img --level clear
exits 'a job of clear does not pass for purge' 3 "$EXPUNGE" run asks.img --state "$S" --quiet --confirm asks.img \
	--if-needed --json
is 'it is the same job' "$(jq -r '.results[0].job' out)" "$job"

# --- another policy than today's, a failure record that was taken away
truncate -s 1G policy.img
stop policy.img --level clear --policy nist-800-88r1
mv "$S/certificates/$failure" .
exits 'a job goes on by its own policy' 0 run policy.img --confirm policy.img --if-needed --json
record=$(jq -r '.results[0].record' out)
is 'the failure is superseded, wherever it lies' "$(jq -r .supersedes.sha256 "$S/certificates/$record")" \
	"$(sha256sum "$failure" | cut -d' ' -f1)"
"$EXPUNGE_CERT" verify "$S/certificates/$record" --json >out 2>err
is 'its claim is that of its evidence' "$(grep -c '"E_' out)" 0

# --- a drive that did not take thousands of places: the list in the journal is cut
truncate -s 1G cut.img
stop cut.img --level clear
jq -nc '{type: "checkpoint", offset: "1000000000", unwritten: {bytes: "20480000", count: "5000",
	list: [range(4096) | {offset: (. * 8192 | tostring), length: "4096"}]}}' >>"$S/jobs/$job/journal.jsonl"
printf '{"offset":"1000001536","type":"checkpoint"}\n' >>"$S/jobs/$job/journal.jsonl"
exits 'a pass whose list was cut begins again' 0 resume --json "$job"
record=$(jq -r '.results[0].record' out)
is 'at byte 0' "$(jq -r '[.evidence[] | select(.phase == "erase") | .overwrite.resumed_from // "0"] | last' \
	"$S/certificates/$record")" 0

# --- another person goes on
"$EXPUNGE_CERT" keys setup keys --organization O --name Ann --no-passphrase >/dev/null 2>&1 </dev/null
ls keys >keys.txt
if [ -e keys/performer.key ]; then
	truncate -s 1G hands.img
	stop hands.img --level clear
	exits 'another person goes on' 0 resume --key keys/performer.key --cert keys/performer.pem --json
	record=$(jq -r '.results[0].record' out)
	exits 'their signature is good' 0 "$EXPUNGE_CERT" verify "$S/certificates/$record" --trust keys/root.pem
else
	not_ok "keys setup made other files: $(tr '\n' ' ' <keys.txt)"
fi

# --- the state folder fills up in the middle
if [ "$(id -u)" -eq 0 ] && mkdir -p small && mount -t tmpfs -o size=8m tmpfs small 2>/dev/null; then
	# words enough that what the erase adds needs a further page
	jq -nc '{persons: [range(4) | {role: "performer", name: ("N" * 120), title: ("T" * 120)}]}' >fields.json
	truncate -s 1G full.img
	rm -f ev.jsonl
	"$EXPUNGE" run full.img --state "$TMPDIR/small/s" --level clear --quiet --json --events ev.jsonl \
		--confirm full.img --record-fields fields.json >run.out 2>run.err </dev/null &
	pid=$!
	until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
	cat /dev/zero >small/filler 2>/dev/null
	wait $pid
	is 'a journal that takes no more ends the take' $? 1
	is 'not as a fault of the target' "$(jq -r '.results[0] | .outcome + .record' run.out)" error
	check 'it says what to do' jq -e '.results[0].error | contains("expunge resume")' run.out
	is 'status shows it' "$("$EXPUNGE" status --state "$TMPDIR/small/s" --json | jq -r '.jobs[0].state')" interrupted
	rm small/filler
	exits 'with room it goes on to its end' 0 "$EXPUNGE" resume --state "$TMPDIR/small/s" --quiet --json
	is 'no reserve is left' "$(find small -name '*.reserve' | wc -l)" 0
	umount small
else
	skip 'a state folder that fills up' 'needs root and tmpfs'
fi

# --- in the background: one of two is refused when it is to be held
truncate -s 3G back-a.img
image back-b.img 1048576
begin=$SECONDS
exits 'detach tells what began and what did not' 4 run back-a.img back-b.img --technique overwrite-random \
	--confirm back-a.img --detach --json
check 'without waiting for the end' test $((SECONDS - begin)) -lt 3
is 'each as it stands' "$(jq -r '[.results[].outcome] | join(" ")' out)" 'running refused'
is 'with the code' "$(jq -r '.results[1].refusals[0].code' out)" confirm_mismatch
job=$(jq -r '.results[0].job' out)
check 'the first one runs' test "$("$EXPUNGE" status --state "$S" --json | jq -r --arg j "$job" \
	'.jobs[] | select(.job == $j) | .state')" = running
exits 'and ends well' 0 "$EXPUNGE" wait "$job" --state "$S"

# --- several first runs at once, in one state folder
for i in 1 2 3 4 5 6; do
	truncate -s 1M "first-$i.img"
	"$EXPUNGE" run "first-$i.img" --level clear --confirm "first-$i.img" --state "$TMPDIR/new" --quiet >/dev/null 2>&1 </dev/null &
	pids[i]=$!
done
bad=0
for i in 1 2 3 4 5 6; do
	wait "${pids[i]}" || bad=$((bad + 1))
done
is 'several first runs at once end well' $bad 0
is 'with one host key' "$(cat "$TMPDIR"/new/certificates/*.json | jq -r '.signers[0].cert_sha256' | sort -u | wc -l)" 1
done_testing
