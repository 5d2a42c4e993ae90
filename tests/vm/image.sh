#!/bin/bash
# Builds what tests/vm/run.sh boots, into build/vm, from packages of this machine's own distribution:
# the kernel with its modules and the clients that this machine does not have, downloaded and unpacked,
# never installed. Needs no root. What stands is kept; --again builds anew.
# Exit code 69: this machine cannot, and why is said in one line.
set -euo pipefail
cd "$(dirname "$0")/../.."
vm=$PWD/build/vm
debs=$PWD/build/debs
export LC_ALL=C
umask 022
. vm-images/packages.sh

# bumped when what is built changes its shape
version=3

cannot() {
	mkdir -p "$vm"
	echo "$*" >"$vm/why-not"
	echo "vm-image: $*" >&2
	exit 69
}

mapfile -t packages < <(packages_of guest)
wanted="$version ${packages[*]}"
if [ "${1:-}" != --again ] && [ "$(cat "$vm/stamp" 2>/dev/null)" = "$wanted" ]; then
	exit 0
fi

mkdir -p "$vm"
exec 9>"$vm/lock"
flock 9
if [ "${1:-}" != --again ] && [ "$(cat "$vm/stamp" 2>/dev/null)" = "$wanted" ]; then
	exit 0
fi
rm -rf "$vm/stamp" "$vm/why-not" "$vm/new" "$vm/making"
mkdir -p "$vm/new" "$vm/making"

for tool in qemu-system-x86_64 busybox cpio depmod python3 apt-get dpkg-deb; do
	PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || cannot "there is no $tool"
done
[ "$(uname -m)" = x86_64 ] || cannot "it is an x86-64 machine that boots, this is $(uname -m)"
busybox --list | grep -qx switch_root || cannot "this busybox has no switch_root"

# what the packages would pull in here, beyond what is installed
missing() {
	apt-get -s -o Debug::NoLocking=1 install --no-install-recommends "${packages[@]}" 2>"$vm/making/apt" |
		awk '/^Inst/ { print $2 }'
}
[ "$(id -u)" -ne 0 ] || missing >/dev/null || apt-get -q update >>"$vm/making/apt" 2>&1 || true
closure=$(missing) || cannot "apt does not find them all: ${packages[*]}"

# shellcheck disable=SC2086 # the names are words
if ! packages_download "$debs" "$vm/making/apt" $closure; then
	if [ "$(id -u)" -eq 0 ]; then
		apt-get -q update >>"$vm/making/apt" 2>&1 || true
		closure=$(missing)
	fi
	# shellcheck disable=SC2086
	packages_download "$debs" "$vm/making/apt" $closure ||
		cannot "a package could not be downloaded: $(tail -n 1 "$vm/making/apt")"
fi
# shellcheck disable=SC2086
packages_unpack "$debs" "$vm/new" $closure

# The kernel may be one of the packages, or installed here.
kernel=$(find "$vm/new/boot" /boot -maxdepth 1 -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -n 1)
[ -n "$kernel" ] || cannot "there is no kernel among the packages"
release=${kernel##*/vmlinuz-}
modules=$vm/new/usr/lib/modules/$release
if [ ! -d "$modules" ]; then
	[ -d "/lib/modules/$release" ] || cannot "kernel $release has no modules"
	mkdir -p "$vm/new/usr/lib/modules"
	cp -a "/lib/modules/$release" "$modules"
fi
packages_depmod "$vm/new" "$release" 2>>"$vm/making/apt" ||
	cannot "depmod found no modules: $(tail -n 1 "$vm/making/apt")"

# Without its wrapping the kernel is entered at once (PVH), which saves seconds of emulation.
python3 - "$kernel" "$vm/making/vmlinux" <<'PYTHON' || cp "$kernel" "$vm/making/vmlinux"
import lzma, struct, subprocess, sys, zlib

image = open(sys.argv[1], "rb").read()
start, length = struct.unpack_from("<II", image, 0x248)
start += (image[0x1F1] + 1) * 512
payload = image[start : start + length]
if payload[:6] == b"\xfd7zXZ\0":
    plain = lzma.LZMADecompressor().decompress(payload)
elif payload[:2] == b"\x1f\x8b":
    plain = zlib.decompressobj(31).decompress(payload)
elif payload[:4] == b"\x28\xb5\x2f\xfd":
    run = subprocess.run(["zstd", "-dcq"], input=payload[:-4], capture_output=True)
    plain = run.stdout
else:
    sys.exit("compressed in a way unknown here")
if plain[:4] != b"\x7fELF":
    sys.exit("no ELF image inside")
open(sys.argv[2], "wb").write(plain)
PYTHON

# The initial file system: just enough to reach the host's root over 9p. Its modules are inserted in
# the order in which they need each other.
initrd=$vm/making/initrd
mkdir -p "$initrd"/{bin,mods,dev,proc,sys,host,guest}
cp "$(command -v busybox)" "$initrd/bin/busybox"
for name in sh mount umount insmod switch_root mkdir cat; do
	ln -s busybox "$initrd/bin/$name"
done
list=$(vm-images/module_order.py "$modules" virtio_pci 9pnet_virtio 9p overlay 2>&1) ||
	cannot "a module is missing: $list"
for f in $list; do
	name=$(basename "$f")
	case $name in
	*.ko) cp "$modules/$f" "$initrd/mods/$name" ;;
	*.ko.xz) xz -dc "$modules/$f" >"$initrd/mods/${name%.xz}" ;;
	*.ko.zst) zstd -dcq "$modules/$f" >"$initrd/mods/${name%.zst}" ;;
	*.ko.gz) gzip -dc "$modules/$f" >"$initrd/mods/${name%.gz}" ;;
	esac
	echo "${name%.ko*}.ko" >>"$initrd/mods/order"
done
cp tests/vm/guest/first "$initrd/init"
chmod 0755 "$initrd/init"
(cd "$initrd" && find . | sort | cpio -o -H newc -R 0:0 --quiet | gzip -1 >"$vm/making/initrd.gz")
# why: tests/vm/stick.sh
truncate -s +1M "$vm/making/initrd.gz"

rm -rf "$vm/guest"
mv "$vm/new" "$vm/guest"
mv "$vm/making/vmlinux" "$vm/making/initrd.gz" "$vm/"
echo "$release" >"$vm/release"
rm -rf "$vm/making"

# KVM where it works: tried, not guessed.
echo tcg >"$vm/accel"
if [ -w /dev/kvm ]; then
	echo kvm >"$vm/accel"
	printf '#!/bin/sh\nexit 42\n' >"$vm/probe.sh"
	chmod 0755 "$vm/probe.sh"
	tried=0
	VM_NO_BUILD=1 VM_TIMEOUT=20 timeout 40 tests/vm/run.sh - "$vm/probe.sh" >/dev/null 2>&1 || tried=$?
	[ "$tried" -eq 42 ] || echo tcg >"$vm/accel"
	rm -f "$vm/probe.sh"
fi
echo "$wanted" >"$vm/stamp"
