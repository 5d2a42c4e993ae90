#!/bin/bash
# long
#
# A drive is at a sanitize that somebody else began, and the kernel keeps everybody waiting who reads
# from it: where it is named alone it is waited for, and gets ours then.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-300}
. tests/vm/tap.sh tests/vm/rigs/moved.json
S=/var/tmp/state
E=$PWD/build/release/expunge
export TMPDIR=/var/tmp
cd /var/tmp || exit 1

has() { jq -e "$@" >/dev/null; }

node=$(again slow)
rig speed 20
hdparm --yes-i-know-what-i-am-doing --sanitize-overwrite hex:0badcafe "$node" >hdparm.out 2>&1
rig speed 1
says 'a sanitize runs that is not ours' 'SD2|in progress|In progress' hdparm --sanitize-status "$node"

exits 'a plan does not wait' 4 "$E" plan "$node" --json
check 'it says how far the drive is' has \
	'.targets[0].refusals[0].message | test("at a sanitize, [0-9]+ % done")' out

"$E" run "$node" --confirm VMRSLOW --technique ata-sanitize-overwrite --state $S --json --quiet >alone.out 2>alone.err &
run=$!
for _ in $(seq 300); do
	grep -qs 'is waited for' alone.err && break
	sleep 0.1
done
check 'alone it is waited for' grep -qE "$node is waited for: it is at a sanitize, [0-9]+ % done" alone.err
check 'and nothing is begun meanwhile' test -z "$(ls $S/jobs 2>/dev/null)"
rig stain slow
rig speed 100000
wait "$run"
is 'then it gets ours' "$?" 0
is 'with its claim' "$(jq -r '.results[0].claim' alone.out)" purge
holds 'and the medium bears it out' slow "user=0 hidden=0 spare=0"
done_testing
