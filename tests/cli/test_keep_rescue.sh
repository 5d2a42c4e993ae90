#!/bin/bash
# A stick whose FAT and root folder are garbage, as after a pull while certificates were exported: the boxes are
# found by themselves, lead on, and give all.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
loop=
leave() {
	umount on 2>/dev/null
	[ -z "$loop" ] || losetup -d "$loop"
}
trap leave EXIT
S=state
if ! command -v mkfs.vfat >/dev/null || ! command -v mcopy >/dev/null; then
	skip 'a damaged FAT' 'needs dosfstools and mtools'
	done_testing
fi
run() { "$EXPUNGE" run "$1" --level clear --confirm "$1" --keep "$2" --state "$3" --quiet --json "${@:4}" >run.out 2>run.err </dev/null; }

# a stick with something in front of the boxes, and between them
truncate -s 40M stick.img
mkfs.vfat -F 32 -n EXPUNGE stick.img >/dev/null
"$EXPUNGE" keep make boxes --bytes 4194304 2>/dev/null
head -c 1048576 /dev/urandom >one.img
head -c 777777 /dev/urandom >else.bin
run one.img boxes "$S"
is 'a job is kept' $? 0
# ... and one that did not end
head -c 4194304 /dev/urandom >two.img
job=$(jq -r '.results[0].job' run.out)
mcopy -i stick.img else.bin ::first.bin
mcopy -i stick.img boxes/expunge-a.box ::
mcopy -i stick.img else.bin ::second.bin
mcopy -i stick.img boxes/expunge-b.box ::
"$EXPUNGE" export whole --keep boxes 2>/dev/null
mkdir mounted
fat=$(($(od -An -tu2 -j14 -N2 stick.img) * 512))
data=$((fat + $(od -An -tu1 -j16 -N1 stick.img) * $(od -An -tu4 -j36 -N4 stick.img) * 512))
cluster=$(($(od -An -tu1 -j13 -N1 stick.img) * 512))
cp stick.img sound.img
# the boot sector, both FATs, the root folder's cluster
head -c "$((data + cluster))" /dev/urandom | dd of=stick.img conv=notrunc bs=1M 2>/dev/null
check 'the file system is gone' test -z "$(mdir -b -i stick.img 2>/dev/null)"

exits 'export finds the boxes by themselves' 0 "$EXPUNGE" export got --keep stick.img
is '... and gives all' "$(diff -r whole got)" ''
check '... which verifies' "$EXPUNGE_CERT" verify got --trust got/host.crt --log-key got/log.vkey --require-level clear \
	--require-scope logical-unit --summary
exits 'they are copied to another place' 0 "$EXPUNGE" keep rescue stick.img rescued
is '... as they were' "$(cmp boxes/expunge-a.box rescued/expunge-a.box && cmp rescued/expunge-a.box rescued/expunge-b.box)" ''
exits '... never over others' 4 "$EXPUNGE" keep rescue stick.img rescued
rm -rf "$S"
run two.img rescued "$S"
is '... and lead on' $? 0
check '... with the job from before' grep -q "$job" <("$EXPUNGE" status --all --state "$S" --json)
exits '... and the log goes on' 0 "$EXPUNGE" export got --keep rescued
is '... with both in it' "$(find got -name '*.p7s' | wc -l)" 2
check '... whole' "$EXPUNGE_CERT" log verify got/log --log-key got/log.vkey

# one box is hit, too
cp stick.img half.img
at=$(grep -abo 'XPBOX' half.img | head -n 1 | cut -d: -f1)
dd if=/dev/urandom of=half.img bs=512 seek=$((at / 512)) count=20 conv=notrunc 2>/dev/null
exits 'the other box alone gives all' 0 "$EXPUNGE" export out1 --keep half.img
is '... of it' "$(diff -r whole out1)" ''

head -c $((at + 8192)) stick.img >short.img
exits 'a medium that ends within the box gives what there is' 0 "$EXPUNGE" export out2 --keep short.img
check '... and it is told' grep -q "ends within the box at byte $at" err

# what is none, and what is of another stick
exits 'a medium without boxes' 66 "$EXPUNGE" export none --keep else.bin
mkfifo pipe
exits 'what is no medium is not even opened' 69 "$EXPUNGE" export none --keep pipe
exits '... by either command' 69 "$EXPUNGE" keep rescue pipe none
exits 'a medium without boxes cannot be rescued either' 66 "$EXPUNGE" keep rescue else.bin none
"$EXPUNGE" keep make others --bytes 4194304 2>/dev/null
head -c 1048576 /dev/urandom >three.img
run three.img others other.state
cat stick.img others/expunge-a.box >mixed.img
exits 'boxes of two sticks' 4 "$EXPUNGE" export none --keep mixed.img
check '... are told' grep -q 'different sticks' err
check '... and nothing is written' test ! -e none
is 'the medium was only read' "$(cmp stick.img <(head -c "$(stat -c %s stick.img)" mixed.img))" ''
# one that was never used, or is left from before, leads nowhere and is no other stick
"$EXPUNGE" keep make fresh --bytes 4194304 2>/dev/null
"$EXPUNGE" status --keep fresh --state fresh.state >/dev/null 2>&1
cat stick.img fresh/expunge-a.box >again.img
exits 'beside boxes that hold nothing' 0 "$EXPUNGE" export out3 --keep again.img
is '... it is all there' "$(diff -r whole out3)" ''

# what is written onto the medium itself could hit the boxes
exits 'where a folder lies that leads nowhere cannot be told' 4 "$EXPUNGE" keep rescue stick.img else.bin/rescued
check '... which is said' grep -q 'cannot be told' err
mkdir on
truncate -s 40M mounted.img
if [ "$(id -u)" -ne 0 ] || ! mkfs.ext4 -q -F mounted.img 2>/dev/null || ! loop=$(losetup -f --show mounted.img 2>/dev/null) ||
	! mount "$loop" on 2>/dev/null; then
	skip 'a folder on the medium itself' 'needs root and a loop device'
	done_testing
fi
cp --sparse=never boxes/*.box on/
sync -f on
exits 'a rescue onto the medium itself is refused' 4 "$EXPUNGE" keep rescue "$loop" on/rescued
check '... by its code' grep -q 'output_on_target' err
check '... and nothing is written there' test ! -e on/rescued
exits 'nor does export write there' 4 "$EXPUNGE" export on/out --keep "$loop"
check '... by its code' grep -q 'output_on_target' err
exits 'elsewhere it does' 0 "$EXPUNGE" export out4 --keep "$loop"
is '... all of it' "$(diff -r whole out4)" ''
done_testing
