#!/bin/sh
# An example: a host leaves the fleet. Its data drives are erased from the running system, the certificates
# go into a folder, and every drive that the asset list names is accounted for, or this ends with an error.
#
#   decommission.sh EXPECT.csv FOLDER [TARGET...]
#
# EXPECT.csv comes from the asset database, never from this host (a list that is made of what is found here
# confirms whatever is found here): host_serial,serial,asset_tag,ticket,tenant
# TARGETs are only needed for disk images; the drives of the list are found by their serials. The disk that
# the host runs from is refused (kexec.sh beside this file is the way for that one).
# Needs expunge, expunge-cert, jq. EXPUNGE_OPTIONS: more for `expunge run`, such as --key and --cert.
set -u
[ $# -ge 2 ] || {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 64
}
expect=$1
folder=$2
shift 2
mkdir -p "$folder" || exit 73
state=$folder/state

# --if-needed: typed again after a power cut it goes on, and leaves alone what is done
# shellcheck disable=SC2086 # the options are words
expunge run --json --if-needed --accept clear --expect "$expect" --state "$state" --out "$folder" \
	${EXPUNGE_OPTIONS:-} "$@" >"$folder/result.json"
rc=$?

jq -r '.results[] | [(if (.serial // "") == "" then .path else .serial end), .outcome, .claim // "none", .record // "-"] | @tsv' \
	"$folder/result.json" 2>/dev/null |
	while IFS="$(printf '\t')" read -r serial outcome claim record; do
		printf '%-24s %-28s %-6s %s\n' "$serial" "$outcome" "$claim" "$record"
	done

case $rc in
0) ;;
1) echo "FAILED: data may remain on a drive. Pull it and have it destroyed." >&2 ;;
2) echo "INDETERMINATE: a drive's answer cannot be known. Treat it as not erased." >&2 ;;
3) echo "LOWER LEVEL than asked: the certificates say which." >&2 ;;
4) echo "REFUSED: one drive at least was not touched; the reason stands above." >&2 ;;
5) echo "INTERRUPTED: type the same again." >&2 ;;
6) echo "INCOMPLETE: a listed drive is absent, or the host hides drives." >&2 ;;
*) echo "expunge ended with $rc" >&2 ;;
esac

# What was written must hold for a stranger, too. A machine's own key is trusted here because it was made
# on this machine a moment ago; with --key the trust anchor is the organization's root.
if [ -n "$(find "$folder" -maxdepth 1 -name '*.p7s')" ]; then
	expunge-cert verify "$folder" --trust "${TRUST:-$state/host.crt}" --summary >&2
	checked=$?
	if [ "$checked" -ne 0 ] && [ "$rc" -eq 0 ]; then
		echo "the certificates do not verify ($checked)" >&2
		rc=1
	fi
fi
exit "$rc"
