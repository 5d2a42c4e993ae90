#!/bin/bash
# The power of the host goes while two drives are overwritten: the machine is killed in the middle, the
# drives lose power with it, and the next boot goes on to certificates that verify.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh
S=/mnt/state

# in the machine: what is typed before the power goes, and after it came back
before() {
	modprobe -a virtio_blk ext4
	mount /dev/vda /mnt || exit 1
	rig delay sata 150
	rig delay sas 150
	"$EXPUNGE" run "$DRIVE_sata" "$DRIVE_sas" --state "$S" --level clear --accept clear \
		--technique overwrite-random --verify sample --confirm VMPOWERSATA --confirm VMPOWERSAS --quiet
	exit 99 # it should not come to this
}
after() {
	modprobe -a virtio_blk ext4
	mount /dev/vda /mnt || exit 1
	rig delay sata 0
	rig delay sas 0
	"$EXPUNGE" status --state "$S" --json >/tmp/status
	is "both jobs are known as interrupted" \
		"$(jq -r '[.jobs[] | select(.state == "interrupted")] | length' /tmp/status)" 2
	exits "a plain run is refused meanwhile" 4 "$EXPUNGE" run "$DRIVE_sas" --state "$S" --level clear \
		--confirm VMPOWERSAS
	# sda and sdb may have changed places: the kernel names them as they come
	declare -A node=([VMPOWERSATA]=$DRIVE_sata [VMPOWERSAS]=$DRIVE_sas)
	jq -r '.jobs[] | .job + " " + .confirm' /tmp/status >/tmp/jobs
	while read -r job serial; do
		other=$([ "$serial" = VMPOWERSAS ] && echo VMPOWERSATA || echo VMPOWERSAS)
		exits "$serial: another drive in its place is refused" 4 \
			"$EXPUNGE" resume "$job" --target "${node[$other]}" --state "$S" --quiet
		exits "$serial: the job goes on to its end" 0 \
			"$EXPUNGE" resume "$job" --target "${node[$serial]}" --state "$S" --quiet
	done </tmp/jobs
	holds "nothing is left on the SATA disk" sata "user=0 hidden=0"
	holds "nothing is left on the SAS disk" sas "user=0 hidden=0"
	exits "both certificates verify" 0 "$EXPUNGE_CERT" verify "$S/certificates" --trust "$S/host.crt" --json
	is "... as cleared" "$(jq -r '[.. | .claim? // empty | .level] | unique | join(" ")' /tmp/out)" clear
	exits "the log verifies" 0 "$EXPUNGE_CERT" log verify "$S" --log-key "$S/log.vkey"
	for r in "$S"/certificates/*.json; do
		check "the record tells of the interruption" \
			quiet jq -e '[.. | .take? // empty | select(. > 1)] | length > 0' "$r"
	done
	umount /mnt
	done_testing
}
[ -z "${VM_GUEST:-}" ] || "$1"

# on the host
rigd=$(mktemp -d /tmp/vm.XXXXXX)
cleanup() {
	kill "$(cat "$rigd/rigd.pid")" 2>/dev/null
	rm -rf "$rigd"
}
trap cleanup EXIT
tests/vm/rigd.sh tests/vm/rigs/power.json "$rigd" || exit 1
ask() { "$B/rigd" --ask "$rigd" "$@"; }
truncate -s 64M "$TMPDIR/state.img"
mke2fs -q -t ext4 "$TMPDIR/state.img" || exit 1

tests/vm/run.sh --rigd "$rigd" --disk "$TMPDIR/state.img" --keep "$rigd/one" - "$0" before \
	>"$TMPDIR/one" 2>&1 &
machine=$!
# until both have lost a third, and neither all
third=$((65536 * 2 / 3))
left() { ask stains "$1" | sed 's/user=\([0-9]*\).*/\1/'; }
for _ in $(seq 900); do
	kill -0 $machine 2>/dev/null || break
	[ "$(left sata)" -lt $third ] && [ "$(left sas)" -lt $third ] && break
	sleep 0.1
done
kill -9 "$(cat "$rigd/one/qemu.pid")"
wait $machine
ended=$?
ask power-cycle sata
ask power-cycle sas
sata=$(left sata)
sas=$(left sas)
echo "# the power went with $sata and $sas of 65536 sectors left"
[ "$ended" -eq 125 ] && [ "$sata" -gt 0 ] && [ "$sas" -gt 0 ] || {
	sed 's/^/# /' "$TMPDIR/one"
	echo "not ok 1 - the power goes in the middle of both"
	echo 1..1
	exit 1
}
tests/vm/run.sh --rigd "$rigd" --disk "$TMPDIR/state.img" --keep "$rigd/two" - "$0" after
