#!/bin/bash
# The machine's own disks as drives that nobody here wrote: one that answers FORMAT UNIT with Good and
# keeps the data, and an NVMe drive that formats.
if [ -z "${VM_GUEST:-}" ]; then
	images=$(mktemp -d "${TMPDIR:-/tmp}/qemu-drives.XXXXXX")
	truncate -s 16M "$images/scsi" "$images/nvme"
	export VM_QEMU="-drive file=$images/scsi,format=raw,if=none,id=d1 -device virtio-scsi-pci,id=own
		-device scsi-hd,drive=d1,bus=own.0,vendor=ACME,product=LYING,serial=LIAR1,rotation_rate=7200
		-drive file=$images/nvme,format=raw,if=none,id=d2 -device nvme,drive=d2,serial=QNVME1"
fi
. tests/vm/tap.sh tests/vm/rigs/sas-erase.json

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
modprobe nvme
find_node() {
	local n
	for n in /sys/block/*; do
		[ "$({ xargs <"$n/device/$1"; } 2>/dev/null)" = "$2" ] && echo "/dev/${n##*/}" && return
	done
}
for _ in $(seq 50); do
	liar=$(find_node model LYING)
	nvme=$(find_node serial QNVME1)
	[ -n "$liar" ] && [ -n "$nvme" ] && break
	sleep 0.2
done
fill() {
	dd if=/dev/urandom of="$1" bs=1M count=16 oflag=direct status=none
}
# result KEY: of the last run
result() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["results"][0].get(sys.argv[2]))' \
		"${TMPDIR:-/tmp}/out" "$1"
}

check "the disk that lies is full of data" fill "$liar"
exits "FORMAT UNIT answered with Good and nothing done exits 1" 1 "$EXPUNGE" run "$liar" \
	--technique scsi-format --accept clear --confirm LIAR1 --state "$state" --json
is "... and claims nothing" "$(result claim)" none
is "... since blocks read as before" "$(python3 -c '
import json, sys
r = json.load(open(sys.argv[1]))["results"][0]
print("unchanged" in [x["code"] for x in r["reasons"]])' "${TMPDIR:-/tmp}/out")" True

python3 - "$state/policy.json" <<'END'
import json, sys
p = json.load(open("docs/policies/nist-800-88r2.json"))
p["name"], p["level"] = "virtual-nvme", "clear"
p["title"] = "For tests: the formats of a virtual NVMe drive clear a logical unit"
for t in ("nvme-format-user", "nvme-format-crypto"):
    p["caps"][t]["virtual"] = "clear"
json.dump(p, open(sys.argv[1], "w"))
END
check "the NVMe drive is full of data" fill "$nvme"
exits "Format NVM of user data exits 0" 0 "$EXPUNGE" run "$nvme" --technique nvme-format-user \
	--policy "$state/policy.json" --confirm QNVME1 --state "$state" --json
is "... and claims clear" "$(result claim)" clear
check "the data is gone" cmp -s -n 16777216 "$nvme" /dev/zero
says "id-ns: the format that it had" '^flbas +: 0$' nvme id-ns "$nvme"
# it takes SES 2 though it says that it cannot change keys: it is not asked to
exits "a format of keys is not offered" 69 "$EXPUNGE" run "$nvme" --technique nvme-format-crypto \
	--policy "$state/policy.json" --confirm QNVME1 --state "$state" --json
done_testing
