#!/bin/sh
# An example: a host erases the disk that it runs from. The running system starts the kernel and the initial
# file system of the boot image in its own place, without firmware, stick, or anybody there; what runs then
# is in memory, and the former root disk is a disk like any other.
#
#   kexec.sh FOLDER EXPECT-URL UPLOAD-URL CA
#
# FOLDER is netboot/ of `make image`. EXPECT-URL is the list of this host's drives, from the asset database;
# UPLOAD-URL is where records go (docs/upload.md), and without which nothing is erased, since nothing on the
# host will remain. CA is the certificate (PEM) that both servers' certificates chain to.
# Needs kexec-tools and cpio. DRY=1 prints the last steps and does not do them.
set -eu
[ $# -eq 4 ] || {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 64
}
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The CA comes along as a second initial file system behind the first.
mkdir -p "$work/etc/expunge"
cp "$4" "$work/etc/expunge/site.pem"
(cd "$work" && find etc | cpio -o -H newc --quiet) >"$work/more.cpio"
cat "$folder/initrd" "$work/more.cpio" >"$work/initrd"

line="quiet raid=noautodetect libata.allow_tpm=1 console=ttyS0,115200 console=tty0"
line="$line expunge.net=dhcp expunge.unattended=1 expunge.expect=$2"
line="$line expunge.upload=$3 expunge.upload_ca=/etc/expunge/site.pem"
${DRY:+echo} kexec -l "$folder/vmlinuz" --initrd="$work/initrd" --command-line="$line"
# in good order: services end, file systems are unmounted
${DRY:+echo} systemctl kexec
