#!/usr/bin/env bash
# What a person at a terminal sees and types: the trial of the README, prompts, the bar, Ctrl-C.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
at=$PWD/tests/cli/on_terminal.py
readme=$PWD/README.md
export PATH=$PWD/$B:$PATH
cd "${TMPDIR:?}" || exit 1
export XDG_STATE_HOME=$TMPDIR/xdg
umask 022

# plain FILE: without what moves the cursor or colours
plain() { sed -E 's/\x1b\[[0-9;]*[A-Za-z]//g; s/\r/\n/g' "$1"; }
# widest FILE: columns of its widest line that shows progress
widest() { plain "$1" | grep -a '%' | awk '{ if (length > n) n = length } END { print n + 0 }'; }

# ---- the README, as it is written; only the state folder of root is kept out of it ----
sed -n '/^\*\*A trial on a disk image/,/^\*\*At the drive/p' "$readme" | sed -n '/^```sh/,/^```/{/^```/d;p}' >lines
check 'the README has a trial' test -s lines
[ "$(id -u)" -ne 0 ] || sed -i 's/^expunge run .*/& --state state/' lines
while IFS= read -r line; do
	exits "README: $line" 0 "$at" 80 24 --answer 'assphrase' secret --answer 'again' secret -- bash -c "$line"
done <lines
check 'its last command passes the certificate' grep -aq PASSED out

# ---- prompts ----
sign=(--level clear --key keys/performer.key --cert keys/performer.pem --state s --out out.d)
truncate -s 8M a.img
exits 'a wrong passphrase is refused' 64 "$at" 80 24 --answer 'Passphrase of keys/performer.key' wrong -- \
	expunge run a.img "${sign[@]}"
exits 'Ctrl-C at the prompt ends it' 130 "$at" 80 24 --key 'Passphrase of' C -- expunge run a.img "${sign[@]}"
check 'with the echo on' test "$(grep -ac 'left off' out)" -eq 0
exits 'another name than asked for' 4 "$at" 80 24 --answer 'Passphrase of' secret --answer 'type a.img' a.imgx -- \
	expunge run a.img "${sign[@]}"
check 'says so at once' grep -aq 'that is not a.img' out
check 'nothing is left of it' test ! -e out.d/a.json -a "$(find out.d -name '*.json' | wc -l)" -eq 0
exits 'the name that is asked for' 0 "$at" 80 24 --answer 'Passphrase of' secret --answer 'type a.img' a.img -- \
	expunge run a.img "${sign[@]}"
check 'the report names the record' grep -aqE 'record +out.d/.*\.json|record +/.*/out.d/.*\.json' out
exits 'two passphrases that differ' 64 "$at" 80 24 --answer 'keys:' one --answer 'again:' two -- \
	expunge-cert keys setup k2 --organization O --name N
check 'make no key' test ! -e k2/root.key

# ---- the bar ----
truncate -s 2G big.img
for columns in 40 80 132; do
	exits "a terminal of $columns columns" 0 "$at" "$columns" 24 -- \
		expunge run big.img --level clear --confirm big.img --state s
	check 'shows percent' grep -aq '[0-9]%' out
	check 'in no line wider than it' test "$(widest out)" -lt "$columns"
done
check 'and a bar where there is room' grep -aq '\[##' out
TERM_FOR_TEST=dumb exits 'a dumb terminal' 0 "$at" 80 24 -- \
	expunge run a.img --level clear --confirm a.img --state s
check 'gets no control sequences' test "$(grep -ac "$(printf '\033')" out)" -eq 0

# ---- Ctrl-C ----
exits 'Ctrl-C in the middle' 5 "$at" 80 24 --key '% overwrite' C -- \
	expunge run big.img --level clear --technique overwrite-random --confirm big.img --state s
plain out >seen
check 'leads on' grep -q 'go on with: expunge resume [0-9a-f-]* --state s' seen
exits 'status' 0 expunge status --state s
check 'says where it stopped' grep -q 'stopped before the job was done' out
check 'and how to go on' grep -q 'go on with: expunge resume [0-9a-f-]* --state s' out
mapfile -t words < <(sed -n 's/.*go on with: //p' out)
# shellcheck disable=SC2086 # it is what is to be typed
exits 'what it says works' 0 ${words[0]}
exits 'status again' 0 expunge status --state s
check 'has no more to say' grep -q 'no job runs' err
done_testing
