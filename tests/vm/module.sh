#!/bin/bash
# Builds the libata door's kernel half (tests/vm/xp_libata.c) for the kernel of build/vm, into
# build/vm/module, with headers that are downloaded and unpacked, never installed. Needs no root. What
# stands is kept. Exit code 69: not on this machine, and why is said in one line.
set -euo pipefail
cd "$(dirname "$0")/../.."
vm=$PWD/build/vm
export LC_ALL=C
umask 022

cannot() {
	echo "vm-module: $*" >&2
	exit 69
}

tests/vm/image.sh || exit
release=$(cat "$vm/release")
case $release in
6.1.*) ;;
*) cannot "the module is made for Linux 6.1, this is $release" ;;
esac
sources=(tests/vm/xp_libata.c tests/emu/libata_wire.h)
wanted="$release $(cat "${sources[@]}" | sha256sum | cut -d' ' -f1)"
exec 9>"$vm/module.lock"
flock 9
[ "$(cat "$vm/module/stamp" 2>/dev/null)" = "$wanted" ] && exit 0

# the headers for one architecture name those that all share, and these the tools
headers=$vm/headers
if [ "$(cat "$headers/stamp" 2>/dev/null)" != "$release $headers" ]; then
	rm -rf "$headers" && mkdir -p "$headers/debs"
	common=$(apt-cache depends "linux-headers-$release" 2>/dev/null | sed -n 's/.*Depends: \(linux-headers-.*-common\)$/\1/p')
	kbuild=$(apt-cache depends "linux-headers-$release" 2>/dev/null | sed -n 's/.*Depends: \(linux-kbuild-.*\)$/\1/p')
	if [ -z "$common" ] || [ -z "$kbuild" ]; then
		cannot "there are no headers for $release to download"
	fi
	(cd "$headers/debs" && apt-get -q download "linux-headers-$release" "$common" "$kbuild") \
		>"$headers/log" 2>&1 || cannot "the headers could not be downloaded: $(tail -n 1 "$headers/log")"
	for deb in "$headers"/debs/*.deb; do
		dpkg-deb -x "$deb" "$headers"
	done
	# they expect to lie in /usr/src and /usr/lib
	sed -i "s,/usr/src/,$headers/usr/src/,g" "$headers/usr/src/linux-headers-$release/Makefile"
	rm -rf "$headers/debs"
	echo "$release $headers" >"$headers/stamp"
fi
tree=$headers/usr/src/linux-headers-$release

rm -rf "$vm/module" && mkdir -p "$vm/module"
cp tests/vm/xp_libata.c "$vm/module/"
printf 'obj-m := xp_libata.o\nccflags-y := -I%s\n' "$PWD" >"$vm/module/Kbuild"
make -C "$tree" M="$vm/module" CC="${VM_MODULE_CC:-gcc}" modules >"$vm/module/log" 2>&1 || {
	cat "$vm/module/log" >&2
	cannot "the module cannot be built with these headers"
}
echo "$wanted" >"$vm/module/stamp"
