#!/bin/bash
# long
#
# Capacity that SET ACCESSIBLE MAX ADDRESS hides is given back by one job over a power cycle.
# shellcheck disable=SC2034,SC2154 # for the script below, and from it
rig_file=tests/vm/rigs/restore-amac.json
. tests/vm/restore.sh
node=$(again amac)
is 'the kernel sees less than there is' "$(blockdev --getsz "$node")" 50000
check 'inspect tells of it' sh -c "$E inspect $node --json | jq -e '.. | .native_bytes? // empty | tonumber == 65536 * 512' >/dev/null"
exits 'the change ends the take' 5 "$E" run "$node" --confirm VMRAMAC --policy /var/tmp/policy.json --state $S --json
check 'it says what is to be done' has '.results[0].error | test("AMAC was lifted.*off and on")' out
check 'no record of it' has '.results[0].record == ""' out
holds 'nothing was erased' amac 'user=65536'
rig power-cycle amac
node=$(again amac)
is 'the kernel sees all of it' "$(blockdev --getsz "$node")" 65536
exits 'then the job goes on to its end' 0 "$E" resume --state $S --json
is 'purge' "$(result claim)" purge
holds 'nothing is left anywhere' amac 'user=0 hidden=0 spare=0'
record=$S/certificates/$(result record)
check 'the record tells of the change' has '[.capacity.changes[] | .area + " " + (.restored | tostring)] == ["amac true"]' "$record"
is 'and of the whole capacity' "$(jq -r .media.capacity_bytes "$record")" $((65536 * 512))
exits 'an auditor confirms it' 0 "$C" verify "$record" --trust $S/host.crt
done_testing
