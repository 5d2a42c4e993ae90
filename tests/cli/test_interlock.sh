#!/usr/bin/env bash
# The interlock from outside: what is in use is refused with exit 4 and its code, and not a byte changes.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
has() { jq -e "$@" >/dev/null; }
S=$TMPDIR/state
name=interlock-$$.img
loops=
holder=
cleanup() {
	[ -n "$holder" ] && kill "$holder"
	swapoff "$TMPDIR/$name" 2>/dev/null
	for l in $loops; do swapoff "$l" 2>/dev/null; done
	umount -q "$TMPDIR/mnt" 2>/dev/null
	for l in $loops; do losetup -d "$l" 2>/dev/null; done
}
trap cleanup EXIT

# what must not change: the image, all of it or its first $digest_bytes
digest_bytes=
digest() { if [ -n "$digest_bytes" ]; then head -c "$digest_bytes" "$name"; else cat "$name"; fi | sha256sum; }

# refused NAME, CODE, TARGET, CONFIRM...: run and plan say 4 and the code, and the image stays as it is
refused() {
	local what=$1 code=$2 target=$3 before after c args=()
	shift 3
	for c in "$@"; do args+=(--confirm "$c"); done
	before=$(digest)
	exits "$what: run exits 4" 4 "$EXPUNGE" run --state "$S" --level clear "$target" "${args[@]}"
	after=$(digest)
	check "$what: the reason is told" test -s err
	is "$what: not a byte changed" "$after" "$before"
	case $code in
	confirm_*) ;;
	*)
		"$EXPUNGE" plan --state "$S" --level clear --json "$target" >out 2>err
		is "$what: plan exits 4, too" $? 4
		check "$what: the code is $code" has --arg c "$code" '.targets[0].refusals | any(.code == $c)' out
		check "$what: with a remedy" has '.targets[0].refusals | all(.remedy != "" and .message != "")' out
		;;
	esac
}

head -c 4194304 /dev/urandom >"$name"
refused 'a wrong confirm string' confirm_mismatch "$name" disk.img
refused 'no confirm string' confirm_mismatch "$name"

exec 9<"$name"
refused 'an image that somebody has open' open_elsewhere "$name" "$name"
exec 9<&-

sleep 60 9<>"$name" &
holder=$!
"$EXPUNGE" plan --state "$S" --level clear --json "$name" >out 2>err
is 'the code is open_elsewhere' "$(jq -r '.targets[0].refusals[0].code' out)" open_elsewhere
check 'the process is named' grep -q "pid $holder" out
kill "$holder"
wait "$holder" 2>/dev/null
holder=

if [ "$(id -u)" -ne 0 ] || ! l=$(losetup -f --show "$name" 2>/dev/null); then
	skip 'loop devices' 'not root, or the kernel has none'
	done_testing
fi
loops=$l
refused 'the image below a loop' holder "$name" "$name"
if upper=$(losetup -f --show "$l" 2>/dev/null); then
	loops="$upper $l"
	refused 'a loop below a loop' holder "$l" "$name"
	losetup -d "$upper"
	loops=$l
fi
sleep 60 9<>"$l" &
holder=$!
refused 'a loop that a process has open' open_elsewhere "$l" "$name"
kill "$holder"
wait "$holder" 2>/dev/null
holder=

mkdir -p mnt
if mkfs.ext4 -q -F "$l" 2>/dev/null && mount -o ro "$l" mnt 2>/dev/null; then
	refused 'a mounted loop' mounted "$l" "$name"
	umount mnt
else
	skip 'a mounted loop' 'no ext4 here'
fi
if mkswap "$l" >/dev/null 2>&1 && swapon "$l" 2>/dev/null; then
	# the kernel may put pages behind the header while we look
	digest_bytes=4096
	refused 'swap' swap "$l" "$name"
	digest_bytes=
	swapoff "$l"
else
	skip 'swap' 'it cannot be switched on here'
fi
if other=$(losetup -f --show "$name" 2>/dev/null); then
	loops="$other $l"
	refused 'a name that fits two devices' confirm_ambiguous "$l" "$name"
	losetup -d "$other"
	loops=$l
fi

# what nobody uses any more is erased
exits 'the free loop' 0 "$EXPUNGE" run --state "$S" --level clear "$l" --confirm "$name"
losetup -d "$l"
loops=
is 'the image is zero' "$(tr -d '\0' <"$name" | wc -c)" 0

# the disk that this system runs from: the plan alone, without any confirmation
root=$(findmnt -no SOURCE / 2>/dev/null)
if [ -b "$root" ]; then
	"$EXPUNGE" plan --state "$S" --level clear --json "$root" >out 2>err
	is 'the system disk: exit 4' $? 4
	check 'the system disk: its code comes first' \
		has '.targets[0].refusals[0].code | . == "system_disk" or . == "boot_medium"' out
else
	skip 'the system disk' "the root is on no block device ($root)"
fi
done_testing
