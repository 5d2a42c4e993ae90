#!/usr/bin/env bash
# A server that dies while a job runs, and comes back: told once, and told again, while it happens.
. tests/cli/tap.sh
# shellcheck source=tests/cli/put_server.sh
. tests/cli/put_server.sh
# shellcheck source=tests/cli/tmux.sh
. tests/cli/tmux.sh
FAULTFS=${EXPUNGE%/*}/faultfs
root=$PWD
cd "${TMPDIR:?}" || exit 1
export LC_ALL=C.UTF-8 FAULTFS_RELEASE=$TMPDIR/release NO_COLOR=
finish() {
	touch release
	stop_servers
	tmux_end
	umount slow 2>/dev/null || umount -l slow 2>/dev/null
	[ -z "${loop:-}" ] || losetup -d "$loop" 2>/dev/null
}
if [ ! -x "$FAULTFS" ] || [ ! -w /dev/fuse ] || [ "$(id -u)" -ne 0 ]; then
	skip 'a server that dies while a job runs' 'needs root, FUSE and libfuse3'
	done_testing
fi
trap finish EXIT
ca ca
cert good ca 'IP:127.0.0.1'
serve main good
url=https://127.0.0.1:$port/put
mkdir slow
"$FAULTFS" slow $((4 << 20)) /slow.img hang-write=2000000
# told FILE TEXT: it comes to stand there while the process $pid lives
told() {
	until grep -q "$2" "$1" 2>/dev/null; do
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
}

# ---- run ----
echo '500 PUT jobs' >main/mode
"$EXPUNGE" run slow/slow.img --level clear --confirm slow.img --state state --quiet --upload "$url" --upload-ca ca.pem \
	>run.out 2>run.err </dev/null &
pid=$!
check 'it is told while the job runs' told run.err 'the server takes nothing just now'
: >main/mode
check 'and that the server is back' told run.err 'the server takes files again'
check 'still while it runs' kill -0 $pid
touch release
wait $pid
is 'the job is done' $? 0
is 'each was told once' "$(grep -c 'server takes' run.err)" 2
rm release

# ---- the full screen ----
on_screen 24 80 vt100 "$EXPUNGE" tui --state state --level clear --upload "$url" --upload-ca ca.pem slow/slow.img
sees 'who works is asked' 'Who does this work?'
press Escape
sees 'the list' 'slow.img'
press Space Enter
sees 'the plan' '1 drive would be destroyed'
echo '500 PUT jobs' >main/mode
press Enter
write_text slow.img
press Enter
sees 'the line above the keys says it' 'NOT ON THE SERVER:'
: >main/mode
sees 'and that it is back' 'the server takes files again'
check 'and no more' test -z "$(screen | grep 'NOT ON THE SERVER')"
touch release
sees 'the job is done' '1  done, and the evidence supports it'
press q y
ended 'well' 0
rm release

# ---- the consoles of an unattended run ----
truncate -s 4M un.img
printf 'serial\n%s\n' slow-$$.img >list.csv
printf '{"version":1,"level":"clear"}' >expunge.json
: >cmdline
umount slow
"$FAULTFS" slow $((4 << 20)) "/slow-$$.img" hang-write=2000000
if loop=$(losetup -f --show "slow/slow-$$.img" 2>/dev/null); then
	echo '500 PUT jobs' >main/mode
	"$root"/tests/cli/two_consoles.py --no-key 'the server takes nothing just now' "$EXPUNGE" unattended --config expunge.json \
		--cmdline cmdline --expect list.csv --settle 0 --settle-max 0 --countdown 0 --state un.state --console @1 \
		--console @2 --upload "$url" --upload-ca ca.pem >screens 2>un.err &
	pid=$!
	until compgen -G 'un.state/jobs/*/journal.jsonl' >/dev/null || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
	told un.err 'the server takes nothing just now'
	: >main/mode
	touch release
	wait $pid
	is 'both consoles are told' "$(grep -c '^[12]: .*the server takes nothing just now' screens)" 2
else
	loop=
	skip 'both consoles are told' 'no loop device'
fi
done_testing
