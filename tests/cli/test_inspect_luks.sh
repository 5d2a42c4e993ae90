#!/usr/bin/env bash
# inspect and plan of images with LUKS headers that cryptsetup made, whole and damaged: what they say of each,
# and that not a byte is written, where a plain load by libcryptsetup would mend a damaged copy.
. tests/cli/tap.sh
if ! command -v cryptsetup >/dev/null; then
	skip 'inspect of LUKS' 'no cryptsetup'
	done_testing
fi
cd "${TMPDIR:?}" || exit 1
printf key >key
# format IMAGE ARGUMENT...
format() {
	truncate -s 64M "$1"
	cryptsetup luksFormat -q --key-file key "${@:2}" "$1" --uuid 11111111-2222-3333-4444-555555555555
}
K=(--type luks2 --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1)
# sees IMAGE FILTER: the answer of inspect, and the image as it was
sees() {
	local before
	before=$(sha256sum <"$1")
	"$EXPUNGE" inspect "$1" --json >out 2>err || return 1
	jq -r "$2" out
	[ "$(sha256sum <"$1")" = "$before" ] || echo 'the image was written to'
}
brief='.luks[] | [.type, .uuid[:8], .cipher, .primary, .secondary // "-", .slots, .tokens, .second_reader] | join(" ")'

truncate -s 64M bare.img
is 'no volume: empty lists' "$(sees bare.img '"\(.luks) \(.luks_mappings) \(has("luks_copies"))"')" '[] [] false'
format v1.img --type luks1 --pbkdf-force-iterations 1000
is 'LUKS1' "$(sees v1.img "$brief")" 'LUKS1 11111111 aes-xts-plain64 valid - 1 0 agrees'
format v2.img "${K[@]}"
printf '{"type":"clevis","keyslots":["0"]}' | cryptsetup token import v2.img
is 'LUKS2 with a token' "$(sees v2.img "$brief")" 'LUKS2 11111111 aes-xts-plain64 valid valid 1 1 agrees'
is '... its type' "$(jq -r '.luks[0].token_types' out)" clevis
is '... where its data begins' "$(jq -r '.luks[0] | .data_offset + " " + .keys_bytes' out)" '16777216 16777216'
is '... no copy elsewhere' "$(jq -c '.luks_copies' out)" '[]'
is '... and so much was searched' "$(jq -r '.luks_searched_bytes' out)" $((67108864 - 32768))
cp v2.img second.img
dd if=/dev/zero of=second.img bs=4096 count=1 conv=notrunc status=none
is 'its second header alone' "$(sees second.img "$brief")" 'LUKS2 11111111 aes-xts-plain64 absent valid 1 1 agrees'
cp v2.img first.img
dd if=/dev/urandom of=first.img bs=4096 seek=5 count=1 conv=notrunc status=none
is 'its first header alone' "$(sees first.img "$brief")" 'LUKS2 11111111 aes-xts-plain64 valid damaged 1 1 agrees'
cp v2.img backup.img
dd if=v2.img of=backup.img bs=1M count=16 seek=40 conv=notrunc status=none
is 'a backup of the header elsewhere on it' \
	"$(sees backup.img '[.luks_copies[] | .offset + " " + .uuid[:8]] | join(", ")')" \
	'41943040 11111111, 41959424 11111111'
truncate -s 64M data.img
cryptsetup luksFormat -q --key-file key "${K[@]}" --header head.img data.img
is 'a detached header' "$(sees head.img '.luks[0].detached')" true
is '... and nothing on its data' "$(sees data.img '.luks | length')" 0
"$EXPUNGE" plan v2.img --level clear --json >out
is 'plan has the volume, too' "$(jq -r '.targets[0].luks[0].uuid[:8]' out)" 11111111
"$EXPUNGE" inspect v2.img >out
check 'a person sees it' grep -q 'type: LUKS2, uuid: 11111111-' out
done_testing
