#!/bin/bash
# long
# The boot stick, the quick part: it is built twice to the same bytes, its bill of materials is true, and
# its kernel and first program find the stick's own data partition.
. tests/vm/stick_tap.sh
stick_image

IMAGE_OUT=$TMPDIR/again vm-images/boot/build.sh >"$TMPDIR/again.log" 2>&1
for name in expunge.img expunge.spdx.json netboot/initrd netboot/grub/grub.cfg; do
	is "the same bytes come again: $name" "$(sha256sum <"$TMPDIR/again/$name")" \
		"$(sha256sum <"build/image/$name")"
done
rm -rf "$TMPDIR/again"

is "the bill of materials is SPDX 2.3" "$(jq -r .spdxVersion build/image/expunge.spdx.json)" SPDX-2.3
is "its hash is the image's" "$(sha256sum <build/image/expunge.spdx.json | cut -d ' ' -f 1)" \
	"$(cat build/image/image.sha256)"
mkdir "$TMPDIR/initrd"
python3 - build/image/netboot/initrd "$TMPDIR/initrd" build/image-packages/zstd/usr/bin/zstd <<'PYTHON'
import os, subprocess, sys
# (it ends with an error at the zeros behind the last archive; what is lacking shows below)
data = subprocess.run([sys.argv[3], "-dcq", sys.argv[1]], capture_output=True).stdout
at = 0
while at < len(data):
    field = lambda n: int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16)
    mode, size, name_len = field(1), field(6), field(11)
    name = data[at + 110 : at + 110 + name_len - 1].decode()
    begin = (at + 110 + name_len + 3) & ~3
    path = os.path.join(sys.argv[2], name)
    if mode >> 12 == 8:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "wb").write(data[begin : begin + size])
    at = (begin + size + 3) & ~3
PYTHON
(cd "$TMPDIR/initrd" && find . -type f ! -path ./etc/expunge/image.sha256 \
	! -path ./usr/share/expunge/image.spdx.json ! -path ./etc/expunge/whole -exec sha256sum {} + | sort) >"$TMPDIR/found"
jq -r '.files[] | select(.fileName | startswith("./stick/") | not) |
	(.checksums[] | select(.algorithm == "SHA256").checksumValue) + "  " + .fileName' \
	build/image/expunge.spdx.json | sort >"$TMPDIR/billed"
is "every file of the initial file system stands in it, with its hash" \
	"$(sha256sum <"$TMPDIR/found")" "$(sha256sum <"$TMPDIR/billed")"
is "no file of it lacks a package" "$(jq '[.files[].SPDXID] - [.relationships[] |
	select(.relationshipType == "GENERATED_FROM").spdxElementId] | length' build/image/expunge.spdx.json)" 0
is "nothing that assembles arrays or volumes is there" \
	"$(find "$TMPDIR/initrd" | grep -cE '/(raid[0-9]+|md-mod|dm-mod|bcache|mdadm|lvm|udevd?)(\.ko)?$')" 0

stick_copy "$TMPDIR/stick.img"
stick_mtools mdir "$TMPDIR/stick.img" -b -a :: | tr -d '\r' | sed 's|^::/||' | sort >"$TMPDIR/names"
is "the data partition has what belongs there" "$(paste -s -d ' ' "$TMPDIR/names")" \
	"README.txt certificates/ expunge-a.box expunge-b.box expunge.json keys/"
is "the boxes lie in one piece each" \
	"$(stick_mtools mshowfat "$TMPDIR/stick.img" ::/expunge-a.box ::/expunge-b.box | grep -o '<[^>]*>' | wc -l)" 2

if [ ! -e build/vm/vmlinux ]; then
	skip "the first program finds the stick" "no virtual machine can be built here"
	done_testing
	exit
fi
partuuid=$(stick_partuuid)
stick_start --words "quiet console=tty0 console=ttyS0 raid=noautodetect libata.allow_tpm=1 $stick_patience expunge.shell=1 expunge.keyboard=de-latin1
	expunge.stick=PARTUUID=$partuuid" kernel "$TMPDIR/stick.img"
shows "the first program finds the stick" "the stick's data partition is /dev/sd" 60
shows "... and sets the keyboard" "the keyboard layout is de-latin1" 30
shows "... and gives a shell where the menu says so" 'A shell\.' 30
stick_type 'cat /sys/module/libata/parameters/allow_tpm /etc/expunge/image.sha256\n'
shows "TRUSTED commands pass, and the image knows its hash" "$(cat build/image/image.sha256)" 20
stick_type 'expunge list\n'
shows "expunge runs, and knows what it was started from" 'boot' 30
stick_type 'poweroff\n'
check "it switches itself off" stick_ends 40
done_testing
