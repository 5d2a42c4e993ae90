#!/bin/bash
# shellcheck disable=SC2054 # commas belong to QEMU's words
# Boots a stick (build/image/expunge.img or a copy of it) in QEMU, as USB storage.
#
#   tests/vm/stick.sh [OPTION...] FIRMWARE IMAGE FOLDER
#
# FIRMWARE: bios, uefi, secure (UEFI with Secure Boot enforced); net, net-uefi, net-secure (the same, from
# QEMU's own TFTP: IMAGE is then the folder netboot/; a BIOS starts by iPXE); kernel (no firmware: the
# kernel and netboot/initrd of build/, IMAGE is plugged in as well). FOLDER gets console (the first serial line), qemu.pid, and the sockets monitor
# (QMP) and serial.
#
#   --rigd FOLDER   drives that a rigd plays
#   --words WORDS   (kernel) the kernel's command line
#   --initrd FILE   (kernel) another initial file system
#   --boot FILE     (net...) what DHCP names, instead of boot.ipxe and shimx64.efi
#
# Variables: VM_TIMEOUT (400), VM_MEMORY (1024) MiB, VM_CPUS (2), VM_ACCEL (as build/vm/accel says, else
# tcg), VM_QEMU more words for QEMU.
# Exit code: QEMU's; 124 not done in time.
set -uo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
export LC_ALL=C
ovmf=$repository/build/image-packages/ovmf/usr/share/OVMF

rigd=''
append=''
boot=''
initrd=$repository/build/image/netboot/initrd
while [ $# -gt 0 ]; do
	case $1 in
	--rigd) rigd=$2 && shift 2 ;;
	--words) append=$2 && shift 2 ;;
	--initrd) initrd=$2 && shift 2 ;;
	--boot) boot=$2 && shift 2 ;;
	*) break ;;
	esac
done
[ $# -eq 3 ] || exit 64
firmware=$1 image=$2
mkdir -p "$3" && run=$(cd "$3" && pwd) || exit 74
rm -f "$run/console" "$run/qemu.pid" "$run/serial" "$run/monitor"

machine=q35,memory-backend=mem
words=()
case $firmware in
uefi | secure | net-uefi | net-secure)
	vars=OVMF_VARS_4M.fd code=OVMF_CODE_4M.fd
	if [ "${firmware%secure}" != "$firmware" ]; then
		vars=OVMF_VARS_4M.ms.fd code=OVMF_CODE_4M.ms.fd
		machine+=,smm=on
		words+=(-global "driver=cfi.pflash01,property=secure,value=on")
	fi
	cp "$ovmf/$vars" "$run/vars.fd" || exit 66
	words+=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=$ovmf/$code"
		-drive "if=pflash,format=raw,unit=1,file=$run/vars.fd")
	;;
kernel)
	# QEMU puts the file's end where this BIOS has its tables and its drivers' rings, where it has many
	# devices. Zeros behind an archive are nothing to the kernel
	cp "$initrd" "$run/initrd" && truncate -s +1M "$run/initrd" || exit 74
	words+=(-kernel "$repository/build/vm/vmlinux" -initrd "$run/initrd"
		-append "$append")
	;;
esac
case $firmware in
net | net-*)
	card=virtio-net-pci,netdev=net,bootindex=1
	if [ "$firmware" = net ]; then
		boot=${boot:-boot.ipxe}
	else
		# without the card's own iPXE: it tells shim a wrong length of what it fetched
		boot=${boot:-shimx64.efi} card+=,romfile=
	fi
	words+=(-netdev "user,id=net,tftp=$image,bootfile=$boot" -device "$card")
	;;
*)
	words+=(-device qemu-xhci,id=xhci -drive "if=none,id=stick,format=raw,cache=writethrough,file=$image"
		-device usb-storage,bus=xhci.0,drive=stick,bootindex=1,id=plug)
	;;
esac
if [ -n "$rigd" ]; then
	mapfile -t more <"$rigd/qemu.args"
	words+=("${more[@]}")
fi
case ${VM_ACCEL:-$(cat "$repository/build/vm/accel" 2>/dev/null)} in
kvm) words+=(-accel kvm -cpu host) ;;
*) words+=(-accel tcg,thread=multi -cpu max) ;;
esac
# shellcheck disable=SC2206 # words
words+=(${VM_QEMU:-})
timeout -k 5 "${VM_TIMEOUT:-400}" qemu-system-x86_64 -nodefaults -no-user-config -display none \
	-name stick -pidfile "$run/qemu.pid" -M "$machine" -m "${VM_MEMORY:-1024}" -smp "${VM_CPUS:-2}" \
	-object "memory-backend-memfd,id=mem,size=${VM_MEMORY:-1024}M,share=on" \
	-device VGA -chardev "socket,id=serial,path=$run/serial,server=on,wait=off,logfile=$run/console" \
	-serial chardev:serial -qmp "unix:$run/monitor,server=on,wait=off" \
	"${words[@]}" </dev/null >"$run/qemu.log" 2>&1
