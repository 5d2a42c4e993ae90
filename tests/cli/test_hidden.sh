#!/usr/bin/env bash
# A host that hides drives, through the command itself: with --expect what is listed is erased, and the exit code is
# 6, since nobody knows what else is there. The controller stands in a /sys/bus/pci/devices of this test's own.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; then
	skip 'a host that hides drives' 'needs root and a mount namespace'
	done_testing
fi
# tree NAME DRIVER: what this machine has, and a RAID controller with that driver; none: no driver is bound
tree() {
	local device
	mkdir -p "$1/0000:99:00.0"
	for device in /sys/bus/pci/devices/*; do
		[ -e "$device" ] && ln -s "$(realpath "$device")" "$1/${device##*/}"
	done
	echo 0x010400 >"$1/0000:99:00.0/class"
	echo 0x1000 >"$1/0000:99:00.0/vendor"
	echo 0x005d >"$1/0000:99:00.0/device"
	[ -z "$2" ] || ln -s "../../../../bus/pci/drivers/$2" "$1/0000:99:00.0/driver"
}
# hidden NAME WORD...: expunge, on a host that has such a controller
hidden() {
	local tree=$1
	shift
	# shellcheck disable=SC2016 # the words are the inner shell's
	unshare -m sh -c 'mount --bind "$1" /sys/bus/pci/devices && shift && exec "$@"' sh "$TMPDIR/$tree" \
		"$EXPUNGE" "$@" --json
}
image() { head -c 1048576 /dev/urandom >"$1"; }
is_zero() { cmp -s "$1" <(head -c "$(stat -c %s "$1")" /dev/zero); }
record() { echo "$S/certificates/$(jq -r '.results[0].record' out)"; }
tree whole/devices ''
rm -r "whole/devices/0000:99:00.0"
tree unbound '' && tree megaraid megaraid_sas && tree vfio vfio-pci
printf 'serial\nlisted.img\n' >expect.csv

# the tree by itself changes nothing: this machine is as complete as it is without
image listed.img
hidden whole/devices run --state "$S" listed.img --level clear --expect expect.csv >out 2>err
code=$?
complete=$(jq -r .host.complete "$(record)")
case $complete in
yes) is 'a host that hides nothing' "$code" 0 ;;
*) is 'a host that may hide drives already' "$code" 6 ;;
esac
# tree, what the record says of the host, a word of the reason
while read -r tree says reason; do
	image listed.img
	exits "$tree: a listed drive is erased, and the exit code is 6" 6 \
		hidden "$tree" run --state "$S" listed.img --level clear --expect expect.csv
	is "$tree: it was done" "$(jq -r '.results[0].outcome' out)" sanitized
	check "$tree: and it is zero" is_zero listed.img
	check "$tree: the operator is told" grep -q 'this host may hide drives; see expunge list' err
	is "$tree: the record says so" "$(jq -r .host.complete "$(record)")" "$says"
	is "$tree: and names the controller" "$(jq -r '.host.hidden[].controller' "$(record)" | grep -c '^RAID controller 1000:005d$')" 1
	check "$tree: and why" grep -q "$reason" "$(record)"
	image listed.img
	exits "$tree: what was confirmed by hand is what was asked for" 0 \
		hidden "$tree" run --state "$S" listed.img --level clear --confirm listed.img
	is "$tree: that record says so, too" "$(jq -r .host.complete "$(record)")" "$says"
done <<-'END'
	unbound no no.driver.is.bound
	vfio no given.to.a.virtual.machine
	megaraid unknown cannot.be.told.from.here
END
# worse than incomplete is what failed; what was refused is not
image listed.img
image other.img
exits 'a refused one beside it' 6 hidden unbound run --state "$S" listed.img other.img --level clear --expect expect.csv
is 'the other one is refused' "$(jq -r '[.results[] | select(.refusals != null and (.refusals | length > 0))] | length' out)" 1
exits 'all that is listed was erased already' 6 \
	hidden unbound run --state "$S" listed.img --level clear --expect expect.csv --if-needed
is 'and it is known' "$(jq -r '.results[0].outcome' out)" already_sanitized
hidden megaraid list >out 2>err
is 'list says it the same way' "$(jq -r .host.complete out)" unknown
done_testing
