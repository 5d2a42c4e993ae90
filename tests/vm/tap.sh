# shellcheck shell=bash
# tap.sh: what a test in the virtual machine sources, with its rig:
#   . tests/vm/tap.sh tests/vm/rigs/sat.json
# The same script runs twice: on the host it boots the machine, where it comes along again, as root,
# with the drives there. It has what tests/cli/tap.sh has, and:
. tests/cli/tap.sh

# vm_skip WHY: every check of this script is left out
vm_skip() {
	local i n
	n=$(grep -cE '^[[:space:]]*(check|is|exits|holds|says|refused|free) ' "$0")
	for i in $(seq "$n"); do
		skip "$(basename "$0" .sh) $i" "$1"
	done
	done_testing
}

# vm_boot [RIG]: on the host this does not return; without a rig the test boots when it wants to
vm_boot() {
	[ -z "${VM_GUEST:-}" ] || return 0
	tests/vm/image.sh 2>/dev/null ||
		vm_skip "no virtual machine can be built here: $(cat build/vm/why-not 2>/dev/null)"
	if [ $# -gt 0 ] && grep -q '"libata"' "$1" && ! tests/vm/module.sh >/dev/null 2>&1; then
		vm_skip "no module of ours can be built for its kernel"
	fi
	[ $# -eq 0 ] || exec tests/vm/run.sh "$1" "$0"
}

# holds NAME, DRIVE, STAINS: what a laboratory would find on the medium now, such as "user=0 hidden=0
# spare=64"; a word that is not named may be anything
holds() {
	local found word missing=
	found=$(rig stains "$2")
	for word in $3; do
		[[ " $found " == *" $word "* ]] || missing+=" $word"
	done
	if [ -z "$missing" ]; then
		ok "$1"
	else
		not_ok "$1"
		printf '# wanted %s, found %s\n' "$3" "$found"
	fi
}

# says NAME, REGEX, COMMAND...: what it prints, on either output, matches; its exit code does not matter
says() {
	local name=$1 regex=$2 out
	shift 2
	out=$("$@" 2>&1 </dev/null)
	if grep -qE -- "$regex" <<<"$out"; then
		ok "$name"
	else
		not_ok "$name"
		printf '# no "%s" in:\n' "$regex"
		head -n 20 <<<"$out" | sed 's/^/#   /'
	fi
}

# quiet COMMAND...: without what it prints
quiet() {
	"$@" >/dev/null 2>&1
}

# read_block NODE: the first 4096 bytes by a READ (10) that nobody repeats
read_block() {
	sg_raw -r "${2:-4096}" "$1" 28 00 00 00 00 00 00 00 08 00
}

# again NAME: the node that the drive has after its power was off, its attention taken
again() {
	local node
	node=$(VM_WAIT=10 rig node "$1")
	quiet sg_turs "$node"
	echo "$node"
}

# jq_of JSON KEY: of the first result
jq_of() {
	python3 -c 'import json, sys; print(json.loads(sys.argv[1])["results"][0].get(sys.argv[2]))' "$1" "$2"
}

# nvme_tcp_policy FILE: writes a policy by which the commands of a drive behind NVMe over TCP clear it
nvme_tcp_policy() {
	python3 - "$1" <<'END'
import json, sys
p = json.load(open("docs/policies/nist-800-88r2.json"))
p["name"], p["level"] = "nvme-over-tcp", "clear"
p["title"] = "For tests: the commands of a drive behind NVMe over TCP clear a logical unit"
for t in p["caps"]:
    if t.startswith("nvme-"):
        p["caps"][t]["virtual"] = "clear"
json.dump(p, open(sys.argv[1], "w"))
END
}

vm_boot "$@"
