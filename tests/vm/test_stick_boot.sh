#!/bin/bash
# long
# The boot stick starts by every firmware: a BIOS, UEFI, UEFI with Secure Boot enforced, and from the network
# by iPXE, pxelinux, and shim and GRUB under Secure Boot; the same screen comes up each time, and the kernel
# is locked down where Secure Boot says so.
. tests/vm/stick_tap.sh
stick_image
stick=$TMPDIR/stick.img
stick_copy "$stick"
stick_patient "$stick"
export VM_MEMORY=512

# The menu's first entry starts by itself; the screen is the main console, the serial line joins by Enter.
boots() {
	stick_starts "$1" "$stick"
	shows "$1: the menu" "expunge on the serial line" 1
	shows "$1: the kernel and the first program" "$2" 1
	shows "$1: the stick's own data partition" "the stick's data partition is /dev/sd" 60
	shows "$1: the serial line can be used, too" "Press Enter to use it here, too" 60
	stick_type '\r'
	shows "$1: the full screen" 'F1' 60
	stick_kill
}
boots bios 'started by BIOS, the kernel.s lockdown is off'
boots uefi 'started by UEFI, the kernel.s lockdown is off'
boots secure 'started by UEFI, the kernel.s lockdown is on'

# The same folder for all of them; the serial line is the main console.
netboot=$TMPDIR/netboot
cp -r build/image/netboot "$netboot"
cp build/image-packages/pxelinux/usr/lib/PXELINUX/pxelinux.0 \
	build/image-packages/syslinux-common/usr/lib/syslinux/modules/bios/ldlinux.c32 "$netboot"
for file in boot.ipxe grub/grub.cfg pxelinux.cfg/default; do
	sed -i "s/console=ttyS0,115200 console=tty0/console=tty0 console=ttyS0,115200/
		s/raid=noautodetect/& $stick_patience/" "$netboot/$file"
done
# from_network NAME SAYS WORD...
from_network() {
	local name=$1 says=$2
	shift 2
	stick_starts "$@" "$netboot"
	shows "$name: the kernel and the first program" "$says" 1
	shows "$name: an address by DHCP" 'asks for an address' 60
	shows "$name: the full screen" 'F1' 120
	stick_kill
}
from_network "from the network by iPXE" 'started by BIOS' net
from_network "from the network by pxelinux" 'started by BIOS' --boot pxelinux.0 net
from_network "from the network by shim and GRUB" "started by UEFI, the kernel.s lockdown is off" net-uefi
from_network "from the network under Secure Boot" "started by UEFI, the kernel.s lockdown is on" net-secure
done_testing
