#!/bin/bash
# SAS drives behind a host adapter, met by clients that nobody here wrote: sg3-utils, smartctl,
# blkdiscard. After each erase the medium is looked at past everything that the drive says.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
. tests/vm/tap.sh tests/vm/rigs/sas.json

says "sg_inq reads the disk" 'Product identification: SAS HARD DISK' sg_inq "$DRIVE_hdd"
says "sg_inq reads its serial number" 'Unit serial number: VMSASHDD0001' sg_inq "$DRIVE_hdd"
says "sg_vpd reads its WWN" '0x5000c500a0000010' sg_vpd -p di "$DRIVE_hdd"
says "sg_vpd reads its block limits" 'Block limits VPD page' sg_vpd -p bl "$DRIVE_hdd"
says "sg_vpd sees a disk turn" 'Nominal rotation rate: 7200 rpm' sg_vpd -p bdc "$DRIVE_hdd"
says "sg_vpd sees what does not turn" 'Non-rotating medium' sg_vpd -p bdc "$DRIVE_ssd"
says "sg_vpd sees UNMAP" 'Unmap command supported \(LBPU\): 1' sg_vpd -p lbpv "$DRIVE_ssd"
says "sg_readcap reads the capacity" 'Last LBA=65535 ' sg_readcap --16 "$DRIVE_hdd"
says "sg_readcap reads blocks of 520 bytes" 'block length=520 bytes' sg_readcap --16 "$DRIVE_odd"
says "sg_opcodes lists SANITIZE overwrite" 'Sanitize, overwrite' sg_opcodes "$DRIVE_hdd"
says "... and crypto erase of the SSD" 'Sanitize, cryptographic erase' sg_opcodes "$DRIVE_ssd"
says "smartctl reads the disk" 'Serial number: +VMSASHDD0001' smartctl -i "$DRIVE_hdd"
says "smartctl sees SAS" 'Transport protocol: +SAS' smartctl -i "$DRIVE_hdd"
holds "the rig's customer data is there" hdd "user=65536 spare=64"

# what expunge says of the same drives
for drive in "$DRIVE_hdd hdd scsi-sanitize-overwrite" "$DRIVE_ssd ssd scsi-sanitize-crypto"; do
	read -r node media technique <<<"$drive"
	"$EXPUNGE" plan "$node" --json --state /tmp/state >/tmp/plan 2>/tmp/err
	is "expunge plan: $media" "$(jq -r '.targets[0].media' /tmp/plan)" "$media"
	is "expunge plan: $technique" "$(jq -r '[.targets[0].steps[].technique // empty] | join(" ")' /tmp/plan)" \
		"$technique"
done
"$EXPUNGE" inspect "$DRIVE_ssd" --json >/tmp/facts 2>/tmp/err
is "expunge inspect: the serial number" "$(jq -r .serial /tmp/facts)" VMSASSSD0001
is "expunge inspect: the size" "$(jq -r .bytes /tmp/facts)" 33554432

# idle NODE: until no sanitize and no format is reported any more
idle() {
	for _ in $(seq 150); do
		quiet sg_turs "$1" && return 0
		sleep 0.2
	done
	return 1
}
# erase NODE WORD...: started in the background of the drive, and followed to its end
erase() {
	local node=$1
	shift
	quiet sg_sanitize --quick --early "$@" "$node" && idle "$node"
}
# until the drive reports an error other than being at it
failed() {
	local out
	for _ in $(seq 100); do
		out=$(sg_turs -v "$1" 2>&1) || grep -q 'in progress' <<<"$out" || break
		sleep 0.1
	done
	echo "$out"
}
rig speed 100
check "sanitize overwrite is started" quiet sg_sanitize --quick --early --overwrite --zero "$DRIVE_hdd"
says "sg_turs says that it runs" '[Ss]anitize in progress' sg_turs -v "$DRIVE_hdd"
says "sg_requests sees how far it is" 'Progress indication: [0-9.]+%' sg_requests --progress --num=1 "$DRIVE_hdd"
says "the disk is not read meanwhile" '[Ss]anitize in progress' read_block "$DRIVE_hdd"
rig power-cycle hdd
sg=$(VM_WAIT=10 rig sg hdd)
quiet sg_turs "$sg"
says "a power loss does not end it" '[Ss]anitize in progress' sg_turs -v "$sg"
rig speed 20000
check "it ends" idle "$sg"
holds "nothing is left, the spare area included" hdd "user=0 spare=0"
DRIVE_hdd=$(again hdd)
rig speed 2000
check "sanitize crypto erase" erase "$DRIVE_ssd" --crypto
holds "nothing can be read under another key" ssd "user=0 spare=0"
rig stain ssd
check "sanitize block erase" erase "$DRIVE_ssd" --block
holds "nothing is left after block erase" ssd "user=0 spare=0"
rig stain hdd
printf '\001\000\000\004\000\000\000\000' >/tmp/zeros
printf '\xa5\x5a\xc3\x3c' >/tmp/pattern
rig speed 20000
check "sanitize overwrite with a pattern" erase "$DRIVE_hdd" --overwrite --pattern=/tmp/pattern --ipl=4
says "the pattern stands" '^ ?a5 5a c3 3c$' od -An -tx1 -w4 -N4 "$DRIVE_hdd"

# one that the host waits for: the command itself takes as long, and can be cut off
rig speed 200
rig stain hdd
sg_raw "$DRIVE_hdd" 48 03 00 00 00 00 00 00 00 00 >/tmp/raw 2>&1
says "a sanitize that the disk does not know" 'Illegal Request' cat /tmp/raw
sg_raw -s 8 -i /tmp/zeros -t 300 "$DRIVE_hdd" 48 01 00 00 00 00 00 00 08 00 >/tmp/raw 2>&1 &
raw=$!
sleep 1
check "SANITIZE without IMMED does not come back at once" kill -0 $raw
rig power-cycle hdd
wait $raw
check "a power loss cuts it off" [ $? -ne 0 ]
sg=$(VM_WAIT=10 rig sg hdd)
quiet sg_turs "$sg"
says "... and it goes on" '[Ss]anitize in progress' sg_turs -v "$sg"
rig speed 20000
check "... to its end" idle "$sg"
holds "nothing is left then" hdd "user=0 spare=0"
DRIVE_hdd=$(again hdd)

# one that fails stays failed until it is let go
rig fault ssd sanitize-fails-at 50
quiet sg_sanitize --quick --early --ause --block "$DRIVE_ssd"
says "a sanitize that fails says so" 'SANITIZE command failed|Medium Error' failed "$DRIVE_ssd"
rig fault ssd sanitize-fails-at 0
check "exit failure mode" quiet sg_sanitize --quick --fail "$DRIVE_ssd"
check "the SSD is ready again" idle "$DRIVE_ssd"

# FORMAT UNIT
rig stain odd
check "sg_format at the size that is there" quiet sg_format --format --quick --early "$DRIVE_odd"
check "... ends" idle "$DRIVE_odd"
holds "nothing is left where a host can reach" odd "user=0"
says "... and the size is the same" 'block length=520 bytes' sg_readcap --16 "$DRIVE_odd"
rig stain odd
check "sg_format to 512 bytes" quiet sg_format --format --size=512 --quick --early "$DRIVE_odd"
check "... ends, too" idle "$DRIVE_odd"
says "... and changes the size" 'block length=512 bytes' sg_readcap --16 "$DRIVE_odd"
holds "nothing is left after it" odd "user=0"

# trimmed
rig stain ssd
blkdiscard -f "$DRIVE_ssd" 2>/dev/null
holds "UNMAP takes data out of sight, not off the cells" ssd "user=65536"
says "unmapped blocks read as zeros" '^\*$' od -An -tx1 -N1048576 "$DRIVE_ssd"

check "unplugged" rig unplug ssd
sleep 0.5
check "its node is gone" [ ! -e "$DRIVE_ssd" ]
check "plugged in" rig plug ssd
DRIVE_ssd=$(again ssd)
says "it is back" 'VMSASSSD0001' sg_inq "$DRIVE_ssd"
done_testing
