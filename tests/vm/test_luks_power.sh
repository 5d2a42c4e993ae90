#!/bin/bash
# long
#
# The power goes in the middle of luks-destroy, at several moments: the machine is killed, and the drive loses
# power with it. After the next boot no record says that keys are gone while a copy of the header could bring
# them back; `resume` ends the job, and then cryptsetup can neither read, mend nor open it, from either copy.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh
S=/mnt/state
MOMENTS=${MOMENTS:-0 0.3 0.8 1.5 2.5 4}
opens() { cryptsetup open --test-passphrase --key-file /tmp/key "$1" 2>/dev/null; }
dead() {
	! cryptsetup luksDump "$1" >/dev/null 2>&1 && ! cryptsetup repair -q "$1" >/dev/null 2>&1 </dev/null && ! opens "$1"
}
# with the second copy where the first one stood
dead_by_copies() {
	local at
	for at in 4 8; do
		head -c 17825792 "$1" >/tmp/again
		dd if="$1" of=/tmp/again bs=4096 skip="$at" count=4 conv=notrunc status=none
		printf 'LUKS\xba\xbe' | dd of=/tmp/again bs=1 conv=notrunc status=none
		dead /tmp/again || return 1
	done
}
claims() { cat "$S"/certificates/*.json 2>/dev/null | grep -c '"level":"clear","reasons\|"claim":{[^}]*"level":"clear"'; }
# the last moment that a journal knows, in seconds; 0: there is none
journal_time() {
	local last
	last=$(grep -oh '"[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]T[0-9:]\{8\}Z"' "$S"/jobs/*/journal.jsonl 2>/dev/null |
		sort | tail -n 1 | tr -d '"')
	[ -z "$last" ] || date -d "$last" +%s
}
# The time as somebody would set it who stands there: the host's; where a guest ran faster than its host, and the
# journal of the last one knows a later moment, that one. Nothing here may hang on how fast a guest's clock runs.
time_to_set() {
	local now journal
	touch /run/vm/time
	now=$(stat -c %Y /run/vm/time)
	journal=$(journal_time)
	if [ "${journal:-0}" -gt "$now" ]; then
		echo "# the journal is $((journal - now)) s ahead of the host" >&2
		now=$((journal + 1))
	fi
	echo "$now"
}
set_clock() { date -s "@$(time_to_set)" >/dev/null; }
# A clock some seconds behind the journal's last line: refused, nothing is touched, and --clock is the way on.
resume() {
	local clock=
	if [ "$("$EXPUNGE" status --state "$S" --json | jq '[.jobs[] | select(.state == "interrupted")] | length')" -gt 0 ]; then
		date -s "@$(($(journal_time) - 3))" >/dev/null
		exits 'a clock behind the journal is refused' 4 "$EXPUNGE" resume --state "$S" --json
		is 'and that is said' "$(jq -r '.results[0].refusals[].code' "$TMPDIR/out")" clock_implausible
		check 'and nothing was touched' cmp -s "$DRIVE_disk" /tmp/cut
		clock=$(date -u -d "@$(time_to_set)" +%FT%TZ)
	fi
	exits 'the job is taken up' 0 "$EXPUNGE" resume --state "$S" --json ${clock:+--clock "$clock"}
	jq -r '.results[0].refusals[].message' "$TMPDIR/out" | sed 's/^/# /'
}
# in the machine: what is left of the last cut, and the next one at WHEN; none: the end
boot() {
	local when=${1:-}
	modprobe -a virtio_blk ext4
	mount /dev/vda /mnt || exit 1
	printf secret >/tmp/key
	set_clock
	rig delay disk 0
	if [ -d "$S/jobs" ]; then
		cp "$DRIVE_disk" /tmp/cut
		if [ "$(claims)" -eq 0 ] || dead /tmp/cut; then
			ok 'after the cut no record says more than was done'
		else
			not_ok 'after the cut no record says more than was done'
		fi
		set_clock
		resume
		check 'cryptsetup cannot read, mend or open it' dead "$DRIVE_disk"
		check 'nor from its second copy' dead_by_copies "$DRIVE_disk"
		exits 'the certificate verifies' 0 "$EXPUNGE_CERT" verify "$S/certificates" --trust "$S/host.crt" \
			--require-scope logical-unit --require-level clear --require-role host
		rm -rf "$S/jobs" "$S/certificates"
	fi
	if [ -n "$when" ]; then
		cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$DRIVE_disk" \
			/tmp/key || exit 1
		check 'it opens before' opens "$DRIVE_disk"
		sync
		set_clock
		rig delay disk 150
		"$EXPUNGE" run "$DRIVE_disk" --state "$S" --level clear --technique luks-destroy --confirm VMLUKSDISK \
			--quiet >/dev/null 2>&1 &
		while ! grep -qs '"type":"phase-begin","kind":"erase"\|"kind":"erase"' "$S"/jobs/*/journal.jsonl; do
			sleep 0.05
		done
		sleep "$when"
		echo "now" >/run/vm/now
		sleep 600
	fi
	umount /mnt
	exit 0
}
[ -z "${VM_GUEST:-}" ] || boot "$@"

# on the host
rigd=$(mktemp -d /tmp/vm.XXXXXX)
cleanup() {
	kill "$(cat "$rigd/rigd.pid")" 2>/dev/null
	rm -rf "$rigd"
}
trap cleanup EXIT
tests/vm/rigd.sh tests/vm/rigs/luks.json "$rigd" || exit 1
truncate -s 64M "$TMPDIR/state.img"
mke2fs -q -t ext4 "$TMPDIR/state.img" || exit 1
# told FILE: what a boot found, under numbers of our own
told() {
	local line
	while read -r line; do
		case $line in
		'ok '*) ok "${line#* - }" ;;
		'not ok '*) not_ok "${line#* - }" ;;
		*) echo "# ${line#\# }" ;;
		esac
	done <"$1"
}
n=0
for when in $MOMENTS end; do
	n=$((n + 1))
	word=$when
	[ "$when" != end ] || word=
	# shellcheck disable=SC2086 # none is no word
	tests/vm/run.sh --rigd "$rigd" --disk "$TMPDIR/state.img" --keep "$rigd/$n" - "$0" $word >"$TMPDIR/told" 2>&1 &
	machine=$!
	while kill -0 $machine 2>/dev/null && [ ! -e "$rigd/$n/share/now" ]; do sleep 0.05; done
	if [ -e "$rigd/$n/share/now" ]; then
		kill -9 "$(cat "$rigd/$n/qemu.pid")"
		"$B/rigd" --ask "$rigd" power-cycle disk >/dev/null
	fi
	wait $machine 2>/dev/null
	ended=$?
	[ "$when" = end ] || is "the power goes $when s into it" "$ended" 125
	grep -v '^vm: \|Killed' "$TMPDIR/told" >"$TMPDIR/lines"
	told "$TMPDIR/lines"
done
is 'the last boot ends well' "$ended" 0
done_testing
