#!/bin/bash
# long
#
# A RAID controller that nobody here wrote, behind the kernel's own megaraid_sas: its volume is no drive, what lies
# behind it is not known, and a list of drives that was erased whole is not complete on such a host.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
if [ -z "${VM_GUEST:-}" ]; then
	images=$(mktemp -d "${TMPDIR:-/tmp}/raid.XXXXXX")
	truncate -s 16M "$images/one" "$images/two"
	export VM_QEMU="-device megasas,id=raid
		-drive file=$images/one,format=raw,if=none,id=d1 -device scsi-hd,drive=d1,bus=raid.0,scsi-id=0,serial=BEHIND1
		-drive file=$images/two,format=raw,if=none,id=d2 -device scsi-hd,drive=d2,bus=raid.0,scsi-id=1,serial=BEHIND2"
fi
. tests/vm/tap.sh tests/vm/rigs/sas-erase.json

state=$(mktemp -d)
out=${TMPDIR:-/tmp}/out
trap 'rm -rf "$state"' EXIT
printf 'serial\nVMSASHDD01\n' >"$state/expect.csv"
exits 'before the controller has its driver' 0 "$EXPUNGE" list --json
is 'the host is not complete' "$(jq -r .host.complete "$out")" no
check 'since no driver is bound' grep -q 'no driver is bound' "$out"
modprobe megaraid_sas
for _ in $(seq 100); do
	host=$(grep -l -s megaraid_sas /sys/class/scsi_host/*/proc_name | head -n 1)
	for volume in "$(realpath "${host%/proc_name}/device")"/target*/*/block/*; do
		[ -z "$host" ] || [ ! -e "$volume" ] || break 2
	done
	volume=
	sleep 0.2
done
check 'the kernel shows a volume' test -n "$volume"
volume=/dev/${volume##*/}
exits 'with it' 0 "$EXPUNGE" list --json
cp "$out" "$state/list"
sed 's/^/# /' < <(jq -c '.host, .hidden, [.drives[] | {path, media, bus, serial}]' "$state/list")
is 'the host is not complete either' "$(jq -r '.host.complete == "yes"' "$state/list")" false
is 'the controller is named' "$(jq -r '[.hidden[] | select(.driver == "megaraid_sas")] | length' "$state/list")" 1
check 'its volume is full of data' dd if=/dev/urandom of="$volume" bs=1M count=4 oflag=direct status=none
exits 'a list of drives is erased, and not complete' 6 "$EXPUNGE" run "$DRIVE_hdd" --expect "$state/expect.csv" \
	--technique scsi-sanitize-overwrite --state "$state" --json
is '... though what it lists is purged' "$(jq -r '.results[0].claim' "$out")" purge
holds '... and holds nothing' hdd 'user=0'
record=$state/certificates/$(jq -r '.results[0].record' "$out")
is '... and the record says that others may be there' "$(jq -r '.host.complete == "yes"' "$record")" false
check '... and names the controller' grep -q 'RAID controller' "$record"
"$EXPUNGE" plan "$volume" --json >"$out" 2>"$state/err"
is 'a volume can never be purged' "$(jq -r '.targets[0].expected_claim' "$out")" clear
is '... nor cleared as a drive' "$(jq -r '.targets[0].scope' "$out")" logical-unit
done_testing
