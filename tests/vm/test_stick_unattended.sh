#!/bin/bash
# long
# The boot stick does an unattended run under Secure Boot: exactly the drives of the list are erased, the
# others stay as they were, the machine switches itself off, and what the stick then holds verifies here.
. tests/vm/stick_tap.sh
stick_image
tests/vm/rigd.sh tests/vm/rigs/stick.json "$stick_folder" || exit 1
ask() { "$B/rigd" --ask "$stick_folder" "$@"; }
other=$(ask stains other)

stick=$TMPDIR/stick.img
stick_copy "$stick"
printf 'serial,asset_tag\nSTICKSATA01,A-1\nSTICKSAS01,A-2\n' >"$TMPDIR/expect.csv"
cat >"$TMPDIR/expunge.json" <<'JSON'
{
	"version": 1,
	"accept": "clear",
	"operator": { "name": "Ada Example", "organization": "Example GmbH" },
	"unattended": { "expect": "expect.csv", "settle_seconds": 3, "countdown_seconds": 5, "then": "poweroff" }
}
JSON
stick_mtools mcopy "$stick" -o "$TMPDIR/expunge.json" ::/expunge.json
stick_mtools mcopy "$stick" "$TMPDIR/expect.csv" ::/expect.csv

stick_starts --rigd "$stick_folder" "${STICK_FIRMWARE:-secure}" "$stick"
shows "it starts by itself" "erasing in" 300
shows "... and tells what it will erase" "to be erased STICKSATA01" 5
check "it erases and switches itself off" stick_ends 300
is "no customer data is left on the SATA drive" "$(ask stains sata | grep -o 'user=[0-9]* hidden=[0-9]*')" \
	"user=0 hidden=0"
is "... nor on the SAS drive" "$(ask stains sas | grep -o 'user=[0-9]* hidden=[0-9]*')" "user=0 hidden=0"
is "the drive that is not listed is as it was" "$(ask stains other)" "$other"

mkdir "$TMPDIR/taken"
stick_mtools mcopy "$stick" -s -n ::/certificates "$TMPDIR/taken/" >"$TMPDIR/mcopy.log" 2>&1
check "the certificates can be read on any system" test -n "$(find "$TMPDIR/taken" -name '*.p7s')"
mkdir "$TMPDIR/boxes"
stick_mtools mcopy "$stick" ::/expunge-a.box ::/expunge-b.box "$TMPDIR/boxes/"
exits "the boxes give it all again" 0 "$EXPUNGE" export "$TMPDIR/out-of-boxes" --keep "$TMPDIR/boxes" \
	--state "$TMPDIR/state"
root=$TMPDIR/out-of-boxes/host.crt
exits "the certificates verify" 0 "$EXPUNGE_CERT" verify "$TMPDIR/taken/certificates" --trust "$root" --json
for record in "$TMPDIR"/taken/certificates/*.json; do
	is "a record names the image that it was made on" "$(jq -r .tool.image_sha256 "$record")" \
		"$(cat build/image/image.sha256)"
done
is "a record for each listed drive" \
	"$(jq -r .media.serial "$TMPDIR"/taken/certificates/*.json | sort -u | paste -s -d ' ')" \
	"STICKSAS01 STICKSATA01"
dd if="$stick" of="$TMPDIR/data" bs=1M iflag=skip_bytes,count_bytes skip="$(stick_partition 1)" \
	count=$((448 << 20)) status=none conv=sparse
check "the stick's file system was left in good order" \
	build/image-packages/dosfstools/usr/sbin/fsck.fat -n "$TMPDIR/data"
done_testing
