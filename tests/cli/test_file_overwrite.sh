#!/usr/bin/env bash
# file-overwrite: what the claim says is what a search of the image below the file system finds.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
mark=expunge-secret-$$-$RANDOM
mounted=()
cleanup() {
	local i
	for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount "${mounted[i]}" 2>/dev/null; done
}
trap cleanup EXIT
run() { "$EXPUNGE" run --state "$S" --technique file-overwrite --level clear --json "$@"; }
# secret FILE BLOCKS: a marker in each 512 bytes
secret() {
	local i
	for ((i = 0; i < $2; i++)); do printf '%-511s\n' "$mark $i"; done >"$1"
}
found() { grep -c -a "$mark" "$1"; }
result() { jq -r "[.results[0] | $1] | join(\" \")" out; }

# --- without a mount: wherever the test's folder lies
secret plain.txt 600
ln plain.txt second.txt
exits 'no confirmation: refused' 4 run plain.txt
is 'and nothing is gone' "$(found plain.txt)" 600
"$EXPUNGE" plan plain.txt --technique file-overwrite --level clear --json >out 2>err
level=$(jq -r '.targets[0].expected_claim' out)
want=$([ "$level" = clear ] && echo 0 || echo 3)
is 'plan: the scope is a file' "$(jq -r '.targets[0].scope' out)" file
is 'plan: the name goes last' "$(jq -r '.targets[0].steps[-1].action' out)" unlink
exits "here it earns $level" "$want" run plain.txt --confirm plain.txt
is 'as planned' "$(result '.claim, .scope')" "$level file"
is 'the name is gone' "$(test -e plain.txt && echo there)" ''
is 'the other name has lost its contents' "$(found second.txt)" 0
check 'which is said' grep -q other-names out
record=$S/certificates/$(jq -r '.results[0].record' out)
is 'the record has its place before and after' \
	"$(jq -r '[.evidence[].file // empty] | length' "$record")" 2
"$EXPUNGE_CERT" verify "$record" --trust "$S/host.crt" --require-role host --require-scope file >out 2>&1
is 'and it holds' "$(grep -c '^E_\|CLAIM' out)" 0
is 'its key is in the record: the bytes can be computed again' \
	"$(jq -r '[.evidence[].overwrite // empty][0].content.kind' "$record")" random
secret open.txt 8
exec 7<open.txt
exits 'one that a program has open: refused' 4 run open.txt --confirm open.txt
exec 7<&-
: >empty.txt
exits 'an empty one: nothing to overwrite' 69 run empty.txt --confirm empty.txt
mkdir folder
exits 'a folder needs --recursive' 69 run folder --confirm folder

# --- folders
mkdir -p folder/a/b
for f in folder/one.txt folder/a/one.txt folder/a/b/two.txt; do secret "$f" 8; done
ln -s ../empty.txt folder/link
mkdir -p folder/bare/bare
: >folder/a/empty
exits '--recursive: no confirmation, refused' 4 run --recursive folder
is 'nothing is gone' "$(cat folder/one.txt folder/a/one.txt folder/a/b/two.txt | grep -c "$mark")" 24
exits '--recursive' "$want" run --recursive folder --confirm folder
is 'every file has a record' "$(jq '[.results[].record | select(. != "")] | length' out)" 3
is 'the folder is gone, with every name in it' "$(test -e folder && find folder)" ''
check '... but not what a link in it led to' [ -e empty.txt ]
mkdir -p kept/deep/er kept/beside
secret kept/deep/er/one.txt 8
secret kept/beside/two.txt 8
mkfifo kept/deep/pipe
exits '--recursive, with a pipe among them' "$want" run --recursive kept --confirm kept
is 'what is no file stays, and what is above it' "$(find kept | sort | tr '\n' ' ')" 'kept kept/deep kept/deep/pipe '
check '... which is said' grep -q 'kept stays: pipe is left in it' err
mkdir -p twice
secret twice/one.txt 8
ln twice/one.txt twice/other.txt
exits '--recursive, a file of two names' "$want" run --recursive twice --confirm twice
is 'the other name stays, without its contents' "$(find twice -type f | wc -l) $(cat twice/* | grep -c -a "$mark")" '1 0'
if strace -qq -o /dev/null -e inject=fsync:signal=KILL:when=99 true 2>/dev/null; then
	# killed before the file's own name goes, and with one of the folders half taken away
	for n in 1 2 3; do
		mkdir -p "cut$n/in/ner"
		secret "cut$n/in/ner/one.txt" 8
		{
			ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -qq -o /dev/null -e trace=renameat2 \
				-e "inject=renameat2:signal=KILL:when=$n" "$EXPUNGE" run --state "$S$n" --technique \
				file-overwrite --level clear --recursive "cut$n" --confirm "cut$n" >out 2>&1 </dev/null
		} 2>/dev/null
		check "killed at name $n" [ -d "cut$n" ]
		"$EXPUNGE" resume --state "$S$n" --json >out 2>err </dev/null
		is 'and taken up again' "$? $(test -e "cut$n" && find "cut$n")" "$want "
	done
fi
exits '--recursive without the technique' 64 "$EXPUNGE" run --state "$S" --recursive folder --confirm folder

# --- on file systems of our own
if [ "$(id -u)" -ne 0 ] || ! mkdir mnt || ! mount -t tmpfs none mnt 2>/dev/null; then
	skip 'file systems' 'no mounts to be had'
	done_testing
fi
umount mnt
# on NAME FILE-SYSTEM MAKE MOUNT-OPTIONS: an image with it at mnt; false: this kernel has it not
on() {
	rm -f fs.img
	truncate -s "${size:-120M}" fs.img
	eval "$3" >make.log 2>&1 && mount -o "loop${4:+,$4}" -t "$2" fs.img mnt 2>>make.log || return 1
	mounted+=("$PWD/mnt")
}
off() {
	sync
	umount "$PWD/mnt"
	mounted=()
}
# file_on NAME FILE CODE CLAIM
file_on() {
	exits "$1: exit code $3" "$3" run "$2" --confirm "$(basename "$2")"
	is "$1: claim" "$(result '.claim, .scope')" "$4 file"
	is "$1: its name is gone" "$(test -e "$2" && echo there)" ''
}

if on ext4 ext4 'mkfs.ext4 -q fs.img'; then
	secret mnt/s.txt 4000
	sync
	check 'ext4: it was there' test "$(found fs.img)" -ge 4000
	file_on ext4 mnt/s.txt 0 clear
	# holes have nothing to hide; what is written into them is new
	truncate -s 1M mnt/holes.txt
	secret piece.txt 100
	dd if=piece.txt of=mnt/holes.txt bs=4096 seek=30 conv=notrunc status=none
	sync
	file_on 'ext4, with holes' mnt/holes.txt 0 clear
	off
	is 'ext4: the image holds none of it' "$(found fs.img)" 0
else
	skip ext4 'not in this kernel'
fi
if on journal ext4 'mkfs.ext4 -q fs.img' data=journal; then
	secret mnt/s.txt 400
	file_on 'ext4, data=journal' mnt/s.txt 3 none
	check 'and why' grep -q 'into its journal' out
	off
	check 'the image still holds some of it' test "$(found fs.img)" -gt 0
else
	skip 'ext4 data=journal' 'not in this kernel'
fi
size=320M
if on xfs xfs 'mkfs.xfs -q -m reflink=1 fs.img'; then
	secret mnt/s.txt 4000
	sync
	check 'xfs: it was there' test "$(found fs.img)" -ge 4000
	file_on xfs mnt/s.txt 0 clear
	off
	is 'xfs: the image holds none of it' "$(found fs.img)" 0
else
	skip xfs 'not in this kernel'
fi
if on reflink xfs 'mkfs.xfs -q -m reflink=1 fs.img'; then
	secret mnt/s.txt 400
	cp --reflink=always mnt/s.txt mnt/twin.txt
	file_on 'xfs, a reflink' mnt/s.txt 3 none
	check 'and why' grep -q 'have the same bytes' out
	off
	check 'the twin still has it' test "$(found fs.img)" -ge 400
else
	skip 'xfs with a reflink' 'not in this kernel'
fi
if on btrfs btrfs 'mkfs.btrfs -q fs.img'; then
	btrfs -q subvolume create mnt/v >/dev/null 2>&1
	secret mnt/v/s.txt 400
	sync
	btrfs -q subvolume snapshot -r mnt/v mnt/snap >/dev/null 2>&1
	file_on 'btrfs, a snapshot' mnt/v/s.txt 3 none
	check 'with what would help' grep -q 'erase the volume' out
	off
	check 'the snapshot still has it' test "$(found fs.img)" -ge 400
else
	skip btrfs 'not in this kernel'
fi
if mount -t tmpfs -o size=16m none mnt; then
	mounted=("$PWD/mnt")
	secret mnt/s.txt 400
	if [ "$(wc -l </proc/swaps)" -le 1 ]; then
		file_on 'tmpfs without swap' mnt/s.txt 0 clear
	else
		file_on 'tmpfs with swap' mnt/s.txt 3 none
	fi
	off
fi
mkdir -p lower upper work
secret lower/s.txt 400
if mount -t tmpfs none upper && mounted=("$PWD/upper") && mkdir upper/up upper/work &&
	mount -t overlay -o "lowerdir=lower,upperdir=upper/up,workdir=upper/work" none mnt 2>/dev/null; then
	mounted+=("$PWD/mnt")
	file_on overlayfs mnt/s.txt 3 none
	check 'and why' grep -q 'the lower copy stays' out
	is 'the lower copy still has it' "$(found lower/s.txt)" 400
	umount "$PWD/mnt"
else
	skip overlayfs 'not in this kernel'
fi
done_testing
