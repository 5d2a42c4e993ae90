#!/bin/bash
# shellcheck disable=SC2054 # commas belong to QEMU's words
# Boots the kernel of build/vm in QEMU with the drives of a rig, runs a script there as root, and ends
# as the script does.
#
#   tests/vm/run.sh [OPTION...] RIG SCRIPT [WORD...]
#
# RIG is a JSON file (tests/vm/rigs), or - for no drives. The script has the host's root, read-only with
# memory above it, the repository at its own path as working folder, DRIVE_<name> with the node of each
# drive, and the command `rig`. Its output comes out here, on standard output and standard error.
#
#   --rigd FOLDER   the drives are played by a rigd that runs already, with its sockets in FOLDER
#   --disk FILE     a raw image, /dev/vda in the guest
#   --keep FOLDER   everything about the run is put there, console and logs too
#
# Variables: VM_TIMEOUT (400) seconds, VM_MEMORY (1024) MiB, VM_CPUS (2), VM_ACCEL (tcg or kvm: as
# build/vm/accel says), VM_QEMU more words for QEMU, VM_APPEND more words for the kernel's command line.
#
# Exit code: the script's; 124 not done in time, 125 the machine ended without a result, 69 no machine
# can be built here (why stands in build/vm/why-not).
set -uo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
vm=$repository/build/vm
build=${B:-build/release}
export LC_ALL=C

usage() {
	sed -n '3,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 64
}

rigd_folder=
disk=
keep=
while [ $# -gt 0 ]; do
	case $1 in
	--rigd) rigd_folder=$2 && shift 2 ;;
	--disk) disk=$2 && shift 2 ;;
	--keep) keep=$2 && shift 2 ;;
	-?*) usage ;;
	*) break ;;
	esac
done
[ $# -ge 2 ] || usage
rig=$1
script=$(realpath -- "$2") || exit 66
shift 2
[ "$rig" = - ] || [ -r "$rig" ] || {
	echo "vm: there is no rig $rig" >&2
	exit 66
}

if [ -z "${VM_NO_BUILD:-}" ]; then
	"$repository/tests/vm/image.sh" || exit
fi

if [ -n "$keep" ]; then
	mkdir -p "$keep" && run=$(cd "$keep" && pwd) || exit 74
else
	run=$(mktemp -d /tmp/vm.XXXXXX) || exit 74 # the names of sockets are short
fi
rigd_pid=
qemu_pid=
# shellcheck disable=SC2317 # called by the trap
finish() {
	[ -n "$qemu_pid" ] && kill -9 "$qemu_pid" 2>/dev/null
	[ -n "$rigd_pid" ] && kill "$rigd_pid" 2>/dev/null && wait "$rigd_pid" 2>/dev/null
	[ -n "$keep" ] || rm -rf "$run"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# what the guest finds in /run/vm
mkdir -p "$run/share/bin"
rm -f "$run/rc" "$run/console" "$run/share/rig.env"
cp "$repository/tests/vm/guest/second" "$run/share/second"
cp "$repository"/tests/vm/guest/rig "$run/share/bin/"
for f in "$repository"/tests/vm/guest/node-* "$repository"/tests/vm/guest/start-*; do
	[ -e "$f" ] && cp "$f" "$run/share/bin/"
done
chmod 0755 "$run/share/second" "$run/share/bin"/*
: >"$run/share/rig.env"
guest_script=$script
case $script in
"$repository"/*) ;;
*) cp "$script" "$run/share/script" && guest_script=/run/vm/script ;;
esac

qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
	-name vm -pidfile "$run/qemu.pid"
	-m "${VM_MEMORY:-1024}" -smp "${VM_CPUS:-2}"
	-object "memory-backend-memfd,id=mem,size=${VM_MEMORY:-1024}M,share=on"
	-M q35,memory-backend=mem)
case ${VM_ACCEL:-$(cat "$vm/accel")} in
kvm) qemu+=(-accel kvm -cpu host) ;;
*) qemu+=(-accel tcg,thread=multi -cpu max) ;;
esac
# event_idx=off: without it this QEMU misses a request to its 9p server now and then, and the guest
# waits for ever
append="console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check tsc=reliable"
append+=" random.trust_cpu=on ${VM_APPEND:-}"
qemu+=(-kernel "$vm/vmlinux" -initrd "$vm/initrd.gz" -append "$append"
	-chardev "file,id=console,path=$run/console" -serial chardev:console
	-fsdev "local,id=root,path=/,security_model=none,multidevs=remap,readonly=on"
	-device virtio-9p-pci,fsdev=root,mount_tag=root,event_idx=off,addr=02.0,multifunction=on
	-fsdev "local,id=guest,path=$vm/guest,security_model=none,readonly=on"
	-device virtio-9p-pci,fsdev=guest,mount_tag=guest,event_idx=off,addr=02.3
	-fsdev "local,id=run,path=$run/share,security_model=none"
	-device virtio-9p-pci,fsdev=run,mount_tag=run,event_idx=off,addr=02.1
	-device virtio-serial-pci,id=ports,event_idx=off,addr=02.2
	-add-fd "fd=3,set=1" -add-fd "fd=4,set=2"
	-chardev file,id=out,path=/dev/fdset/1,append=on -device virtserialport,chardev=out,name=out
	-chardev file,id=err,path=/dev/fdset/2,append=on -device virtserialport,chardev=err,name=err
	-chardev "file,id=rc,path=$run/rc" -device virtserialport,chardev=rc,name=rc)
modules=
if [ -n "$disk" ]; then
	qemu+=(-drive "file=$disk,format=raw,if=none,id=disk,cache=writeback"
		-device virtio-blk-pci,drive=disk,addr=02.4)
	modules+=" virtio_blk"
fi

# the rig: a process plays the drives, and tells which words QEMU needs for them
if [ -z "$rigd_folder" ] && [ "$rig" != - ]; then
	rigd_folder=$run
	"$repository/tests/vm/rigd.sh" "$rig" "$rigd_folder" || {
		echo "vm: the rig $rig is not played" >&2
		exit 125
	}
	rigd_pid=$(cat "$rigd_folder/rigd.pid")
fi
if [ -n "$rigd_folder" ]; then
	mapfile -t words <"$rigd_folder/qemu.args"
	qemu+=("${words[@]}" -chardev "socket,id=rig,path=$rigd_folder/ctl"
		-device virtserialport,chardev=rig,name=rig)
	cp "$rigd_folder/rig.env" "$run/share/rig.env"
	if grep -q '^start libata$' "$run/share/rig.env" && [ -z "${VM_NO_BUILD:-}" ]; then
		"$repository/tests/vm/module.sh" || exit
	fi
	modules+=" $(sed -n 's/^modules //p' "$rigd_folder/rig.env" | tr '\n' ' ')"
fi
# shellcheck disable=SC2206 # words
qemu+=(${VM_QEMU:-})
{
	printf 'export VM_REPOSITORY=%q B=%q EXPUNGE=%q EXPUNGE_CERT=%q\n' "$repository" "$build" \
		"$repository/$build/expunge" "$repository/$build/expunge-cert"
	printf 'VM_TIMEOUT=%q\n' "${VM_TIMEOUT:-400}"
	printf 'VM_SCRIPT=%q\nVM_MODULES=%q\n' "$guest_script" "$modules"
	printf 'set --'
	[ $# -eq 0 ] || printf ' %q' "$@"
	echo
} >"$run/share/guest.env"

timeout -k 5 "${VM_TIMEOUT:-400}" "${qemu[@]}" 3>&1 4>&2 </dev/null >"$run/qemu.log" 2>&1 &
qemu_pid=$!
wait "$qemu_pid"
ended=$?
qemu_pid=
rc=$(tr -cd 0-9 <"$run/rc" 2>/dev/null)
if [ -n "$rc" ]; then
	exit "$rc"
fi
{
	if [ "$ended" -eq 124 ]; then
		echo "vm: not done after ${VM_TIMEOUT:-400} s"
	else
		echo "vm: the machine ended without a result (QEMU: $ended)"
	fi
	sed 's/^/vm: qemu: /' "$run/qemu.log" | tail -n 5
	tr -d '\r' <"$run/console" | tail -n 15 | sed 's/^/vm: console: /'
} >&2
[ "$ended" -eq 124 ] && exit 124
exit 125
