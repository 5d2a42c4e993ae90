#!/bin/bash
# long
#
# luks-destroy on a drive whose volume is open: refused, then with --close done; dm shows no table and the
# keyring no key. What is mounted or open stays, whatever is asked; a suspended one goes, too.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-900} # key derivation is slow where there is no KVM
. tests/vm/tap.sh tests/vm/rigs/holders.json
at=$PWD/tests/cli/on_terminal.py
cd "$TMPDIR" || exit 1
S=$TMPDIR/state
modprobe -a dm_mod dm_crypt ext4 2>/dev/null
printf secret >key
node=$DRIVE_crypt
run() { "$EXPUNGE" run "$node" --state "$S" --technique luks-destroy --level clear --json --confirm VMHCRYPT "$@"; }
make_volume() {
	cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$node" key &&
		cryptsetup open --key-file key "$node" vault
}
tables() { dmsetup table 2>/dev/null | grep -c crypt; }
opens() { cryptsetup open --test-passphrase --key-file key "$node" 2>/dev/null; }

check 'a volume is open' make_volume
exits 'an active mapping is refused' 4 run
is 'its code' "$(jq -r '.results[0].refusals[0].code' "$TMPDIR/out")" holder
check 'and the header stands' opens
exits 'without its confirmation nothing is closed' 4 "$EXPUNGE" run "$node" --state "$S" --technique luks-destroy \
	--close --confirm other
is 'dm still has it' "$(tables)" 1
mkfs.ext4 -q /dev/mapper/vault && mkdir -p m && mount /dev/mapper/vault m
exits 'one that is mounted is not closed' 4 run --close
check 'and stays mounted' mountpoint -q m
umount m
exits '--close: done' 0 run --close
is 'clear' "$(jq -r '.results[0].claim' "$TMPDIR/out")" clear
is 'dm shows no table' "$(tables)" 0
is 'the keyring has no key of it' "$(grep -c cryptsetup: /proc/keys)" 0
check 'cryptsetup knows no header' sh -c "! cryptsetup luksDump $node 2>/dev/null"
check 'nor opens it' sh -c "! cryptsetup open --test-passphrase --key-file key $node 2>/dev/null"

record=$S/certificates/$(jq -r '.results[0].record' "$TMPDIR/out")
uuid=$(jq -r '[.evidence[].volumes // empty][0][0].uuid' "$record")
is 'the record names what was closed' "$(jq -r '.closed[] | .name + " " + .uuid' "$record")" "vault $uuid"
check '... and when' quiet jq -e '.closed[0].at <= .issued' "$record"
is '... as the answer does' "$(jq -r '.results[0].closed[0].name' "$TMPDIR/out")" vault

# each way to confirm: what is not confirmed stays open
check 'another volume is open' make_volume
check 'plan --close has no refusal, and a step' sh -c "$EXPUNGE plan $node --technique luks-destroy --level clear \
	--close --json | jq -e '.targets[0] | (.refusals == []) and .steps[0].action == \"close\"' >/dev/null"
is '... and dm still has it' "$(tables)" 1
printf 'serial\nVMHOTHER\n' >other.csv
exits 'a list without the drive: not touched' 6 "$EXPUNGE" run "$node" --state "$S" --technique luks-destroy \
	--level clear --close --expect other.csv
is '... and dm still has it' "$(tables)" 1
python3 -c 'import time; f = open("/dev/mapper/vault", "rb"); print(flush=True); time.sleep(600)' >held &
holder=$!
while [ ! -s held ]; do sleep 0.2; done
exits 'one that a process has open is not closed' 4 run --close
is '... its code' "$(jq -r '.results[0].refusals[0].code' "$TMPDIR/out")" holder
is '... and dm still has it' "$(tables)" 1
kill "$holder"
wait "$holder" 2>/dev/null
printf 'serial\nVMHCRYPT\n' >list.csv
"$EXPUNGE" run "$node" --state "$S" --technique luks-destroy --level clear --json --close --expect list.csv >out 2>err
is 'confirmed by a list: closed and done' "$(jq -r '.results[0] | .outcome + " " + .closed[0].name' out)" 'sanitized vault'
is 'dm shows no table of it' "$(tables)" 0

check 'another volume is open' make_volume
"$at" 120 40 --answer 'type VMHCRYPT' wrong -- "$EXPUNGE" run "$node" --state "$S" --technique luks-destroy \
	--level clear --close >out 2>&1
is 'at the prompt, another word: still open' "$(tables)" 1
"$at" 120 40 --answer 'type VMHCRYPT' VMHCRYPT -- "$EXPUNGE" run "$node" --state "$S" --technique luks-destroy \
	--level clear --close >out 2>&1
is 'the right word: closed' "$(tables)" 0
check '... and done' grep -q 'closed the mapping vault' out

check 'another volume is open' make_volume
check 'and suspended' dmsetup suspend vault
exits 'a suspended mapping: closed, too' 0 run --close
is 'dm shows no table of it' "$(tables)" 0
check 'another volume is open' make_volume
check 'and suspended, its key wiped' cryptsetup luksSuspend vault
exits 'closed, too' 0 run --close
is 'dm shows no table of it, either' "$(tables)" 0
done_testing
