#!/bin/bash
# long
#
# Drives in unusual formats erased by expunge: blocks of 4096 bytes, protection information, and an NVMe
# namespace that two controllers share, of which the second may be another host's. Over TCP an NVMe drive
# is a logical unit to the host: at most clear, by a policy that allows it.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-420}
. tests/vm/tap.sh tests/vm/rigs/formats.json

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
policy=$state/policy.json
nvme_tcp_policy "$policy"

# erases DRIVE SERIAL TECHNIQUE EXIT-CODE CLAIM OPTION...
erases() {
	local node=DRIVE_$1 name=$1 serial=$2 technique=$3 want=$4 claim=$5 out code
	shift 5
	rig stain "$name"
	out=$("$EXPUNGE" run "${!node}" --technique "$technique" --confirm "$serial" --state "$state" --json "$@" \
		2>"$state/err")
	code=$?
	is "$technique on $name exits $want" "$code" "$want"
	[ "$code" = "$want" ] || sed 's/^/# /' "$state/err"
	is "... and claims $claim" "$(jq_of "$out" claim), $(jq_of "$out" scope)" "$claim"
	record=$state/certificates/$(jq_of "$out" record)
}
# block_bytes: of the identity in the record's last phase
block_bytes() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["evidence"][-1]["identity"]["logical_block_bytes"])' "$record"
}

# blocks of 4096 bytes
erases big VMFMTBIG01 scsi-sanitize-overwrite 0 'purge, drive'
holds "... and nothing is left" big "user=0 hidden=0 spare=0"
is "... in blocks of 4096 bytes" "$(block_bytes)" 4096
erases big VMFMTBIG01 scsi-format 3 'clear, logical-unit'
holds "... and nothing addressable is left" big "user=0"
erases big VMFMTBIG01 overwrite-zero 3 'clear, logical-unit'
holds "... and nothing addressable is left" big "user=0"
says "sg_readcap agrees on the blocks" 'block length=4096' sg_readcap --16 "$DRIVE_big"

# protection information
erases guarded VMFMTPI001 scsi-sanitize-overwrite 0 'purge, drive'
holds "... and nothing is left" guarded "user=0 hidden=0 spare=0"
erases guarded VMFMTPI001 scsi-format 3 'clear, logical-unit'
holds "... and nothing addressable is left" guarded "user=0"
says "sg_readcap finds the protection as it was" 'prot_en=1, p_type=0' sg_readcap --16 "$DRIVE_guarded"
erases nguarded VMFMTNPI01 nvme-sanitize-block 0 'clear, logical-unit' --policy "$policy" --allow-remote
holds "... and nothing is left" nguarded "user=0 hidden=0 spare=0"
erases nguarded VMFMTNPI01 nvme-format-user 0 'clear, logical-unit' --policy "$policy" --allow-remote
holds "... and nothing addressable is left" nguarded "user=0"
says "id-ns finds the protection as it was" '^dps +: 0x1$' nvme id-ns "$DRIVE_nguarded"

# a namespace that another controller has, too: whose host nobody knows
rig stain shared
"$EXPUNGE" run "$DRIVE_shared" --technique nvme-sanitize-block --confirm VMFMTSHA01 --state "$state" \
	--policy "$policy" --allow-remote --json >"$state/out" 2>"$state/err"
is "a namespace of a controller that is not ours is in the way" \
	"$? $(grep -c '"shared_controller"' "$state/out")" "4 1"
check "... and not a block was touched" [ "$(rig stains shared | tr -dc 0-9)" != 000 ]
one=${DRIVE_shared%n1}
where=$(awk '$2 == "shared" { print $4 }' /run/vm/rig.env)
host=$(tr -d '\n' <"/sys/class/nvme/${one##*/}/hostid")
echo "transport=tcp,traddr=10.0.2.2,trsvcid=${where%%/*},nqn=${where#*/},nr_io_queues=1,\
duplicate_connect,hostnqn=nqn.2014-08.org.nvmexpress:uuid:$host,hostid=$host" >/dev/nvme-fabrics
erases shared VMFMTSHA01 nvme-sanitize-block 0 'clear, logical-unit' --policy "$policy" --allow-remote
holds "... where both are ours it is erased" shared "user=0 hidden=0 spare=0"
done_testing
