#!/usr/bin/env bash
# kill -9 in the middle of luks-destroy, at each moment at which something reached the disk: never does a
# record say that keys are gone while a header could still be brought back, and `resume` brings the job to
# its end, over the areas that the journal names.
. tests/cli/tap.sh
for tool in cryptsetup strace; do
	if ! command -v $tool >/dev/null; then
		skip 'luks-destroy, killed' "no $tool"
		done_testing
	fi
done
cd "${TMPDIR:?}" || exit 1
printf 'first' >p1
K=(--pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1)
truncate -s 17M made.img
cryptsetup luksFormat -q --type luks2 "${K[@]}" --key-file p1 made.img
# both copies are sound: nothing lies between them that could be mended
area=$((16 * 1048576))
opens() { cryptsetup open --test-passphrase --key-file p1 "$1" >/dev/null 2>&1; }
dead() {
	cp "$1" try.img
	! cryptsetup luksDump try.img >/dev/null 2>&1 && ! cryptsetup repair -q try.img >/dev/null 2>&1 </dev/null &&
		! opens try.img
}
claims() { jq -r '.claim.level' state/certificates/*.json 2>/dev/null | grep -cv none; }
job=(run kill.img --state state --technique luks-destroy --level clear --confirm kill.img --json)
run() { "$EXPUNGE" "${job[@]}" "$@"; }
# killed_at CALL N: a run that dies in its N-th CALL; false: it ended before
killed_at() {
	rm -rf state
	cp made.img kill.img
	# (the shell's own word on who was killed is nothing to be shown)
	{
		ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
			"$EXPUNGE" "${job[@]}" >out 2>err </dev/null
		rc=$?
	} 2>/dev/null
	[ $rc -eq 137 ]
}
if ! strace -qq -o /dev/null -e inject=fsync:signal=KILL:when=99 true 2>/dev/null; then
	skip 'luks-destroy, killed' 'strace cannot inject signals here'
	done_testing
fi
moments=0
lies=0
unfinished=0
# try CALL N: killed there, and taken up again
try() {
	killed_at "$1" "$2" || return 1
	moments=$((moments + 1))
	[ "$(claims)" -eq 0 ] || dead kill.img || lies=$((lies + 1))
	run --if-needed >out 2>err </dev/null
	rc=$?
	if [ $rc -ne 0 ] || [ "$(claims)" -ne 1 ] || ! dead kill.img ||
		! jq -e --arg a "$area" '[.evidence[].search // empty][0].areas[0].length == $a' \
			state/certificates/*.json >/dev/null; then
		unfinished=$((unfinished + 1))
		printf '# %s %d: exit %d, %s\n' "$1" "$2" $rc "$(tail -n 1 err)"
	fi
}
for n in $(seq 1 "${KILL_STEP:-3}" 60); do
	try fsync,fdatasync "$n" || break
done
check 'killed at what reaches the disk, from the first to the last' test "$n" -gt 10 -a "$n" -lt 60
for n in 2 $(seq 6 "${KILL_STEP:-9}" 40); do
	try io_uring_enter,pwrite64 "$n" || break
done
printf '# %d moments\n' $moments
is 'no record ever said more than was done' $lies 0
is 'each job was brought to its end' $unfinished 0
done_testing
