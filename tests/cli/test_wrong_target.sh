#!/usr/bin/env bash
# Never the wrong target: names that fit two, lists that name nothing, jobs of another file.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
run() { "$EXPUNGE" run --state "$S" --level clear --quiet "$@"; }
image() { head -c "$2" /dev/urandom >"$1"; }
is_zero() { cmp -s "$1" <(head -c "$(stat -c %s "$1")" /dev/zero); }

# --- one name, two files
mkdir -p wt-a wt-b
image wt-a/wt.img 1048576
image wt-b/wt.img 1048576
before=$(cat wt-a/wt.img wt-b/wt.img | sha256sum)
exits 'a name that fits two targets of the command confirms none' 4 run wt-a/wt.img wt-b/wt.img \
	--confirm wt.img --json
is 'its code' "$(jq -r '.results[].refusals[0].code' out | sort -u)" confirm_ambiguous
is 'not a byte changed' "$(cat wt-a/wt.img wt-b/wt.img | sha256sum)" "$before"
long=$(jq -r '.results[1].confirm' out)
exits 'the long string confirms one of them' 4 run wt-a/wt.img wt-b/wt.img --confirm "$long" --json
is 'that one' "$(jq -r '[.results[].outcome] | join(" ")' out)" 'refused sanitized'
check 'it is erased' is_zero wt-b/wt.img
printf 'serial\nwt.img\n' >expect.csv
before=$(sha256sum wt-a/wt.img)
exits 'nor does a list that names it once' 4 run wt-a/wt.img wt-b/wt.img --expect expect.csv
is 'not a byte changed' "$(sha256sum wt-a/wt.img)" "$before"

# --- a list that lists nothing
printf 'serial\n' >expect.csv
exits 'an empty list expects nothing' 4 run wt-a/wt.img --expect expect.csv --json
is 'and the target is not on it' "$(jq -r '.results[0].refusals[0].message | test("not on the expect list")' out)" true
is 'not a byte changed' "$(sha256sum wt-a/wt.img)" "$before"

# --- a name does not make it the same file
truncate -s 1M wt-a/n.img wt-b/n.img
exits 'one of two files of a name is erased' 0 run wt-a/n.img --confirm n.img --json
exits 'the other one is needed, whatever it reads' 0 run wt-b/n.img --confirm n.img --if-needed --json
is 'it is erased and has its own record' "$(jq -r '.results[0].outcome' out)" sanitized
mv wt-a/n.img wt-a/m.img
exits 'another name does not make it another file' 0 run wt-a/m.img --confirm m.img --if-needed --json
is 'but a record under the old name does not stand for it' "$(jq -r '.results[0].outcome' out)" sanitized

# --- interrupted jobs
# leaves a job on IMAGE that was killed in its erase
interrupt() {
	rm -f ev.jsonl
	"$EXPUNGE" run "$1" --state "$S" --level clear --quiet --technique overwrite-random --events ev.jsonl \
		--confirm "$(basename "$1")" >run.out 2>run.err </dev/null &
	pid=$!
	until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
	kill -9 $pid 2>/dev/null
	{ wait $pid; } 2>/dev/null
}
truncate -s 1G wt-a/j.img
truncate -s 1M wt-b/j.img
interrupt wt-a/j.img
job=$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[0].job')
exits 'another file of the name is free' 0 run wt-b/j.img --confirm j.img
exits 'the file itself is not' 4 run wt-a/j.img --confirm j.img --json
mv wt-a/j.img wt-a/k.img
exits 'nor under another name' 4 run wt-a/k.img --confirm k.img --json
is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" interrupted_job
mv wt-a/k.img wt-a/j.img

# --- a new file may get the inode of one that was deleted
truncate -s 1G wt-c.img
interrupt wt-c.img
inode=$(stat -c %i wt-c.img)
rm wt-c.img
for i in $(seq 50); do
	truncate -s 1G wt-c.img
	[ "$(stat -c %i wt-c.img)" -eq "$inode" ] && break
	mv wt-c.img "wt-c.$i"
done
rm -f wt-c.[0-9]*
if [ -e wt-c.img ]; then
	before=$(stat -c %b wt-c.img)
	exits 'a job is not taken up on a new file with the old inode' 4 "$EXPUNGE" resume --state "$S" --quiet --json \
		"$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[] | select(.path | endswith("wt-c.img")) | .job')"
	is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" identity_changed
	is 'it is not touched' "$(stat -c %b wt-c.img)" "$before"
	exits 'nor does it hold up the new file' 0 run wt-c.img --confirm wt-c.img
else
	skip 'a new file with the old inode' 'this file system gives out others'
fi
rm -r "$S/jobs/$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[] | select(.path | endswith("wt-c.img")) | .job')"

# --- damaged journals
journal=$S/jobs/$job/journal.jsonl
cp "$journal" whole.jsonl
sed -i '2s/^./#/' "$journal"
exits 'status shows a damaged journal' 0 "$EXPUNGE" status --state "$S" --json
is 'as damaged, with its path' "$(jq -r '.jobs[0] | .state + " " + (.path | sub(".*/"; ""))' out)" 'damaged j.img'
exits 'it does not free its target' 4 run wt-a/j.img --confirm j.img --json
is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" interrupted_job
exits 'it frees others' 0 run wt-b/j.img --confirm j.img
for how in '1s/^./#/' '1s/"version":1/"version":2/'; do
	cp whole.jsonl "$journal"
	sed -i "$how" "$journal"
	exits "nothing is free where the target cannot be told ($how)" 4 run wt-b/j.img --confirm j.img --json
	is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" interrupted_job
	check 'it says what to do' jq -e --arg j "$job" '.results[0].refusals[0].remedy | contains($j)' out
done
cp whole.jsonl "$journal"
mkdir -p elsewhere
exits 'a job goes on from any folder' 0 env -C elsewhere "$EXPUNGE" resume --state "$S" --json --quiet
mkdir "$S/jobs/019ab000-0000-7000-8000-000000000000"
exits 'a folder without a journal holds up nothing' 0 run wt-b/j.img --confirm j.img
exits 'and is nothing to resume' 66 "$EXPUNGE" resume --state "$S"

# --- a state folder that cannot be written
if [ "$(id -u)" -eq 0 ] && mkdir -p ro && mount --bind "$S" ro 2>/dev/null && mount -o remount,bind,ro ro; then
	exits 'status reads a write-protected state folder' 0 "$EXPUNGE" status --all --state "$TMPDIR/ro" --json
	is 'and calls nothing damaged' "$(jq '[.jobs[] | select(.state == "damaged")] | length' out)" 0
	before=$(sha256sum wt-b/j.img)
	exits 'run refuses it' 4 "$EXPUNGE" run wt-b/j.img --level clear --confirm j.img --state "$TMPDIR/ro" --json
	is 'not a byte changed' "$(sha256sum wt-b/j.img)" "$before"
	umount ro
else
	skip 'a write-protected state folder' 'needs root and bind mounts'
fi
done_testing
