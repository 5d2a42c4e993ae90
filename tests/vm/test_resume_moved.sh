#!/bin/bash
# long
#
# A job finds its drive where another name has it now; and a drive that is at a sanitize behind a power
# cycle, for which the kernel waits, keeps nobody waiting.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-460}
. tests/vm/tap.sh tests/vm/rigs/moved.json
S=/var/tmp/state
E=$PWD/build/release/expunge
export TMPDIR=/var/tmp
cd /var/tmp || exit 1

has() { jq -e "$@" >/dev/null; }
result() { jq -r ".results[0].$1" out; }

# a sanitize that goes on over a power cycle; meanwhile the kernel waits for the disk
node=$(again slow)
rig speed 20
"$E" run "$node" --confirm VMRSLOW --technique ata-sanitize-overwrite --state $S --quiet >out 2>&1 &
run=$!
for _ in $(seq 300); do
	grep -qs '"note": *"accepted"' $S/jobs/*/journal.jsonl && break
	sleep 0.1
done
rig speed 1
kill -9 "$run"
wait "$run" 2>/dev/null
rig power-cycle slow
sleep 2
begin=$SECONDS
exits 'resume does not wait with the kernel' 4 "$E" resume --state $S --json
check 'it says that it cannot be known yet' has '.results[0].refusals[0].code == "unknown"' out
check 'and how far the drive is' has '.results[0].refusals[0].message | test("at a sanitize, [0-9]+ % done")' out
exits 'list neither' 0 "$E" list --json
check 'it says what the drive is at' has \
	'.drives[] | select(.serial == "VMRSLOW") | .at_work | test("at a sanitize")' out
exits 'status neither' 0 "$E" status --state $S --json
check 'all of it within a minute' test $((SECONDS - begin)) -lt 60
rig speed 100000
for _ in $(seq 30); do
	"$E" resume --state $S --json >out 2>err </dev/null
	[ $? -eq 4 ] || break
	sleep 2
done
is 'once it is through, resume goes on to the claim' "$(result claim)" purge
holds 'and the medium bears it out' slow "user=0 hidden=0 spare=0"

# the disk that a job was on bears another name
rig speed 1000
rig stain slow
before=$(again slow)
rig delay slow 60
"$E" run "$before" --confirm VMRSLOW --technique overwrite-random --level clear --state $S --quiet >out 2>&1 &
run=$!
for _ in $(seq 300); do
	journal=$(grep -ls '"technique": *"overwrite-random"' $S/jobs/*/journal.jsonl) &&
		grep -qs '"kind": *"erase"' "$journal" && break
	sleep 0.1
done
kill -9 "$run"
wait "$run" 2>/dev/null
rig delay slow 0
rig unplug slow
rig unplug other
sleep 2
# the one that comes first gets the first name that is free
first=slow second=other
[ "$before" = /dev/sda ] && first=other second=slow
rig plug $first
again $first >/dev/null
rig plug $second
again $second >/dev/null
after=$(again slow)
echo "# slow was $before and is $after, other is $(again other)"
check 'the drives have changed places' test "$before" != "$after"
exits 'resume finds the drive' 0 "$E" resume --state $S --json
is 'by its name of today' "$(result path)" "$after"
holds 'the right one is overwritten' slow "user=0"
holds 'and no other' other "user=65536"
done_testing
