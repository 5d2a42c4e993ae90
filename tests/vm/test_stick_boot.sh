#!/bin/bash
# long
# The boot stick starts by every firmware: a BIOS, UEFI, UEFI with Secure Boot enforced, and from the
# network; the same screen comes up each time, and the kernel is locked down where Secure Boot says so.
. tests/vm/stick_tap.sh
stick_image
stick_copy "$TMPDIR/stick.img"
export VM_MEMORY=512

# The menu's first entry starts by itself; the screen is the main console, the serial line joins by Enter.
boots() {
	stick_starts "$1" "$TMPDIR/stick.img"
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

cp -r build/image/netboot "$TMPDIR/netboot"
sed -i 's/console=ttyS0,115200 console=tty0/console=tty0 console=ttyS0,115200/' "$TMPDIR/netboot/boot.ipxe"
stick_starts net "$TMPDIR/netboot"
shows "net: iPXE hands over to the kernel" 'started by BIOS' 1
shows "net: an address by DHCP" 'asks for an address' 30
shows "net: the full screen" 'F1' 60
stick_kill
done_testing
