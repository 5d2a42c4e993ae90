#!/bin/bash
# long
#
# luks-destroy on a drive whose volume is open: refused, then with --close done; dm shows no table and the
# keyring no key. A mounted one stays, whatever is asked.
# shellcheck disable=SC2154 # DRIVE_name comes from the rig
export VM_TIMEOUT=${VM_TIMEOUT:-420} # key derivation is slow where there is no KVM
. tests/vm/tap.sh tests/vm/rigs/holders.json
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

check 'another volume is open' make_volume
check 'and suspended' dmsetup suspend vault
exits 'a suspended mapping: closed, too' 0 run --close
is 'dm shows no table of it' "$(tables)" 0
done_testing
