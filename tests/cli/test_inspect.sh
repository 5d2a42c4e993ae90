#!/bin/bash
# inspect: what it shows of images and of drives from transcripts, held against hdparm.
. tests/cli/tap.sh

img=$TMPDIR/inspect.img
truncate -s 8M "$img"
mke2fs -q -F -L probe-me "$img"
sum=$(sha256sum <"$img")
json=$("$EXPUNGE" inspect "$img" --json)
is 'an image is shown with its size' "$(jq -r .bytes <<<"$json")" 8388608
is 'an image has no drive to ask' "$(jq -r 'has("drive")' <<<"$json")" false
check 'the signature is named' grep -q probe-me <<<"$(jq -r '.signatures[]' <<<"$json")"
is 'nothing was written' "$(sha256sum <"$img")" "$sum"

exits 'a transcript of an image cannot be had' 69 \
	"$EXPUNGE" inspect "$img" --record-transcript "$TMPDIR/t.jsonl"
check '... and leaves no file' test ! -e "$TMPDIR/t.jsonl"
exits 'neither TARGET nor transcript: usage' 64 "$EXPUNGE" inspect
exits 'both: usage' 64 "$EXPUNGE" inspect "$img" --replay tests/replay/wd-wd4000kd.jsonl
exits 'a transcript that is not there: no input' 66 "$EXPUNGE" inspect --replay "$TMPDIR/none"
head -c 3000 tests/replay/wd-wd4000kd.jsonl >"$TMPDIR/cut.jsonl"
check 'a transcript that is cut off is refused' \
	bash -c '! "$0" inspect --replay "$1" >"$2" 2>&1' "$EXPUNGE" "$TMPDIR/cut.jsonl" "$TMPDIR/out"
check '... with the line' grep -q 'line ' "$TMPDIR/out"

# hdparm's reading of the same words; what it shows only for some drives is compared where it does
yes_no() {
	if grep -Eq "$2" <<<"$1"; then echo true; else echo false; fi
}

for hex in tests/data/identify/*.hex; do
	name=$(basename "$hex" .hex)
	if ! command -v hdparm >/dev/null; then
		skip "$name: as hdparm reads it" 'hdparm is not installed'
		continue
	fi
	theirs=$(hdparm --Istdin <"$hex" 2>/dev/null)
	ours=$("$EXPUNGE" inspect --replay "tests/replay/$name.jsonl" --json)
	of() { jq -r "$1" <<<"$ours"; }
	field() { sed -n "s/^[ \t]*$1[ \t]*//p" <<<"$theirs" | head -1 | sed 's/ *$//'; }
	is "$name: model" "$(of .model)" "$(field 'Model Number:')"
	is "$name: firmware" "$(of .firmware)" "$(field 'Firmware Revision:')"
	is "$name: sectors" "$(of .drive.ata.sectors)" "$(field 'LBA48  user addressable sectors:')"
	rate=$(field 'Nominal Media Rotation Rate:')
	case $rate in
	'Solid State Device') is "$name: not rotating" "$(of .drive.ata.rotation)" none ;;
	'') is "$name: rotation not said" "$(of .drive.ata.rotation)" unknown ;;
	*) is "$name: rpm" "$(of .drive.ata.rpm)" "$rate" ;;
	esac
	logical=$(sed -n 's/^[ \t]*Logical[^:]*Sector size: *\([0-9]*\) bytes.*/\1/p' <<<"$theirs")
	is "$name: logical sector" "$(of .drive.ata.logical_sector_bytes)" "$logical"
	physical=$(sed -n 's/^[ \t]*\(Logical\/\)\?Physical Sector size: *\([0-9]*\) bytes.*/\2/p' \
		<<<"$theirs")
	is "$name: physical sector" "$(of .drive.ata.physical_sector_bytes)" "$physical"
	features=.drive.ata.features
	is "$name: HPA" "$(of $features.host_protected_area)" \
		"$(yes_no "$theirs" 'Host Protected Area feature set')"
	is "$name: DCO" "$(of $features.device_configuration_overlay)" \
		"$(yes_no "$theirs" 'Device Configuration Overlay feature set')"
	is "$name: TRIM" "$(of $features.trim)" "$(yes_no "$theirs" 'Data Set Management TRIM supported')"
	sanitize=.drive.ata.sanitize
	is "$name: sanitize" "$(of $sanitize.supported)" "$(yes_no "$theirs" 'SANITIZE feature set')"
	if [ "$(of $sanitize.supported)" = true ]; then
		is "$name: crypto scramble" "$(of $sanitize.crypto)" \
			"$(yes_no "$theirs" 'CRYPTO_SCRAMBLE_EXT command')"
		is "$name: block erase" "$(of $sanitize.block)" \
			"$(yes_no "$theirs" 'BLOCK_ERASE_EXT command')"
		is "$name: overwrite" "$(of $sanitize.overwrite)" \
			"$(yes_no "$theirs" 'OVERWRITE_EXT command')"
	fi
	security=.drive.ata.security
	is "$name: security" "$(of $security.supported)" "$(yes_no "$theirs" '^Security:')"
	if [ "$(of $security.supported)" = true ]; then
		for state in enabled locked frozen; do
			is "$name: $state" "$(of $security.$state)" \
				"$(yes_no "$theirs" $'^\t\t'"$state\$")"
		done
		is "$name: enhanced erase" "$(of $security.enhanced_erase)" \
			"$(yes_no "$theirs" $'^\t\tsupported: enhanced erase')"
		minutes=$(sed -n 's/^\t\(more than \)\?\([0-9]*\)min for SECURITY ERASE UNIT.*/\2/p' \
			<<<"$theirs")
		is "$name: erase time" "$(of "$security.erase_minutes // empty")" "$minutes"
		minutes=$(sed -n 's/.* \(more than \)\?\([0-9]*\)min for ENHANCED.*/\2/p' <<<"$theirs")
		is "$name: enhanced erase time" "$(of "$security.enhanced_erase_minutes // empty")" \
			"$minutes"
	fi
done

for name in samsung-pm981a lexar-nm790-4tb; do
	ours=$("$EXPUNGE" inspect --replay "tests/replay/$name.jsonl" --json)
	is "$name: an NVMe drive" "$(jq -r .drive.protocol <<<"$ours")" nvme
	check "$name: the page for people" \
		grep -q 'block: yes' <<<"$("$EXPUNGE" inspect --replay "tests/replay/$name.jsonl")"
done
done_testing
