#!/bin/bash
# Drives that are QEMU's own, and none of ours: its NVMe behind the kernel's PCIe driver, whose Format
# erases, and its SCSI disk, which answers FORMAT UNIT with Good and keeps the data.
. tests/vm/tap.sh

if [ -n "${VM_GUEST:-}" ]; then
	modprobe -a nvme virtio_scsi sd_mod sg
	for _ in $(seq 100); do
		[ -b /dev/nvme0n2 ] && [ -b /dev/sda ] && break
		sleep 0.1
	done
	S=$TMPDIR/state
	policy=$TMPDIR/policy.json
	# for drives that a machine makes up no policy gives anything by their own commands
	python3 - "$policy" <<'END'
import json, sys
p = json.load(open("docs/policies/nist-800-88r2.json"))
p["name"], p["level"] = "made-up-drives", "clear"
p["title"] = "For tests: the commands of a drive that QEMU plays clear a logical unit"
for t in p["caps"]:
    p["caps"][t]["virtual"] = "clear"
json.dump(p, open(sys.argv[1], "w"))
END
	# run NAME NODE CONFIRM TECHNIQUE: its exit code and claim
	run() {
		"$EXPUNGE" run "$2" --policy "$policy" --technique "$4" --confirm "$3" --state "$S" \
			--json >"$TMPDIR/out" 2>"$TMPDIR/err"
		echo "$1 $? $(jq -r '.results[0] | "\(.claim) \(.scope)"' "$TMPDIR/out")"
	}
	"$EXPUNGE" inspect /dev/nvme0n2 --json >"$TMPDIR/facts"
	echo "facts $(jq -r '.drive.nvme | "\(.format.supported) \(.format.crypto_erase)"
		+ " \(.sanitize.crypto or .sanitize.block or .sanitize.overwrite)"' "$TMPDIR/facts")"
	run crypto /dev/nvme0n2 VMQEMU1:ns=2 nvme-format-crypto
	run user /dev/nvme0n2 VMQEMU1:ns=2 nvme-format-user
	echo "lbads $(nvme id-ns /dev/nvme0n2 | sed -n 's/^lbaf.*lbads:\([0-9]*\).*in use.*/\1/p')"
	run scsi /dev/sda VMQEMU2 scsi-format
	echo "unchanged $(jq -r '[.. | objects | .unchanged_blocks // empty | tonumber] | max > 0' \
		"$S"/certificates/"$(jq -r '.results[0].record' "$TMPDIR/out" | xargs basename)")"
	sync
	exit 0
fi

vm_boot
images=$(mktemp -d)
trap 'rm -rf "$images"' EXIT
for i in 1 2 3; do
	head -c 8388608 /dev/urandom >"$images/$i"
	cksum <"$images/$i" >"$images/$i.was"
	VM_QEMU+=" -drive file=$images/$i,format=raw,if=none,id=q$i"
done
VM_QEMU+=" -device nvme,id=n0,serial=VMQEMU1 -device nvme-ns,drive=q1,bus=n0,nsid=1"
VM_QEMU+=" -device nvme-ns,drive=q2,bus=n0,nsid=2,logical_block_size=4096,physical_block_size=4096"
VM_QEMU+=" -device virtio-scsi-pci,id=s0 -device scsi-hd,drive=q3,bus=s0.0,serial=VMQEMU2"
VM_QEMU+=",rotation_rate=7200"
export VM_QEMU
found=$(tests/vm/run.sh - "$0")
is "the machine ran to its end" "$?" 0
# said KEY WANTED
said() {
	is "$1: $2" "$(sed -n "s/^$1 //p" <<<"$found")" "$2"
}
same() { [ "$(cksum <"$images/$1")" = "$(cat "$images/$1.was")" ]; }

said facts "true false false"
said crypto "69 none "
said user "0 clear logical-unit"
check "... the namespace holds zeros" cmp -s -n 8388608 "$images/2" /dev/zero
check "... the other one is as it was" same 1
said lbads 12
said scsi "1 none logical-unit"
check "... it holds what it held" same 3
said unchanged true
done_testing
