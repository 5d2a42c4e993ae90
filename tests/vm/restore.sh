# shellcheck shell=bash disable=SC2154
# Capacity that HPA and DCO hide is given back by one job over its power cycles: what
# test_restore.sh and test_restore_port.sh have in common.
export VM_TIMEOUT=${VM_TIMEOUT:-460}
. tests/vm/tap.sh "$rig_file"
S=/var/tmp/state
E=$PWD/build/release/expunge
C=$PWD/build/release/expunge-cert
export TMPDIR=/var/tmp
jq '.name = "restoring" | .restore_hidden_areas = true' docs/policies/nist-800-88r2.json >/var/tmp/policy.json
cd /var/tmp || exit 1

has() { jq -e "$@" >/dev/null; }
result() { jq -r ".results[0].$1" out; }

# restores NAME SERIAL
restores() {
	local node record
	node=$(again "$1")
	says "$1: hdparm sees what is hidden" '50000/60000' hdparm -N "$node"
	exits "$1: the first change ends the take" 5 "$E" run "$node" --confirm "$2" \
		--policy /var/tmp/policy.json --state $S --json
	check "$1: it says what is to be done" has '.results[0].error | test("HPA was lifted.*off and on")' out
	check "$1: no record of it" has '.results[0].record == ""' out
	says "$1: status waits for the power" 'HPA was lifted' "$E" status --state $S
	exits "$1: another run is refused" 4 "$E" run "$node" --confirm "$2" --state $S --json
	rig power-cycle "$1"
	again "$1" >/dev/null
	exits "$1: the second change, too" 5 "$E" resume --state $S --json
	check "$1: the DCO" has '.results[0].error | test("DCO was lifted")' out
	rig power-cycle "$1"
	again "$1" >/dev/null
	exits "$1: then the job goes on to its end" 0 "$E" resume --state $S --json
	is "$1: purge" "$(result claim)" purge
	holds "$1: nothing is left anywhere" "$1" "user=0 hidden=0 spare=0"
	record=$S/certificates/$(result record)
	check "$1: the record tells of both changes" has \
		'[.capacity.changes[] | .area + " " + (.restored | tostring)] == ["hpa true", "dco true"]' "$record"
	is "$1: and of the whole capacity" "$(jq -r .media.capacity_bytes "$record")" $((65536 * 512))
	exits "$1: an auditor confirms it" 0 "$C" verify "$record" --trust $S/host.crt
	says "$1: hdparm sees nothing hidden" '65536/65536' hdparm -N "$(again "$1")"
}

