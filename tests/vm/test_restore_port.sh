#!/bin/bash
# long
#
# Capacity of a drive at a SATA port of the kernel's own is given back; a sanitize that somebody else
# began is waited for, and the job's own follows it.
# shellcheck disable=SC2034,SC2154 # for the script below, and from it
rig_file=tests/vm/rigs/restore-port.json
. tests/vm/restore.sh
restores port VMRPORT

node=$(again port)
rig stain port
rig speed 20
quiet hdparm --yes-i-know-what-i-am-doing --sanitize-overwrite-passes 1 --sanitize-overwrite hex:00000000 "$node"
says "somebody's sanitize runs" 'In Process|in progress' hdparm --sanitize-status "$node"
exits 'a run waits for it' 0 "$E" run "$node" --confirm VMRPORT --technique ata-sanitize-overwrite --state $S --json
is 'and claims its own' "$(result claim)" purge
record=$S/certificates/$(result record)
exits 'which an auditor confirms' 0 "$C" verify "$record" --trust $S/host.crt
check 'the command is our own' has \
	'[.evidence[] | select(.phase == "erase") | .command | .accepted and (.attached | not)] == [true]' "$record"
holds 'nothing is left' port "user=0 hidden=0 spare=0"
says 'hdparm agrees on the end' 'Last Sanitize Operation Completed Without Error' hdparm --sanitize-status "$node"
says 'and that no password is set' 'not[[:space:]]+enabled' hdparm -I "$node"
done_testing
