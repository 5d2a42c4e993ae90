#!/bin/bash
# Certificates beside the boxes as each job ends; and never onto a drive whose own job has not ended.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
loop=
leave() {
	umount on 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop"
	[ -z "${other:-}" ] || losetup -d "$other"
}
trap leave EXIT
S=state K=stick
"$EXPUNGE" keep make "$K" --bytes 8388608 2>/dev/null
mkdir "$K/certificates"
run() { # run TARGET NAME OPTION...
	"$EXPUNGE" run "$1" --level clear --confirm "$2" --keep "$K" --state "$S" --quiet --json "${@:3}" >run.out 2>run.err </dev/null
}

# ---- as each ends, while another one of the batch is still at work ----
FAULTFS=${EXPUNGE%/*}/faultfs
export FAULTFS_RELEASE=$TMPDIR/release
head -c 1048576 /dev/urandom >quick.img
if [ -x "$FAULTFS" ] && [ -w /dev/fuse ] && [ "$(id -u)" -eq 0 ] && mkdir hangs && "$FAULTFS" hangs 4194304 /slow.img hang-write=2000000; then
	run quick.img quick.img hangs/slow.img --confirm slow.img &
	pid=$!
	until compgen -G "$K/certificates/*.p7s" >/dev/null || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
	is 'a certificate stands beside the boxes while the batch goes on' "$(find "$K/certificates" -name '*.p7s' | wc -l)" 1
	is 'the other one is still at work' "$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[].state')" running
	touch release
	wait $pid
	is 'both are done' $? 0
	is 'and both stand there' "$(find "$K/certificates" -name '*.p7s' | wc -l)" 2
	umount hangs
else
	skip 'a certificate stands beside the boxes while the batch goes on' 'no FUSE'
fi

# ---- an export that fails fails no job, and is made up for ----
mv "$K/certificates" kept
mkdir "$K/certificates"
cp kept/log.vkey "$K/certificates/"
sed -i 's/^[^+]*/other.example\/usb-1/' "$K/certificates/log.vkey"
cp "$S/log.vkey" own.vkey
"$EXPUNGE" keep make other --bytes 4194304 2>/dev/null
head -c 1048576 /dev/urandom >three.img
"$EXPUNGE" run three.img --level clear --confirm three.img --keep other --state other.state --quiet >/dev/null 2>&1
cp other.state/log.vkey "$K/certificates/log.vkey"
head -c 1048576 /dev/urandom >quick.img
run quick.img quick.img
is 'a folder of another stick beside the boxes fails no job' $? 0
check 'it is told' grep -q 'nothing was exported.*holds the log of another stick' run.err
rm "$K/certificates/log.vkey"
"$EXPUNGE" resume --keep "$K" --state "$S" >/dev/null 2>&1
head -c 1048576 /dev/urandom >quick.img
run quick.img quick.img
is 'the next one makes up for it' "$(find "$K/certificates" -name '*.p7s' | wc -l)" "$(find "$S/certificates" -name '*.p7s' | wc -l)"

# ---- not onto a drive whose job has not ended ----
# a name that no other test has: it confirms this loop, and would confirm theirs
drive=drive-$$.img
truncate -s 32M "$drive"
mkdir on
if [ "$(id -u)" -ne 0 ] || ! loop=$(losetup -f --show "$drive" 2>/dev/null); then
	skip 'a drive whose job has not ended' 'needs root and a loop device'
	done_testing
fi
run "$loop" "$drive"
is 'a drive is erased' $? 0
job=$(jq -r '.results[0].job' run.out)
if ! mkfs.ext4 -q -F "$loop" 2>/dev/null || ! mount "$loop" on 2>/dev/null; then
	skip 'a drive whose job has not ended' 'no file system here'
	done_testing
fi
exits 'a drive whose job has ended may be exported to' 0 "$EXPUNGE" export on/out --keep "$K" --state "$S"
# as if it had died in the middle; the boxes hear of it as of the state folder that they are told from
head -n 3 "$S/jobs/$job/journal.jsonl" >short
cp short "$S/jobs/$job/journal.jsonl"
rm -rf on/out
exits 'one whose job has not ended may not' 4 "$EXPUNGE" export on/out --state "$S"
check '... by its code' grep -q '^expunge: output_on_target: .*on/out lies on' err
check '... and nothing is written there' test ! -e on/out
head -c 1048576 /dev/urandom >quick.img
run quick.img quick.img
exits 'from the boxes alone neither' 4 "$EXPUNGE" export on/out --keep "$K"
check '... by its code' grep -q 'output_on_target' err
run quick.img quick.img --out on/certs
is 'nor may a run put certificates there' $? 4
check '... by its code' grep -q 'output_on_target' run.err run.out
cp -r --sparse=never "$K" on/stick 2>/dev/null
"$EXPUNGE" run quick.img --level clear --confirm quick.img --keep on/stick --state "$S" --quiet >run.out 2>run.err </dev/null
is 'nor keep its boxes there' $? 4
check '... by its code' grep -q 'output_on_target' run.err
exits 'another folder will do' 0 "$EXPUNGE" export elsewhere --keep "$K"

# ---- nor where that drive has another name today ----
# attach FILE [NOT]: mounts it, by a loop that is not NOT
attach() {
	other=
	loop=$(losetup -f --show "$1") || return 1
	if [ "$loop" = "${2:-}" ]; then
		other=$loop
		losetup -d "$loop"
		head -c 1048576 /dev/zero >other.img
		other=$(losetup -f --show other.img)
		loop=$(losetup -f --show "$1") || return 1
	fi
	mount "$loop" on
}
detach() {
	umount on
	losetup -d "$loop"
	loop=
	[ -z "${other:-}" ] || losetup -d "$other"
	other=
}
was=$loop
detach
mv "$drive" moved.img
if attach moved.img "$was"; then
	exits 'under another number' 4 "$EXPUNGE" export on/out --state "$S"
	check '... by its code' grep -q '^expunge: output_on_target: .*on/out lies on' err
	check '... and nothing is written there' test ! -e on/out
	run quick.img quick.img --out on/certs
	is 'nor may a run put certificates there' $? 4
	detach
else
	skip 'under another number' 'no loop device to be had'
fi

# ---- an image, as itself ----
head -c 33554432 /dev/zero >image.img
run image.img image.img
job=$(jq -r '.results[0].job' run.out)
mkfs.ext4 -q -F image.img
head -n 3 "$S/jobs/$job/journal.jsonl" >short
cp short "$S/jobs/$job/journal.jsonl"
mv image.img renamed.img
if attach renamed.img; then
	exits 'an image that has another name' 4 "$EXPUNGE" export on/out --state "$S"
	check '... by its code' grep -q '^expunge: output_on_target: .*on/out lies on' err
	detach
else
	skip 'an image that has another name' 'no loop device to be had'
fi

# ---- other drives come and go all the while ----
truncate -s 1M comes.img
if other=$(losetup -f --show comes.img 2>/dev/null); then
	while [ ! -e enough ]; do
		losetup -d "$other" 2>/dev/null
		other=$(losetup -f --show comes.img 2>/dev/null)
		echo "$other" >other.now
	done &
	pid=$!
	refused=0
	for i in {1..15}; do
		"$EXPUNGE" export "comes.$i" --state "$S" >out 2>err || refused=$((refused + 1))
	done
	touch enough
	wait $pid
	other=$(cat other.now)
	is 'none of them is in the way' "$refused" 0
	losetup -d "$other"
	other=
else
	skip 'none of them is in the way' 'no loop device to be had'
fi

# ---- a journal that cannot be read names no drive: it is told, and the rest is checked ----
sed -i '1s/^./#/' "$S/jobs/$job/journal.jsonl"
exits 'a damaged journal keeps nobody from his certificates' 0 "$EXPUNGE" export elsewhere.2 --state "$S"
check '... and is told' grep -q "warning: the journal of job $job is damaged" err
done_testing
