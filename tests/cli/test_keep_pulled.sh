#!/bin/bash
# A stick that is pulled while jobs run: what had reached the medium by then is all that is left. It leads
# on, whole. On FAT where this kernel has it, else on ext4: what is written in place is the same.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
shopt -s nullglob
rounds=${KILL_ROUNDS:-3}
S=$TMPDIR/state
loop='' other=''
leave() {
	umount stick 2>/dev/null
	umount again 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop"
	[ -z "$other" ] || losetup -d "$other"
}
trap leave EXIT
mkdir stick again
medium=medium-$$.img # no other test has one of this name: it confirms the loop
truncate -s 40M "$medium"
if grep -qw vfat /proc/filesystems && command -v mkfs.vfat >/dev/null; then
	make_medium=(mkfs.vfat -F 32 -n EXPUNGE)
else
	make_medium=(mkfs.ext4 -q -F -m 0)
fi
if [ "$(id -u)" -ne 0 ] || ! "${make_medium[@]}" "$medium" >/dev/null 2>&1 ||
	! loop=$(losetup -f --show "$medium" 2>/dev/null) || ! mount -o lazytime "$loop" stick 2>/dev/null; then
	skip 'a stick that is pulled' 'needs root, a loop device and a file system'
	done_testing
	exit
fi
check 'boxes are made' "$EXPUNGE" keep make stick --bytes 8388608
sync -f stick

# never the drive that the boxes are on, mounted or not
"$EXPUNGE" run "$loop" --level clear --confirm "$medium" --keep stick --state "$S" --json >run.out 2>run.err </dev/null
is 'the stick itself is refused' $? 4
check 'since the output lies on it' grep -q 'lies on' run.out run.err

# unmounted behind our back, while the boxes are open: no name leads there any more
exec 9<stick
umount -l stick
"$EXPUNGE" run "$loop" --level clear --confirm "$medium" --keep /proc/self/fd/9 --state "$TMPDIR/unmounted" --json \
	>run.out 2>run.err </dev/null
is 'also when it was unmounted' $? 4
check 'by where its boxes are' grep -q 'output folder /proc/self/fd/[0-9]* lies on' run.out run.err
exec 9<&-
mount -o lazytime "$loop" stick
check 'and the boxes are as they were' "$EXPUNGE" status --keep stick --state "$TMPDIR/looked"

bad=0 left=0
for ((i = 0; i < rounds || (left == 0 && i < 12); i++)); do
	rm -rf "$S"
	"$EXPUNGE" status --keep stick --state "$S" >/dev/null 2>&1
	mapfile -t before < <(ls "$S/jobs")
	head -c 4194304 /dev/urandom >pull1.img
	head -c 12582912 /dev/urandom >pull2.img
	"$EXPUNGE" run pull1.img pull2.img --level clear --technique overwrite-random --confirm pull1.img \
		--confirm pull2.img --keep stick --state "$S" --quiet >run.out 2>run.err </dev/null &
	pid=$!
	while now=("$S"/jobs/*/journal.jsonl) && [ ${#now[@]} -le ${#before[@]} ] && kill -0 $pid 2>/dev/null; do sleep 0.002; done
	sleep "0.$(printf %03d $((RANDOM % 120)))"
	# stopped and copied: what the file system still held back never reached the medium
	kill -STOP $pid 2>/dev/null
	cp --sparse=never "$medium" pulled.img
	mapfile -t acknowledged < <(grep -l . /dev/null "$S"/jobs/*/journal.jsonl)
	wc -l /dev/null "${acknowledged[@]}" | awk '{print $2, $1}' >lines.txt
	{ kill -9 $pid && wait $pid; } 2>/dev/null
	umount stick && losetup -d "$loop" && loop=
	cp pulled.img "$medium"
	rm -rf "$S"
	loop=$(losetup -f --show "$medium") && mount -o lazytime "$loop" stick || { bad=$((bad + 1)); break; }
	"$EXPUNGE" status --all --keep stick --state "$S" --json >status.json 2>status.err || { sed 's/^/# /' status.err; bad=$((bad + 1)); }
	# a line that was followed by another one was acknowledged: only the last of each may be missing
	while read -r name n; do
		[[ $name == */journal.jsonl ]] || continue
		have=$(wc -l <"$name" 2>/dev/null || echo 0)
		[ "$have" -ge $((n - 1)) ] || { echo "# $name: $have of $n lines"; bad=$((bad + 1)); }
	done <lines.txt
	for job in $(jq -r '.jobs[] | select(.state == "interrupted") | .job' status.json); do
		left=$((left + 1))
		"$EXPUNGE" resume "$job" --keep stick --state "$S" --quiet >res.out 2>&1 </dev/null || { sed 's/^/# /' res.out; bad=$((bad + 1)); }
	done
	jq -e '[.jobs[] | select(.state == "damaged")] | length == 0' status.json >/dev/null || bad=$((bad + 1))
done
echo "# $left jobs were interrupted"
check 'some were' test $left -gt 0
is 'each leads on, no line and no record is lost or torn' $bad 0
check 'export' "$EXPUNGE" export out --keep stick
check 'all verifies' "$EXPUNGE_CERT" verify out --trust out/host.crt --log-key out/log.vkey --require-level clear \
	--require-scope logical-unit --summary
check 'the log verifies' "$EXPUNGE_CERT" log verify out/log --log-key out/log.vkey

# read-only
head -c 1000000 /dev/urandom >slow.img
mount -o remount,ro stick
"$EXPUNGE" run slow.img --level clear --confirm slow.img --keep stick --state "$S" --json >run.out 2>run.err </dev/null
is 'a read-only stick is refused' $? 4
check 'and says so' grep -q 'read-only' run.out run.err
check 'and can be exported from' "$EXPUNGE" export out2 --keep stick
done_testing
