#!/bin/bash
# Builds the boot stick into build/image, from both programs and from packages of this machine's own
# distribution that are downloaded and unpacked, never installed. Needs no root, no loop device, no mount.
# The same commit, packages and compiler give the same bytes, anywhere and at any time.
#
#   expunge.img         the stick: BIOS, UEFI, Secure Boot; a data partition
#   expunge.spdx.json   the bill of materials; its sha256 is the image's hash in each record
#   netboot/            kernel, initial file system and configurations for PXE and iPXE
#
# Exit code 69: this machine cannot, and why is said in one line (and in build/image/why-not).
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C TZ=UTC
umask 022
. vm-images/packages.sh
. vm-images/boot/tree.sh
out=${IMAGE_OUT:-$PWD/build/image}
debs=$PWD/build/debs
cache=$PWD/build/image-packages
programs=${B:-build/release}

# MiB: each of the two boxes, the data partition, the one that is booted from
box=192
data=448
esp=64

cannot() {
	mkdir -p "$out"
	echo "$*" >"$out/why-not"
	echo "image: $*" >&2
	exit 69
}

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)}
export SOURCE_DATE_EPOCH
version=$(cat VERSION)
mkdir -p "$out" "$cache"
exec 9>"$cache/lock"
flock 9
rm -rf "$out/why-not" "$out/making"
mkdir -p "$out/making"
making=$out/making
log=$making/log

[ "$(uname -m)" = x86_64 ] || cannot "it is an x86-64 machine that boots, this is $(uname -m)"
for tool in apt-get apt-cache dpkg-deb dpkg-query depmod python3 strip ldd; do
	PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || cannot "there is no $tool"
done
[ -x "$programs/expunge" ] && [ -x "$programs/expunge-cert" ] && [ -x "$programs/boot-init" ] ||
	cannot "the programs are not built: make image"

# ---- the packages, each in a folder of its own ----

# the kernel's name stands in a package that only points to it
resolve() {
	kernel=$(apt-cache show --no-all-versions linux-image-amd64 2>/dev/null |
		sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
	mapfile -t packages < <(packages_of image | grep -v '^linux-image-amd64$')
	[ -n "$kernel" ] && packages+=("$kernel")
}
resolve
if [ -z "$kernel" ] || ! packages_download "$debs" "$log" "${packages[@]}"; then
	[ "$(id -u)" -ne 0 ] || apt-get -q update >>"$log" 2>&1 || true
	resolve
	[ -n "$kernel" ] || cannot "there is no linux-image-amd64 here: the image is built on Debian"
	packages_download "$debs" "$log" "${packages[@]}" ||
		cannot "a package could not be downloaded: $(tail -n 1 "$log")"
fi
for name in "${packages[@]}"; do
	deb=$(packages_file "$debs" "$name")
	if [ "$(cat "$cache/$name.stamp" 2>/dev/null)" != "${deb##*/}" ]; then
		rm -rf "${cache:?}/$name"
		packages_unpack "$debs" "$cache/$name" "$name" >>"$log" 2>&1 ||
			cannot "$name cannot be unpacked: $(tail -n 1 "$log")"
		[ "$name" != "$kernel" ] || packages_depmod "$cache/$name" "${kernel#linux-image-}" 2>>"$log" ||
			cannot "depmod found no modules: $(tail -n 1 "$log")"
		echo "${deb##*/}" >"$cache/$name.stamp"
	fi
done
release=${kernel#linux-image-}
modules=$cache/$kernel/usr/lib/modules/$release
PATH=$cache/grub-common/usr/bin:$cache/mtools/usr/bin:$cache/dosfstools/usr/sbin:$cache/zstd/usr/bin:$PATH
export MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1

first_of() {
	local f
	for f in "$@"; do
		[ -e "$f" ] && echo "$f" && return
	done
	cannot "a package has no ${1##*/}"
}
shim=$(first_of "$cache/shim-signed/usr/lib/shim/shimx64.efi.signed"*)
mok=$(first_of "$cache/shim-helpers-amd64-signed/usr/lib/shim/mmx64.efi.signed")
grub=$(first_of "$cache/grub-efi-amd64-signed/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")
grub_net=$(first_of "$cache/grub-efi-amd64-signed/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed")
pc=$(first_of "$cache/grub-pc-bin/usr/lib/grub/i386-pc")
vmlinuz=$(first_of "$cache/$kernel/boot/vmlinuz-$release")

# ---- what is in it: every file is put there with the package that it is from ----

list=$making/list
: >"$list"
declare -A versions
# note NAME-IN-IMAGE FILE PACKAGE
note() {
	[ -n "${versions[$3]:-}" ] ||
		case $3 in
		expunge) versions[$3]=$version ;;
		*) if [ -e "$cache/$3.stamp" ]; then
			versions[$3]=$(packages_version "$3")
		else
			versions[$3]=$(dpkg-query -W -f '${Version}' "$3")
		fi ;;
		esac
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${versions[$3]}" >>"$list"
}
# owner FILE: the installed package
owner() {
	local at
	for at in "$1" "/usr$1" "${1#/usr}"; do
		dpkg-query -S "$at" 2>/dev/null | sed 's/:.*//' | head -n 1 | grep . && return
	done
	cannot "no package owns $1, which the programs need"
}

tree_programs
tree_libraries
put system 0755 "$cache/busybox-static/usr/bin/busybox" usr/bin/busybox busybox-static
tree_busybox
tree_texts
find "$cache/ca-certificates/usr/share/ca-certificates" -name '*.crt' | sort | xargs cat >"$making/ca"
put system 0644 "$making/ca" etc/ssl/certs/ca-certificates.crt ca-certificates
while read -r name; do
	file=$(find "$cache/console-data/usr/share/keymaps" -name "$name.kmap.gz" | sort | head -n 1)
	[ -n "$file" ] || continue
	"$cache/kbd/usr/bin/loadkeys" -q -b -u "$file" >"$making/keymap" 2>>"$log" || continue
	put system 0644 "$making/keymap" "usr/share/keymaps/$name.bmap" console-data
done <vm-images/boot/keyboards.txt
ln -s /run/resolv.conf "$making/system/etc/resolv.conf"
put programs 0644 LICENSE usr/share/doc/expunge/LICENSE expunge
tree_folders

for group in base storage net; do
	mapfile -t names < <(awk -v g="$group" '$1 == g { print $2 }' vm-images/boot/modules.txt)
	tree_drivers "$modules" "$kernel" "$group" "${names[@]}"
done
put drivers 0644 "$cache/firmware-linux-free/usr/lib/firmware/isci/isci_firmware.bin" \
	usr/lib/firmware/isci/isci_firmware.bin firmware-linux-free

# ---- the names that tell this image from others come from what is in it ----

id=$({ cut -f 1,3,4 "$list" && cut -f 2 "$list" | xargs sha256sum | cut -d ' ' -f 1; } |
	sha256sum | cut -c 1-8)
words="quiet raid=noautodetect libata.allow_tpm=1"
# fill FILE: what stands between @ in a text of ours
fill() {
	sed -e "s/@WORDS@/$words/g" -e "s/@STICK@/$id-01/g" -e "s/@VERSION@/$version/g" "$1"
}
mkdir -p "$making/boot" "$out/netboot/grub" "$out/netboot/pxelinux.cfg"
fill vm-images/boot/grub.cfg >"$making/boot/grub.cfg"
grub-mkimage -d "$pc" -O i386-pc -p '(,msdos2)/EFI/debian' -o "$making/boot/core.img" \
	biosdisk part_msdos fat linux normal configfile echo test serial terminal halt minicmd
for file in "boot/vmlinuz:$vmlinuz:$kernel" "EFI/BOOT/BOOTX64.EFI:$shim:shim-signed" \
	"EFI/BOOT/mmx64.efi:$mok:shim-helpers-amd64-signed" \
	"EFI/BOOT/grubx64.efi:$grub:grub-efi-amd64-signed" \
	"EFI/debian/grub.cfg:$making/boot/grub.cfg:expunge" "boot.img:$pc/boot.img:grub-pc-bin" \
	"core.img:$making/boot/core.img:grub-pc-bin" "grubnetx64.efi:$grub_net:grub-efi-amd64-signed"; do
	IFS=: read -r name path package <<<"$file"
	note "stick/$name" "$path" "$package"
done
vm-images/boot/bom.py "$version" "$SOURCE_DATE_EPOCH" <"$list" >"$out/expunge.spdx.json"
sha256sum <"$out/expunge.spdx.json" | cut -d ' ' -f 1 >"$making/image.sha256"
install -D -m 0644 "$making/image.sha256" "$making/seal/etc/expunge/image.sha256"
install -D -m 0644 "$out/expunge.spdx.json" "$making/seal/usr/share/expunge/image.spdx.json"
tree_whole system drivers programs seal

# ---- the initial file system: archives in a row; the first ones change seldom ----

: >"$making/initrd"
for name in system drivers programs seal; do
	time=$SOURCE_DATE_EPOCH
	case $name in system | drivers) time=0 ;; esac
	hash="$(packages_version zstd) $(vm-images/boot/newc.py "$making/$name" "$time" |
		tee "$making/cpio" | sha256sum)"
	if [ "$(cat "$cache/$name.sha256" 2>/dev/null)" != "$hash" ]; then
		rm -f "$cache/$name.sha256"
		zstd -q -f -19 -T1 "$making/cpio" -o "$cache/$name.cpio.zst"
		echo "$hash" >"$cache/$name.sha256"
	fi
	cat "$cache/$name.cpio.zst" >>"$making/initrd"
done
# whoever appends an archive of their own finds it begin where the kernel looks
truncate -s %512 "$making/initrd"

# ---- the partitions ----

# fat FILE MIB SECTORS-A-CLUSTER LABEL ID
fat() {
	rm -f "$1"
	truncate -s "$2M" "$1"
	mkfs.fat -F 32 -s "$3" -n "$4" -i "$5" --invariant "$1" >>"$log" 2>&1
}
fat "$making/data" $data 8 EXPUNGE "$id"
truncate -s ${box}M "$making/box"
fill vm-images/boot/README.txt | sed 's/$/\r/' >"$making/README.txt"
mcopy -i "$making/data" "$making/box" ::/expunge-a.box
mcopy -i "$making/data" "$making/box" ::/expunge-b.box
mcopy -i "$making/data" vm-images/boot/expunge.json ::/expunge.json
mcopy -i "$making/data" "$making/README.txt" ::/README.txt
mmd -i "$making/data" ::/keys ::/certificates
fat "$making/esp" $esp 1 EXPUNGEBOOT "$(printf %08x $((0x$id ^ 1)))"
mmd -i "$making/esp" ::/EFI ::/EFI/BOOT ::/EFI/debian ::/boot
mcopy -i "$making/esp" "$vmlinuz" ::/boot/vmlinuz
mcopy -i "$making/esp" "$making/initrd" ::/boot/initrd
mcopy -i "$making/esp" "$shim" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$making/esp" "$mok" ::/EFI/BOOT/mmx64.efi
mcopy -i "$making/esp" "$grub" ::/EFI/BOOT/grubx64.efi
mcopy -i "$making/esp" "$making/boot/grub.cfg" ::/EFI/debian/grub.cfg
mcopy -i "$making/esp" "$out/expunge.spdx.json" ::/expunge.spdx.json

truncate -s $((1 + data + esp))M "$making/expunge.img"
dd if="$making/data" of="$making/expunge.img" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$making/esp" of="$making/expunge.img" bs=1M seek=$((1 + data)) conv=notrunc,sparse status=none
vm-images/boot/mbr.py "$making/expunge.img" "$pc/boot.img" "$making/boot/core.img" "$id" \
	"0x0c,0,2048,$((data * 2048))" "0xef,1,$(((1 + data) * 2048)),$((esp * 2048))"

# ---- and for the network ----

cp "$vmlinuz" "$out/netboot/vmlinuz"
cp "$making/initrd" "$out/netboot/initrd"
cp "$shim" "$out/netboot/shimx64.efi"
cp "$grub_net" "$out/netboot/grubx64.efi"
chmod 0644 "$out"/netboot/*z "$out"/netboot/*.efi "$out/netboot/initrd"
fill vm-images/boot/netboot/boot.ipxe >"$out/netboot/boot.ipxe"
fill vm-images/boot/netboot/grub.cfg >"$out/netboot/grub/grub.cfg"
fill vm-images/boot/netboot/pxelinux.cfg >"$out/netboot/pxelinux.cfg/default"

mv "$making/expunge.img" "$out/expunge.img"
mv "$making/image.sha256" "$out/image.sha256"
rm -rf "$making"
printf 'image: %s, %d MiB, hash %s\n' "$out/expunge.img" $((1 + data + esp)) "$(cat "$out/image.sha256")"
