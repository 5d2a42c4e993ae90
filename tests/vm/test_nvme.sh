#!/bin/bash
# NVMe drives behind the kernel's own driver, met by nvme-cli. After each erase the media are looked at
# past everything that the drive says.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-280} # many clients are run, and each is slow where there is no KVM
. tests/vm/tap.sh tests/vm/rigs/nvme.json

one=${DRIVE_one%n1}
many=${DRIVE_many%n1}

# log81: SPROG, SSTAT, and SCDW10 as two words
log81() {
	nvme get-log "$one" --log-id=0x81 --log-len=512 --raw-binary | od -An -v -tx2 -N8 | xargs
}
# ended NAME, WORDS: the sanitize that runs ends in good time, and its log says WORDS. Its state is the
# lower three bits of SSTAT alone (2: it runs); the five above count the passes that are done
ended() {
	local i sstat
	for i in $(seq 100); do
		sstat=$(log81 | cut -d ' ' -f 2)
		(((0x${sstat:-2} & 7) == 2)) || break
		sleep 0.1
	done
	is "$1" "$(log81)" "$2"
}
# comes_back STATE: the kernel's view of the controller's connection
comes_back() {
	local i
	for i in $(seq 80); do
		[ "$(cat /sys/class/nvme/"${one##*/}"/state)" = "$1" ] && return 0
		sleep 0.1
	done
	return 1
}
first_words() {
	dd if="$DRIVE_one" bs=4096 count=1 iflag=direct 2>/dev/null | od -An -v -tx4 -N8 | xargs
}

# who they are
says "id-ctrl: the serial number" '^sn +: VMNVME0001 *$' nvme id-ctrl "$one"
says "id-ctrl: sanitize of every kind, with verification" '^sanicap +: 0x4000000f$' nvme id-ctrl "$one"
says "id-ctrl: crypto erase by Format" '^fna +: 0x4$' nvme id-ctrl "$one"
says "id-ctrl: what is not allocated" '^unvmcap +: 4194304$' nvme id-ctrl "$many"
says "id-ns: its size" '^nsze +: 0x8000$' nvme id-ns "$DRIVE_one"
says "id-ns: protection information" '^dps +: 0x1$' nvme id-ns "$many" -n 4
is "list-ns: the attached ones" "$(nvme list-ns "$many" | tr -d '\n')" \
	'[   0]:0x1[   1]:0x2[   2]:0x4'
says "list-ns --all: the detached one, too" '\]:0x3$' nvme list-ns "$many" --all
says "list-ctrl: both controllers" '\]:0x2$' nvme list-ctrl "$many"
says "the kernel sees blocks of 4096 bytes" '^4096$' blockdev --getss "${many}n2"
says "smart-log" '^available_spare\s+: 100%' nvme smart-log "$one"
says "smartctl reads the model" '^Model Number: +EMULATED NVME DRIVE' smartctl -i "$DRIVE_one"
says "smartctl reads the capacity" '^Namespace 1 Size/Capacity: +16,777,216' smartctl -i "$DRIVE_one"
says "security-recv: protocols 00h and 01h" '^0000: 00 00 00 00 00 00 00 02 00 01' \
	nvme security-recv "$one" -p 0 -s 0 -x 512 -t 512
holds "the rig's customer data is there" one "user=32768 hidden=0 spare=64"
holds "... in what no controller sees, too" many "user=32768 hidden=16384 spare=320"

# blocks
check "customer data can be read" grep -aq 'CUSTOMER DATA' <(
	dd if="$DRIVE_one" bs=512 count=1 iflag=direct status=none
)
exits "write-zeroes" 0 nvme write-zeroes "$DRIVE_one" -s 0 -c 7
is "... and zeros are read" "$(first_words)" "00000000 00000000"
holds "... in eight blocks" one "user=32760"
exits "dsm: blocks are deallocated" 0 nvme dsm "$DRIVE_one" -d -s 64 -b 64
is "... they read as zeros" "$(dd if="$DRIVE_one" bs=512 skip=64 count=64 iflag=direct 2>/dev/null |
	tr -d '\0' | wc -c)" 0
holds "... and are still there for a laboratory" one "user=32760"
exits "blkdiscard of the whole drive" 0 blkdiscard -f "$DRIVE_one"
holds "... is no erase" one "user=32760 spare=64"
check "a block with protection information is written" \
	dd if=/dev/urandom of="${many}n3" bs=4096 count=4 oflag=direct status=none
check "... and read" dd if="${many}n3" of=/dev/null bs=4096 count=4 iflag=direct status=none

# reservations
says "resv-report: none" '^regctl +: 0$' nvme resv-report "$DRIVE_one"
nvme resv-register "$DRIVE_one" --nrkey=5 --rrega=0 >/dev/null
nvme resv-acquire "$DRIVE_one" --crkey=5 --rtype=1 --racqa=0 >/dev/null
says "resv-report: ours" '^rtype +: 1$' nvme resv-report "$DRIVE_one"
nvme resv-release "$DRIVE_one" --crkey=5 --rtype=1 --rrela=0 >/dev/null
nvme resv-register "$DRIVE_one" --crkey=5 --rrega=1 >/dev/null
rig fault one reserved-elsewhere 1
says "another host's keeps us out" 'Reservation Conflict' nvme write-zeroes "$DRIVE_one" -s 0 -c 7
rig power-cycle one
check "the kernel comes back after a power cycle" comes_back live

# Format NVM
exits "format --ses=1" 0 nvme format "$DRIVE_one" --ses=1 --force
holds "... erases the namespace, and not the spare area" one "user=0 spare=64"
rig stain one
exits "format --ses=2 to blocks of 4096 bytes" 0 nvme format "$DRIVE_one" --ses=2 --lbaf=2 --force
holds "... changes the key of all that it has" one "user=0 spare=0"
says "... and the kernel knows the new size" '^4096$' blockdev --getss "$DRIVE_one"
exits "format of one namespace" 0 nvme format "$many" -n 1 --ses=1 --force
holds "... leaves the others, and what is not allocated" many "user=24544 hidden=16384"
says "a format that is not there is refused" 'Invalid Format' nvme format "$DRIVE_one" --lbaf=9 --force

# Sanitize
rig stain one
is "log 81h: never" "$(log81)" "ffff 0000 0000 0000"
exits "sanitize: crypto erase" 0 nvme sanitize "$one" -a 4
ended "... and its log" "ffff 0101 0004 0000"
holds "... nothing is left" one "user=0 hidden=0 spare=0"
rig stain one
rig fault one sanitize-stalls-at 40
exits "sanitize: block erase" 0 nvme sanitize "$one" -a 2
says "sanitize-log: it runs" '\(SSTAT\) +: +0x2$' nvme sanitize-log "$one"
says "other commands are refused meanwhile" 'Sanitize In Progress' nvme format "$DRIVE_one" --force
exits "reads are refused meanwhile" 1 dd if="$DRIVE_one" of=/dev/null bs=4096 count=1 iflag=direct
rig power-cycle one
check "the kernel comes back in the middle of it" comes_back live
says "sanitize-log: it goes on" '\(SSTAT\) +: +0x2$' nvme sanitize-log "$one"
rig fault one sanitize-stalls-at 0
ended "... to its end" "ffff 0101 0002 0000"
holds "... nothing is left" one "user=0"
exits "sanitize: overwrite, two passes, not deallocated" 0 \
	nvme sanitize "$one" -a 3 -n 2 -d -p 0xdeadbeef
ended "... and its log counts them" "ffff 0111 0223 0000"
is "... the pattern can be read" "$(first_words)" "deadbeef deadbeef"
exits "sanitize: exit failure mode, without a failure" 0 nvme sanitize "$one" -a 1
is "... changes nothing" "$(log81)" "ffff 0111 0223 0000"
rig fault one sanitize-fails-at 50
exits "sanitize that will fail, and may be left" 0 nvme sanitize "$one" -a 2 -u
ended "... its log says that it failed" "ffff 0103 000a 0000"
exits "... the drive takes no reads" 1 dd if="$DRIVE_one" of=/dev/null bs=4096 count=1 iflag=direct
exits "... it is left" 0 nvme sanitize "$one" -a 1
check "... and can be read again" dd if="$DRIVE_one" of=/dev/null bs=4096 count=1 iflag=direct status=none
is "... which is no success" "$(log81)" "ffff 0103 000a 0000"
rig fault one sanitize-fails-at 0
exits "sanitize with media verification" 0 nvme admin-passthru "$one" --opcode=0x84 --cdw10=0x402
sleep 0.3
is "... waits in that state" "$(log81)" "ffff 0102 0402 0000"
check "... reads are taken" dd if="$DRIVE_one" of=/dev/null bs=4096 count=1 iflag=direct status=none
exits "... and it is ended" 0 nvme admin-passthru "$one" --opcode=0x84 --cdw10=5
ended "... well" "ffff 0101 0402 0000"
exits "sanitize of several namespaces" 0 nvme sanitize "$many" -a 2
sleep 0.3
holds "... reaches every one, and what is not allocated" many "user=0 hidden=0 spare=0"

# another host's reservation of what both controllers see
"$EXPUNGE" plan "${many}n2" --allow-remote --level clear --state "$TMPDIR/state" --json >"$TMPDIR/plan"
is "expunge: nobody has reserved it" "$? $(grep -c '"reserved"' "$TMPDIR/plan")" "0 0"
rig fault many reserved-elsewhere 2
"$EXPUNGE" plan "${many}n2" --allow-remote --level clear --state "$TMPDIR/state" --json >"$TMPDIR/plan"
is "expunge: another host has reserved it" "$? $(grep -c '"reserved"' "$TMPDIR/plan")" "4 1"
"$EXPUNGE" plan "${many}n1" --allow-remote --level clear --state "$TMPDIR/state" --json >"$TMPDIR/plan"
is "expunge: ... which is in the way of its neighbour, too" "$? $(grep -c '"reserved"' "$TMPDIR/plan")" "4 1"

# a second controller of the same drive
where=$(awk '$2 == "many" { print $4 }' /run/vm/rig.env)
host=$(tr -d '\n' <"/sys/class/nvme/${many##*/}/hostid")
echo "transport=tcp,traddr=10.0.2.2,trsvcid=${where%%/*},nqn=${where#*/},nr_io_queues=1,\
duplicate_connect,hostnqn=nqn.2014-08.org.nvmexpress:uuid:$host,hostid=$host" >/dev/nvme-fabrics
second=$(grep -l "${where#*/}" /sys/class/nvme/nvme*/subsysnqn | grep -v "/${many##*/}/" | cut -d/ -f5)
says "it is the drive's second one" '^cntlid +: 0x2$' nvme id-ctrl "/dev/$second"
is "it sees the shared namespace only" "$(nvme list-ns "/dev/$second")" '[   0]:0x2'
exits "nvme reset" 0 nvme reset "$many"
says "... and it answers again" '^cntlid +: 0x1$' nvme id-ctrl "$many"

# the drive goes and comes
exits "nvme disconnect" 0 nvme disconnect -d "${one##*/}"
check "... takes the node away" test ! -e "$DRIVE_one"
check "... and it can be connected again" test "$(rig node one)" = "$DRIVE_one"
rig power-off one
check "a drive without power is waited for" comes_back connecting
says "what the host answers in its place is no answer" 'way to the drive is broken' \
	"$EXPUNGE" inspect "$DRIVE_one"
rig power-on one
check "... until it has power" comes_back live
check "another drive is put in its place" rig plug one other
check "... the kernel comes back" comes_back live
gone=no
for _ in $(seq 30); do
	[ -e "$DRIVE_one" ] || gone=yes
	[ "$gone" = no ] || break
	sleep 0.1
done
is "... sees another, and takes the node away" "$gone" yes
done_testing
