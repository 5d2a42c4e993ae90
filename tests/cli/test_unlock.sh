#!/bin/bash
# expunge unlock on what is no ATA drive: refused before anything is sent. What it does to drives is tested
# in tests/unit/test_ata_security.c and in the virtual machine.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

truncate -s 1M "$TMPDIR/disk.img"
exits 'no target' 64 "$EXPUNGE" unlock
exits 'two targets' 64 "$EXPUNGE" unlock "$TMPDIR/disk.img" "$TMPDIR/disk.img"
exits 'a target that is not there' 66 "$EXPUNGE" unlock "$TMPDIR/none.img"
exits 'an image has no password' 69 "$EXPUNGE" unlock "$TMPDIR/disk.img"
"$EXPUNGE" unlock "$TMPDIR/disk.img" 2>"$TMPDIR/said"
check 'and says why' grep -q 'no ATA drive behind it' "$TMPDIR/said"
"$EXPUNGE" unlock --help >"$TMPDIR/help"
check 'the help says that nothing is erased' grep -q 'Nothing is erased' "$TMPDIR/help"
check 'the password stands in the man page as in the code' \
	grep -q "$(sed -nE 's/.*XP_ATA_TEMPORARY_PASSWORD "(.*)"/\1/p' device/protocol/ata_security.h)" docs/man/expunge-unlock.8
check 'and in docs/safety.md' \
	grep -q "$(sed -nE 's/.*XP_ATA_TEMPORARY_PASSWORD "(.*)"/\1/p' device/protocol/ata_security.h)" docs/safety.md

# what status says to type is what unlock understands; the journal keeps it from another drive
state=$TMPDIR/state
"$EXPUNGE" run "$TMPDIR/disk.img" --confirm disk.img --state "$state" --level clear --quiet >"$TMPDIR/ran" 2>&1
for journal in "$state"/jobs/*/journal.jsonl; do
	head -n 1 "$journal" >"$TMPDIR/first"
	echo '{"note":"secret","type":"command"}' >>"$TMPDIR/first"
	cp "$TMPDIR/first" "$journal"
done
"$EXPUNGE" status --state "$state" >"$TMPDIR/status"
words=$(sed -n 's/.*take it off with: expunge //p' "$TMPDIR/status")
is 'status says how the password is taken off' "$words" "unlock $TMPDIR/disk.img --journal $journal"
# shellcheck disable=SC2086 # words
exits '... in words that unlock takes' 69 "$EXPUNGE" $words
done_testing
