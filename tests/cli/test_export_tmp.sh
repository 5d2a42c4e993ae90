#!/bin/bash
# Export from boxes alone where next to nothing can be written, as on a rescue system.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
mkdir stick
"$EXPUNGE" keep make stick --bytes 4194304 2>/dev/null
head -c 1M /dev/urandom >disk.img
"$EXPUNGE" run disk.img --level clear --confirm disk.img --keep stick --state state --quiet >/dev/null 2>&1
cp -r stick before
# without PLACES-BY-COLON COMMAND...: none of them can be written
without() {
	local places=$1
	shift
	# shellcheck disable=SC2016 # the shell inside expands
	PLACES=$places unshare -m bash -c 'for place in ${PLACES//:/ }; do
		mount -t tmpfs -o ro none "$place" || exit 99
	done; exec "$@"' - "$@"
}
case $TMPDIR in /tmp/* | /var/tmp/* | /run/* | /dev/shm/*) beneath=1 ;; *) beneath='' ;; esac
if [ "$(id -u)" -ne 0 ] || [ -n "$beneath" ] || ! without /tmp:/run:/dev/shm:/var/tmp true 2>/dev/null; then
	skip 'where /tmp cannot be written' 'needs root, and a folder elsewhere'
	done_testing
	exit 0
fi
exits 'with /tmp read-only another place will do' 0 without /tmp "$EXPUNGE" export first --keep stick
is 'all is there' "$(find first -name '*.p7s' | wc -l)" 1
exits 'with no place at all it is refused' 4 without /tmp:/run:/dev/shm:/var/tmp "$EXPUNGE" export none --keep stick
check 'and says what would do' grep -q 'name a folder with --state' err
check 'nothing was written there' test ! -e none
check 'and the boxes are as they were' diff -r stick before
exits 'with a state folder it can be told' 0 without /tmp:/run:/dev/shm:/var/tmp "$EXPUNGE" export second --keep stick --state state
is 'and all is there' "$(find second -name '*.p7s' | wc -l)" 1
# nothing was ever done with these: no job could be on a drive
mkdir fresh
"$EXPUNGE" keep make fresh --bytes 4194304 2>/dev/null
exits 'boxes without a job are on no drive' 0 without /tmp:/run:/dev/shm:/var/tmp "$EXPUNGE" export third --keep fresh
done_testing
