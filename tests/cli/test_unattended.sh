#!/usr/bin/env bash
# A run without a person: only by a list, exactly the list, stopped by any key, gone on with after a kill.
. tests/cli/tap.sh
root=$PWD
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
: >cmdline
loops=()
tag=unattended-$$
cleanup() { for l in "${loops[@]}"; do losetup -d "$l" 2>/dev/null; done; }
trap cleanup EXIT

# unattended OPTION...: no words of this host's own boot loader, no waiting
unattended() {
	"$EXPUNGE" unattended --cmdline cmdline --settle 0 --settle-max 0 --countdown 0 --quiet "$@"
}

# --- what is refused: nothing may begin
printf '{"version":1}' >bare.json
printf '{"version":1,"unattended":{}}' >nolist.json
printf '{"version":1,"level":"clear","unattended":{"expect":"list.csv","countdown_seconds":3}}' >expunge.json
printf '{"version":1,"unattended":{"setle_seconds":3}}' >misspelt.json
exits 'without a rule that allows it' 4 unattended --state "$S"
exits 'a configuration that does not allow it' 4 unattended --config bare.json --state "$S"
exits 'no list' 4 unattended --config nolist.json --state "$S"
check '... and says so' grep -q 'no expect list' err
exits 'a list that is not there' 66 unattended --config expunge.json --state "$S"
printf 'serial\n' >list.csv
exits 'an empty list' 4 unattended --config expunge.json --state "$S"
check '... and says so' grep -q 'is empty' err
printf 'asset_tag\nx\n' >list.csv
exits 'a list without serial numbers' 64 unattended --config expunge.json --state "$S"
printf 'host_serial,serial\nNOT-THIS-HOST,x\n' >list.csv
exits 'the wrong host' 4 unattended --config expunge.json --state "$S"
exits 'a misspelt rule' 64 unattended --config misspelt.json --state "$S"
check '... with its place' grep -q 'unattended.setle_seconds' err
exits 'a list over plain http' 4 unattended --expect http://127.0.0.1/list --state "$S"
printf 'expunge.expect=http://127.0.0.1/list expunge.unattended=1' >words
exits '... from the command line of the kernel' 4 "$EXPUNGE" unattended --cmdline words --state "$S"
printf 'expunge.unattended=maybe' >words
exits 'a word of the kernel that is none' 64 "$EXPUNGE" unattended --cmdline words --state "$S"
printf 'expunge.unattended=0' >words
exits 'the kernel says no' 4 "$EXPUNGE" unattended --cmdline words --config expunge.json --state "$S"
printf 'serial\nx\n' >list.csv
for then in poweroff reboot; do
	exits "no $then of a host that does not run the image" 64 unattended --config expunge.json --then $then --state "$S"
done
exits 'an end that there is none' 64 unattended --config expunge.json --then halt --state "$S"
check 'none of them left anything' test ! -e "$S"

# --- the drives of the list and no other
if ! l=$(losetup -f 2>/dev/null) || [ -z "$l" ]; then
	skip 'drives' 'no loop device'
	done_testing
fi
attach() {
	local l
	l=$(losetup -f --show "$1") || return 1
	loops+=("$l")
}
for n in a b c; do
	head -c 2097152 /dev/urandom >"$tag-$n.img"
	attach "$tag-$n.img" || { skip 'drives' 'no free loop device'; done_testing; }
done
sha256sum "$tag"-*.img >sums
intact() { sync && grep -- "$1" sums | sha256sum -c --status; }
is_zero() { cmp -s "$1" <(head -c "$(stat -c %s "$1")" /dev/zero); }
printf 'serial,asset_tag\n%s,TAG-A\n%s,TAG-C\n' "$tag-a.img" "$tag-c.img" >list.csv

# --- a key stops it; a second one is not let in meanwhile
"$root"/tests/cli/on_terminal.py 80 24 --key 'erasing in 3 s; any key stops' X -- \
	"$EXPUNGE" unattended --config expunge.json --cmdline cmdline --settle 0 --state "$S" >screen 2>&1
is 'a key in the countdown' $? 5
check '... is told' grep -q 'stopped by a key; nothing was touched' screen
check '... what would have been erased was shown' grep -q "to be erased $tag-c.img" screen
check '... and nothing was' intact "$tag-"
"$root"/tests/cli/two_consoles.py 'erasing in 600 s' "$EXPUNGE" unattended --config expunge.json --cmdline cmdline --settle 0 \
	--countdown 600 --state "$S" --console @1 --console /dev/does-not-exist --console @2 >screens 2>&1
is 'a key on the second of two consoles' $? 5
is '... is told on both' "$(grep -c '^[12]: .*stopped by a key' screens)" 2
check '... and nothing was touched' intact "$tag-"
exits 'no console that can be opened' 4 unattended --config expunge.json --state "$S" --console /dev/does-not-exist
"$EXPUNGE" unattended --config expunge.json --cmdline cmdline --settle 0 --countdown 600 --state "$S" 2>first.err </dev/null &
first=$!
until grep -q 'any key' first.err || ! kill -0 $first 2>/dev/null; do sleep 0.05; done
exits 'a second one on the same state folder' 4 unattended --config expunge.json --state "$S"
kill -TERM $first
wait $first
is 'a signal in the countdown' $? 5
check '... touched nothing' intact "$tag-"

# --- done
complete=$("$EXPUNGE" list --json | jq -r .host.complete)
want=0
[ "$complete" = yes ] || want=6
exits 'the drives of the list' $want unattended --config expunge.json --state "$S" --json
is '... each once' "$(jq '[.results[] | select(.outcome == "sanitized")] | length' out)" 2
sync
check '... are erased' is_zero "$tag-a.img"
check '... all of them' is_zero "$tag-c.img"
check '... and no other' intact "$tag-b"
is '... with the words of the list' "$(jq -r .media.asset_tag "$S"/certificates/*.json | sort | tr '\n' ' ')" 'TAG-A TAG-C '
exits 'a second time' $want unattended --config expunge.json --state "$S" --json
is '... nothing is needed' "$(jq '[.results[] | select(.outcome == "already_sanitized")] | length' out)" 2
printf 'serial\n%s\nABSENT-1\n' "$tag-a.img" >list.csv
exits 'one that is absent' 6 unattended --config expunge.json --state "$S"
check '... is named' grep -q 'absent *ABSENT-1' err

# --- one that is in use does not stop the others
head -c 2097152 /dev/urandom >"$tag-a.img"
printf 'serial\n%s\n%s\n' "$tag-a.img" "$tag-b.img" >list.csv
exec 7<"${loops[1]}"
exits 'one drive in use' $((want ? 6 : 4)) unattended --config expunge.json --state "$S" --json
exec 7<&-
is '... the other is erased' "$(jq -r '.results[] | select(.outcome == "sanitized").path' out)" "${loops[0]}"
check '... and that one is not' intact "$tag-b"

# --- killed in the middle: the next one goes on with it
# A machine may be so fast, or this script so slow, that the run is over before it is killed: then with more to do.
killed=
for size in 64 256 1024 4096; do
	rm -f "$tag-k.img" ev.jsonl
	truncate -s "${size}M" "$tag-k.img"
	head -c 1048576 /dev/urandom | dd of="$tag-k.img" conv=notrunc 2>/dev/null
	attach "$tag-k.img" || break
	printf 'serial\n%s\n' "$tag-k.img" >list.csv
	"$EXPUNGE" unattended --config expunge.json --cmdline cmdline --settle 0 --countdown 0 --quiet --state "$S" \
		--events ev.jsonl >/dev/null 2>killed.err </dev/null &
	first=$!
	until grep -q '"phase":"overwrite' ev.jsonl 2>/dev/null || ! kill -0 $first 2>/dev/null; do sleep 0.01; done
	child=$(pgrep -P $first)
	[ -z "$child" ] || kill -9 "$child"
	wait $first
	killed=$?
	# what it had begun beside itself may hold the journal and the drive a moment longer
	for _ in $(seq 600); do
		"$EXPUNGE" status --state "$S" --json >left.json 2>/dev/null
		"$EXPUNGE" plan "${loops[-1]}" --json >plan.json 2>/dev/null
		jq -e '.jobs | any(.state == "running")' left.json >/dev/null ||
			jq -e '[.targets[].refusals[].code] | any(. == "open_elsewhere" or . == "unknown")' plan.json >/dev/null || break
		sleep 0.05
	done
	# killed between its last write and its end, it has left nothing to go on with
	jq -e '.jobs | any(.state == "interrupted")' left.json >/dev/null && break
	echo "# $size MiB: exit code $killed"
	losetup -d "${loops[-1]}"
	unset 'loops[-1]'
done
if [ -n "$killed" ]; then
	is 'a run that is killed' "$killed" 5
	exits 'is gone on with' $want unattended --config expunge.json --state "$S" --json
	is '... to its end' "$(jq -r '.results[0].outcome' out)" sanitized
	is '... as the same job' "$("$EXPUNGE" status --all --state "$S" --json | jq '[.jobs[] | select(.state != "ended")] | length')" 0
	sync
	check '... and it is erased' is_zero "$tag-k.img"
else
	skip 'a run that is killed' 'no free loop device'
fi
done_testing
