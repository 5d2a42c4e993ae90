#!/bin/bash
# long
#
# A whole drive that holds LUKS: its keys are destroyed first, then the drive sanitizes itself. Killed at every
# fourth line of the journal: no record says more than was done, and `resume` ends in one record that has both.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-1500} # everything is slow where there is no KVM
. tests/vm/tap.sh tests/vm/rigs/luks.json
cd "$TMPDIR" || exit 1
S=$TMPDIR/state
node=$DRIVE_disk
printf secret >key
format() {
	cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$node" key
}
dead() {
	! cryptsetup luksDump "$node" >/dev/null 2>&1 && ! cryptsetup repair -q "$node" >/dev/null 2>&1 </dev/null &&
		! cryptsetup open --test-passphrase --key-file key "$node" 2>/dev/null
}
job=(run "$node" --state "$S" --confirm VMLUKSDISK --json)
# attempts RECORD: their techniques
attempts() { jq -r '[.evidence[] | select(.phase == "erase") | .technique] | join(" ")' "$1"; }
lines() { cat "$S"/jobs/*/journal.jsonl 2>/dev/null | wc -l; }

check 'the drive holds a volume' format
"$EXPUNGE" plan "$node" --json >plan.json
is 'the plan: keys first' "$(jq -r '[.targets[0].steps[] | .technique // empty] | join(" ")' plan.json)" \
	'luks-destroy scsi-sanitize-overwrite'
exits 'the run' 0 "$EXPUNGE" "${job[@]}"
record=$S/certificates/$(jq -r '.results[0].record' out)
is 'purge' "$(jq -r '.claim.level + " " + .claim.technique' "$record")" 'purge scsi-sanitize-overwrite'
is 'the record has both attempts' "$(attempts "$record")" 'luks-destroy scsi-sanitize-overwrite'
is '... and what the header told' "$(jq -r '[.evidence[].volumes // empty][0][0].slots' "$record")" 1
is '... and the search for copies' "$(jq -r '[.evidence[].search // empty][0].headers_left' "$record")" 0
check 'nothing opens it' dead
holds 'nothing is left on the medium' disk 'user=0'
exits 'the certificate verifies' 0 "$EXPUNGE_CERT" verify "$record" --trust "$S/host.crt" --require-level purge \
	--require-role host
all=$(lines)

lies=0
moments=0
unfinished=0
tried=0
for n in $(seq 1 4 "$((all - 1))"); do
	tried=$((tried + 1))
	rm -rf "$S/jobs" "$S/certificates"
	format || break
	"$EXPUNGE" "${job[@]}" >out 2>err &
	pid=$!
	while [ "$(lines)" -lt "$n" ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
	kill -9 $pid 2>/dev/null || continue
	wait $pid 2>/dev/null
	moments=$((moments + 1))
	if cat "$S"/certificates/*.json 2>/dev/null | grep -q '"level":"\(clear\|purge\)"' && ! dead; then
		lies=$((lies + 1))
	fi
	"$EXPUNGE" resume --state "$S" --json >out 2>err
	rc=$?
	# its last line was there already; or nothing was, and nothing was touched
	if grep -q 'no interrupted job' err && ls "$S"/certificates/*.json >/dev/null 2>&1; then
		rc=0
	elif grep -q 'before it touched anything\|no interrupted job' err; then
		"$EXPUNGE" "${job[@]}" >out 2>err && rc=0
	fi
	record=$(ls "$S"/certificates/*.json)
	if [ $rc -ne 0 ] || ! dead || [ "$(attempts "$record")" != 'luks-destroy scsi-sanitize-overwrite' ] ||
		[ "$(jq -r '[.evidence[].volumes // empty] | length' "$record")" != 1 ] ||
		[ "$(jq -r .claim.level "$record")" != purge ]; then
		unfinished=$((unfinished + 1))
		printf '# line %d: exit %d, %s, %s\n' "$n" $rc "$(attempts "$record")" "$(tail -n 1 err)"
	fi
done
printf '# %d lines, killed at %d\n' "$all" $moments
check 'killed at most of these lines' test $moments -gt $((tried / 2))
is 'no record ever said more than was done' $lies 0
is 'each job was brought to its end, with both in its record' $unfinished 0
done_testing
