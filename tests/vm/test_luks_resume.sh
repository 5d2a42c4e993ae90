#!/bin/bash
# long
#
# A job on a drive that was killed, and a LUKS mapping on it that came up meanwhile: `resume` refuses, `resume
# --close` takes it down, and the record names it, also where that take is killed as well. And `list` marks drives
# and partitions that begin with a LUKS header.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-600}
. tests/vm/tap.sh tests/vm/rigs/holders.json
cd "$TMPDIR" || exit 1
S=$TMPDIR/state
modprobe -a dm_mod dm_crypt 2>/dev/null
printf secret >key
node=$DRIVE_crypt
marks() { "$EXPUNGE" list --json | jq -c --arg path "$1" '.drives[] | select(.path == $path) | .luks'; }

is 'list: no mark on a blank drive' "$(marks "$node")" '[]'
cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$node" key
is 'list: a drive that begins with a header' "$(marks "$node")" "[\"$node\"]"
echo '2048,65536' | sfdisk -q "$DRIVE_plain" >/dev/null 2>&1
for _ in $(seq 50); do [ -b "${DRIVE_plain}1" ] && break; sleep 0.2; done
cryptsetup -q luksFormat --type luks1 --pbkdf-force-iterations 1000 "${DRIVE_plain}1" key
is 'list: a partition that begins with one' "$(marks "$DRIVE_plain")" "[\"${DRIVE_plain}1\"]"
check 'list says it to people' sh -c "$EXPUNGE list | grep -q 'LUKS  *${DRIVE_plain}1'"

lines() { cat "$S"/jobs/*/journal.jsonl 2>/dev/null | grep -c "$1"; }
# killed REGEX WORDS...: expunge is killed as soon as its journal has one more such line
killed() {
	local regex=$1 before pid
	shift
	before=$(lines "$regex")
	rig delay crypt 200
	"$@" >"$TMPDIR/killed" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null && [ "$(lines "$regex")" -le "$before" ]; do sleep 0.05; done
	kill -9 $pid 2>/dev/null || sed 's/^/# it ended before: /' "$TMPDIR/killed"
	wait $pid 2>/dev/null
	rig delay crypt 0
}
maps() { dmsetup create "$1" --uuid "CRYPT-LUKS2-0123456789abcdef0123456789abcde$2-$1" \
	--table "0 2048 crypt aes-xts-plain64 $(printf '%064d' 7) 0 $node 32768"; }
tables() { dmsetup table 2>/dev/null | grep -c crypt; }
resume() { "$EXPUNGE" resume --state "$S" --json "$@"; }

killed '"kind":"erase"' "$EXPUNGE" run "$node" --state "$S" --level clear --technique overwrite-random --confirm VMHCRYPT --quiet
is 'a job was interrupted' "$("$EXPUNGE" status --state "$S" --json | jq -r '.jobs[0].state')" interrupted
check 'a mapping comes up on the drive' maps vault 1
exits 'resume is refused' 4 resume
is '... since something stands on it' "$(jq -r '.results[0].refusals[0].code' "$TMPDIR/out")" holder
is '... and dm still has it' "$(tables)" 1
python3 -c 'import time; f = open("/dev/mapper/vault", "rb"); print(flush=True); time.sleep(600)' >held &
holder=$!
while [ ! -s held ]; do sleep 0.2; done
exits 'one that a process has open is not closed' 4 resume --close
is '... and stays' "$(tables)" 1
kill $holder
wait $holder 2>/dev/null
killed '"type":"closed"' "$EXPUNGE" resume --state "$S" --close --quiet
is 'closed by a take that was killed' "$(tables)" 0
check '... its journal has it' grep -q '"name":"vault".*"type":"closed"' "$S"/jobs/*/journal.jsonl
check 'another one comes up' maps second 2
exits 'resume --close' 0 resume --close
is 'dm shows no table' "$(tables)" 0
is 'clear' "$(jq -r '.results[0].claim' "$TMPDIR/out")" clear
record=$S/certificates/$(jq -r '.results[0].record' "$TMPDIR/out")
is 'the record names both' "$(jq -r '[.closed[].name] | join(" ")' "$record")" 'vault second'
is '... with the volumes' "$(jq -r '.closed[0].uuid' "$record")" 01234567-89ab-cdef-0123-456789abcde1
check '... and verifies' quiet "$EXPUNGE_CERT" verify "$record" --trust "$S/host.crt" --require-level clear \
	--require-scope logical-unit --require-role host
is 'list: no mark any more' "$(marks "$node")" '[]'
done_testing
