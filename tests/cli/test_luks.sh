#!/usr/bin/env bash
# luks-destroy on volumes that cryptsetup made: afterwards cryptsetup cannot read, mend or open them, by no
# copy of a header and with no passphrase, and nothing of a key slot is left where it stood.
. tests/cli/tap.sh
if ! command -v cryptsetup >/dev/null; then
	skip 'luks-destroy' 'no cryptsetup'
	done_testing
fi
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
loop=
trap '[ -z "$loop" ] || losetup -d "$loop"' EXIT
printf 'first' >p1
printf 'second' >p2
printf 'wrong' >p3
K=(--pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1)
K1=(--pbkdf-force-iterations 1000)
run() { "$EXPUNGE" run --state "$S" --technique luks-destroy --level clear --json "$@"; }
plan() { "$EXPUNGE" plan --technique luks-destroy --level clear --json "$@"; }
# format IMAGE SIZE ARGUMENT...: a volume with two passphrases
format() {
	local image=$1 size=$2 k=("${K[@]}")
	shift 2
	[[ $* == *luks1* ]] && k=("${K1[@]}")
	truncate -s "$size" "$image"
	cryptsetup luksFormat -q "${k[@]}" --key-file p1 "$@" "$image" &&
		cryptsetup luksAddKey -q "${k[@]}" --key-file p1 "$image" p2
}
# (with locks cryptsetup would mend a damaged copy)
opens() { cryptsetup open --disable-locks --test-passphrase --key-file "$1" "$2" 2>/dev/null; }
dead() {
	local p
	cryptsetup luksDump "$1" >/dev/null 2>&1 && return 1
	cryptsetup repair -q "$1" >/dev/null 2>&1 </dev/null && return 1
	for p in p1 p2; do opens "$p" "$1" && return 1; done
	! cryptsetup luksDump "$1" >/dev/null 2>&1
}
# Is no block of BEFORE's first BYTES that held something left anywhere in the same part of AFTER?
nothing_left() {
	python3 - "$@" <<'PYTHON'
import sys
before, after, size = open(sys.argv[1], "rb").read(int(sys.argv[3])), open(sys.argv[2], "rb").read(int(sys.argv[3])), 512
old = {before[i:i + size] for i in range(0, len(before), size)}
old = {b for b in old if len(set(b)) > 4}
left = sum(after[i:i + size] in old for i in range(0, len(after), size))
magics = after.count(b"LUKS\xba\xbe") + after.count(b"SKUL\xba\xbe")
same = before == after
sys.exit(1 if left or magics or same or not old else 0)
PYTHON
}
# The second copy, put where the first one stood, as a repair would do it.
restored() {
	local at
	for at in 4 8 1024; do
		head -c 17825792 "$1" >again.img
		dd if="$1" of=again.img bs=4096 skip="$at" count=4 conv=notrunc status=none
		printf 'LUKS\xba\xbe' | dd of=again.img bs=1 conv=notrunc status=none
		dead again.img || return 1
	done
}
# destroy WHAT IMAGE AREA: the whole way, and what is left
destroy() {
	cp --sparse=always "$2" before.img
	check "$1: it opens before" opens p1 "$2"
	exits "$1: done" 0 run "$2" --confirm "$2"
	is "$1: claim" "$(jq -r '.results[0].claim + " " + .results[0].outcome' out)" 'clear sanitized'
	is "$1: the area" "$(jq -r '.results[0].bytes_written' out)" "$3"
	record=$S/certificates/$(jq -r '.results[0].record' out)
	check "$1: cryptsetup cannot read, mend or open it" dead "$2"
	check "$1: nor from a second copy" restored "$2"
	check "$1: nothing of the metadata is left" nothing_left before.img "$2" "$3"
	is "$1: digest before" "$(jq -r '[.evidence[].volumes // empty][0][0].sha256' "$record")" \
		"$(head -c "$3" before.img | sha256sum | cut -d' ' -f1)"
	is "$1: digest after" "$(jq -r '[.evidence[].search // empty][0].areas[0].sha256' "$record")" \
		"$(head -c "$3" "$2" | sha256sum | cut -d' ' -f1)"
	exits "$1: the record holds" 0 "$EXPUNGE_CERT" verify "$record" --trust "$S/host.crt" \
		--require-role host --require-scope "${scope:-logical-unit}"
	exits "$1: and the target still reads so" 0 "$EXPUNGE" verify "$2" --record "$record"
}
facts() { jq -r "[.evidence[].volumes // empty][0][0] | $1" "$record"; }
MIB=1048576

format two.img 20M --type luks2 --pbkdf argon2id
echo '{"type":"clevis","keyslots":["0"],"jwe":{}}' | cryptsetup token import two.img
destroy 'LUKS2' two.img $((16 * MIB))
is 'its slots and tokens stand in the record' "$(facts '"\(.version) \(.slots) \(.tokens) \(.token_types) \(.second_reader)"')" \
	'2 2 1 clevis agrees'
is 'no header stands there' "$(grep -c 'argon2id\|keyslots_size' "$record")" 0
exits 'show tells of it' 0 "$EXPUNGE_CERT" show "$record"
check 'show names the volume' grep -q 'LUKS2 .* aes-xts-plain64' out

format one.img 20M --type luks1
destroy 'LUKS1' one.img $((16 * MIB))
format small.img 3M --type luks1
destroy 'LUKS1 on 3 MiB' small.img $((3 * MIB))
format sectors.img 20M --type luks2 --sector-size 4096
destroy 'LUKS2, sectors of 4096' sectors.img $((16 * MIB))
format sizes.img 40M --type luks2 --luks2-metadata-size 4m --luks2-keyslots-size 24m
destroy 'LUKS2, large metadata' sizes.img $((32 * MIB))
is 'the second copy was found' "$(facts '.secondary + " " + .header_bytes')" "valid $((8 * MIB))"
format far.img 44M --type luks2 --offset $((40 * MIB / 512))
destroy 'LUKS2, data far behind' far.img $((40 * MIB))

format primary.img 20M --type luks2
dd if=/dev/zero of=primary.img bs=4096 count=4 conv=notrunc status=none
destroy 'LUKS2, primary copy lost' primary.img $((20 * MIB))
is 'which was seen' "$(facts '.primary + " " + .secondary')" 'absent valid'
format secondary.img 20M --type luks2
dd if=/dev/urandom of=secondary.img bs=4096 seek=5 count=1 conv=notrunc status=none
destroy 'LUKS2, second copy damaged' secondary.img $((20 * MIB))
is 'which was seen, too' "$(facts '.primary + " " + .secondary')" 'valid damaged'
format both.img 20M --type luks2
printf '\1' | dd of=both.img bs=1 seek=5000 conv=notrunc status=none
printf '\1' | dd of=both.img bs=1 seek=$((16384 + 5000)) conv=notrunc status=none
exits 'LUKS2, both copies damaged: done' 0 run both.img --confirm both.img
is 'all that the format may use was overwritten' "$(jq -r '.results[0].bytes_written' out)" $((20 * MIB))

truncate -s 8M data.img
truncate -s 16M head.img
cryptsetup luksFormat -q "${K[@]}" --key-file p1 --type luks2 --header head.img data.img
cryptsetup luksAddKey -q "${K[@]}" --key-file p1 head.img p2
destroy 'LUKS2, detached header' head.img $((16 * MIB))
is 'the record says that the data is elsewhere' "$(facts .detached)" true
check 'and its claim, too' grep -q '"data-elsewhere"' "$record"

format half.img 20M --type luks2
cryptsetup reencrypt --init-only -q --key-slot 0 --key-file p1 "${K[@]}" half.img 2>/dev/null
cp half.img before.img
check 'LUKS2, reencryption begun' grep -qa online-reencrypt half.img
exits 'it is destroyed' 0 run half.img --confirm half.img
check 'cryptsetup cannot read, mend or open it' dead half.img
check 'nothing of it is left' nothing_left before.img half.img $((16 * MIB))
record=$S/certificates/$(jq -r '.results[0].record' out)
is 'the record tells of it' "$(facts .reencrypting)" true

# --- where a key's loss is worth nothing
truncate -s 64M plain.img
cryptsetup reencrypt --encrypt --init-only --reduce-device-size 32M -q "${K[@]}" --key-file p1 plain.img 2>/dev/null
exits 'data that is not encrypted yet: earns nothing' 69 plan plain.img
check 'the plan says why' grep -q 'not encrypted, or not yet' out
format null.img 20M --type luks1
printf 'cipher_null\0' | dd of=null.img bs=1 seek=8 conv=notrunc status=none
printf 'ecb\0\0\0\0\0\0\0\0' | dd of=null.img bs=1 seek=40 conv=notrunc status=none
before=$(sha256sum null.img)
exits 'a cipher that encrypts nothing: earns nothing' 69 run null.img --confirm null.img
check 'and that is why' grep -q 'encrypts nothing' out
is 'and it stays as it is' "$(sha256sum null.img)" "$before"
head -c 1000000 /dev/urandom >none.img
exits 'no header: not supported' 69 run none.img --confirm none.img
: >empty.img
exits 'an empty file' 69 run empty.img --confirm empty.img

# --- copies of the header on the same target
format copy.img 64M --type luks2
cryptsetup luksHeaderBackup copy.img --header-backup-file backup
dd if=backup of=copy.img bs=$MIB seek=40 conv=notrunc status=none
exits 'a header backup on the same target: failed' 1 run copy.img --confirm copy.img
is 'no level' "$(jq -r '.results[0].claim + " " + .results[0].outcome' out)" 'none failed'
check 'the reason' grep -q header-copy-left out
record=$S/certificates/$(jq -r '.results[0].record' out)
is 'where it stands' "$(jq -r '[.evidence[].search // empty][0].copies[0].offset' "$record")" $((40 * MIB))
format other.img 20M --type luks2
format host.img 64M --type luks2
dd if=other.img of=host.img bs=$MIB seek=40 conv=notrunc status=none
exits 'the header of another volume: done' 0 run host.img --confirm host.img
check 'and said' grep -q other-volume out

# --- the operator's word on backups
for word in none unknown 'safe of the branch, envelope 12'; do
	format word.img 17M --type luks1
	printf '{"header_backups":"%s"}' "$word" >fields.json
	exits "header_backups: $word" 0 run word.img --confirm word.img --record-fields fields.json
	record=$S/certificates/$(jq -r '.results[0].record' out)
	case $word in none) want=no ;; unknown) want=unknown ;; *) want=yes ;; esac
	is 'is in the evidence' "$(jq -r '[.evidence[].keys // empty][0].copies_alive' "$record")" $want
done

# --- and on what stood there before the volume was made
for word in no unknown yes; do
	format word.img 17M --type luks1
	printf '{"header_backups":"none","plaintext_before":"%s"}' "$word" >fields.json
	code=0
	[ $word != yes ] || code=2
	exits "plaintext_before: $word" $code run word.img --confirm word.img --record-fields fields.json
	record=$S/certificates/$(jq -r '.results[0].record' out)
	is '... in the evidence' "$(jq -r '[.evidence[].keys // empty][0].plaintext_before' "$record")" $word
	is '... in the reasons' "$(jq -r '[.results[0].reasons[].code | select(startswith("plaintext"))] | join(" ")' out)" \
		"$(case $word in yes) echo plaintext-possible plaintext-before ;; unknown) echo plaintext-possible ;; esac)"
done

# --- what is not to happen
format keep.img 20M --type luks2
before=$(sha256sum keep.img)
exits 'no confirmation: refused' 4 run keep.img
exits 'plan writes nothing' 0 plan keep.img
is 'not a byte changed' "$(sha256sum keep.img)" "$before"
is 'the plan names what is destroyed' "$(jq -r '.targets[0].blast_radius[0]' out | grep -c 'all keys of the LUKS2 volume')" 1
exits 'without being asked for it comes first' 0 "$EXPUNGE" plan --level clear --json keep.img
is 'and an overwrite of all behind it' "$(jq -r '[.targets[0].steps[].technique // empty] | join(" ")' out)" \
	'luks-destroy overwrite-zero'
# a damaged primary is not mended by looking
dd if=/dev/zero of=keep.img bs=4096 count=4 conv=notrunc status=none
before=$(sha256sum keep.img)
exits 'plan on a damaged header' 0 plan keep.img
is 'libcryptsetup did not mend it' "$(sha256sum keep.img)" "$before"

# --- a whole disk: first the keys, then all of it
format part.img 20M --type luks2
truncate -s 40M disk.img
printf 'label: gpt\nstart=2048, size=8192\nstart=16384, size=40960\n' | sfdisk -q disk.img
printf 'plain text' | dd of=disk.img bs=1 seek=$((2048 * 512 + 100)) conv=notrunc status=none
dd if=part.img of=disk.img bs=512 seek=16384 conv=notrunc status=none
cp disk.img whole.img
exits 'a disk with a LUKS partition: its keys alone earn nothing' 69 plan disk.img
check 'the partition is to be named' grep -q 'name its partition' out
exits 'a disk with a LUKS partition' 0 "$EXPUNGE" run disk.img --state "$S" --level clear --json --confirm disk.img
record=$S/certificates/$(jq -r '.results[0].record' out)
is 'keys first, then everything' \
	"$(jq -r '[.evidence[] | select(.phase == "erase") | "\(.attempt) \(.technique)"] | join(", ")' "$record")" \
	'1 luks-destroy, 2 overwrite-zero'
is 'where the keys stood' "$(facts '"\(.offset) \(.area_bytes)"')" "$((16384 * 512)) $((16 * MIB))"
is 'the claim is that of the overwrite' "$(jq -r '.claim | .level + " " + .technique' "$record")" 'clear overwrite-zero'
exits 'the record holds' 0 "$EXPUNGE_CERT" verify "$record" --trust "$S/host.crt" --require-role host \
	--require-scope logical-unit
exits 'and the target still reads so' 0 "$EXPUNGE" verify disk.img --record "$record"
is 'all of it is zero' "$(tr -d '\0' <disk.img | wc -c)" 0
if strace -qq -o /dev/null -e inject=fsync:signal=KILL:when=99 true 2>/dev/null; then
	# killed in the second attempt: the keys are gone already, and resume does the rest
	for n in 30 40 50; do
		cp whole.img disk.img
		rm -rf killed
		{ strace -f -qq -o /dev/null -e trace=io_uring_enter,pwrite64 \
			-e inject=io_uring_enter,pwrite64:signal=KILL:when=$n "$EXPUNGE" run disk.img --state killed \
			--level clear --json --confirm disk.img >out 2>err </dev/null; } 2>/dev/null
		dd if=disk.img of=part.img bs=512 skip=16384 count=40960 conv=notrunc status=none
		[ "$n" -lt 50 ] || check 'killed in the second attempt: the keys are gone' dead part.img
		exits "killed at $n: resumed" 0 "$EXPUNGE" run disk.img --state killed --level clear --json \
			--confirm disk.img --if-needed
		is 'all of it is zero' "$(tr -d '\0' <disk.img | wc -c)" 0
		is 'with both attempts' "$(jq -r '[.evidence[] | select(.phase == "erase") | .technique] | unique | join(" ")' \
			killed/certificates/*.json)" 'luks-destroy overwrite-zero'
	done
fi

# --- on a device
# a name that no other test has: it confirms this loop, and would confirm theirs
device=luks-$$.img
if [ "$(id -u)" -eq 0 ] && format "$device" 20M --type luks2 && loop=$(losetup -f --show "$device" 2>/dev/null); then
	exits 'a loop device: done' 0 run "$loop" --confirm "$device"
	check 'cryptsetup cannot read, mend or open it' dead "$loop"
	losetup -d "$loop"
	loop=
	check 'nor the file below it' dead "$device"
else
	skip 'a loop device' 'no loop device to be had'
fi
done_testing
