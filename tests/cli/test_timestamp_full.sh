#!/usr/bin/env bash
# expunge-cert timestamp request where nothing can be written any more: that is no missing input.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
head -c 1048576 /dev/urandom >a.img
"$EXPUNGE" run a.img --level clear --confirm a.img --out out.d --state state >/dev/null 2>&1
record=$(find out.d -name '*.json')
exits 'a request for which there is no room' 1 full cert timestamp request "$record" --out q.tsq
check 'is told' grep -q 'File too large' out
check 'and leaves nothing behind' test ! -e q.tsq
exits 'a folder that is not there' 1 cert timestamp request "$record" --out nowhere/q.tsq
exits 'a record that is not there' 66 full cert timestamp request nowhere.json --out q.tsq
exits 'where there is room it is written' 0 cert timestamp request "$record" --out q.tsq
exits 'and not written over' 1 cert timestamp request "$record" --out q.tsq
done_testing
