#!/usr/bin/env bash
# expunge plan and run on image files: exit codes, what is claimed, what is on the disk afterwards.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
run() { "$EXPUNGE" run --state "$S" "$@"; }
# an image of BYTES with something in every block
image() { head -c "$2" /dev/urandom >"$1"; }
is_zero() { cmp -s "$1" <(head -c "$(stat -c %s "$1")" /dev/zero); }

# --- the whole way
image run-disk.img 8388608
exits 'plan exits 3 where only clear can be had' 3 "$EXPUNGE" plan --json --state "$S" run-disk.img
is 'plan names the confirm string' "$(jq -r '.targets[0].confirm' out)" run-disk.img
is 'plan expects clear' "$(jq -r '.targets[0].expected_claim' out)" clear
is 'plan has the scope of an image' "$(jq -r '.targets[0].scope' out)" logical-unit
is 'plan writes nothing: no state folder' "$(test -e "$S" && echo there)" ''
exits 'plan --level clear exits 0' 0 "$EXPUNGE" plan --level clear --state "$S" run-disk.img
exits 'run --level clear exits 0' 0 run run-disk.img --level clear --confirm run-disk.img --out out.d --json
is 'run says sanitized' "$(jq -r '.results[0].outcome' out)" sanitized
is 'run claims clear' "$(jq -r '.results[0].claim' out)" clear
is 'run wrote every byte' "$(jq -r '.results[0].bytes_written' out)" 8388608
record=$(jq -r '.results[0].record' out)
check 'the image is zero now' is_zero run-disk.img
check 'the record is in --out' test -s "out.d/$record"
check 'the signature is in --out' test -s "out.d/$record.p7s"
check 'the record is in the state folder, the same' cmp -s "out.d/$record" "$S/certificates/$record"
check 'index.csv names it' grep -q "${record%.json}" "$S/index.csv"
is 'no reserve is left' "$(find out.d "$S" -name '*.reserve' | wc -l)" 0
is 'no torn file is left' "$(find out.d "$S" -name '*.tmp' | wc -l)" 0
exits 'verify finds it clean' 0 "$EXPUNGE" verify run-disk.img --record "out.d/$record" --json
is 'the verdict is clean' "$(jq -r .verdict out)" clean
exits 'status shows no open job' 0 "$EXPUNGE" status --state "$S" --json
is 'no open job' "$(jq '.jobs | length' out)" 0
exits 'status --all shows the ended job' 0 "$EXPUNGE" status --all --state "$S" --json
is 'it ended' "$(jq -r '.jobs[0].state' out)" ended

# --- levels
image run-disk.img 1048576
exits 'purge is asked by default: exit 3, done at a lower level' 3 run run-disk.img --confirm run-disk.img --json
is 'it still claims clear' "$(jq -r '.results[0].claim' out)" clear
check 'and it was erased' is_zero run-disk.img
exits '--accept clear makes it 0' 0 run run-disk.img --accept clear --confirm run-disk.img --json

# --- sizes and techniques
for size in 512 4096 4608 1000001 1048577 3; do
	image run-odd.img $size
	exits "an image of $size bytes" 0 run run-odd.img --level clear --confirm run-odd.img --verify full --json
	check "... is zero" is_zero run-odd.img
	is "... and was read whole" "$(jq -r '.results[0].bytes_read' out)" $size
done
image run-disk.img 1000001
exits 'overwrite-pattern' 0 run run-disk.img --level clear --technique overwrite-pattern --pattern C0FFEE \
	--confirm run-disk.img --verify full --json
check 'the pattern runs from byte 0' cmp -s <(head -c 7 run-disk.img) <(printf '\xc0\xff\xee\xc0\xff\xee\xc0')
exits 'overwrite-random' 0 run run-disk.img --level clear --technique overwrite-random --confirm run-disk.img \
	--verify full --json
check 'random is not zero' test "$(tr -d '\0' <run-disk.img | wc -c)" -gt 990000
record=$(jq -r '.results[0].record' out)
exits 'verify recomputes the random bytes' 0 "$EXPUNGE" verify run-disk.img --verify full --json \
	--record "$S/certificates/$record"
is 'a full read leaves nothing to be bounded' "$(jq -r .residue_bound.p999 out)" 0

exits 'told to a person' 0 "$EXPUNGE" verify run-disk.img --verify full --record "$S/certificates/$record"
check 'it is every byte' grep -q '^  every byte of the target was read and is as it should be' out
exits 'a sample of what is small is all of it' 0 "$EXPUNGE" verify run-disk.img --record "$S/certificates/$record"
check 'and is told as that' grep -q '^  every byte of the target was read' out
check 'with nothing that could be left' test -z "$(grep residue out)"
exits 'also in a document' 0 "$EXPUNGE" verify run-disk.img --json --record "$S/certificates/$record"
is 'nothing is bounded' "$(jq -r '[.mode, .coverage_ppm, .residue_bound.p95, .residue_bound.p999] | join(" ")' out)" \
	'sample 1000000 0 0'
exits 'the record is shown' 0 "$EXPUNGE_CERT" show "$S/certificates/$record"
check 'with that, too' grep -q 'left unread  *nothing: every byte was read' out

# --- residue
printf 'residue' | dd of=run-disk.img bs=1 seek=777000 conv=notrunc status=none
exits 'residue is found by a full read' 1 "$EXPUNGE" verify run-disk.img --verify full --json \
	--record "$S/certificates/$record"
is 'the verdict is residue' "$(jq -r .verdict out)" residue
is 'and it says where' "$(jq -r '.mismatches[0].offset' out)" 777000
image run-other.img 1000001
exits 'another image is not the target of the record' 4 "$EXPUNGE" verify run-other.img \
	--record "$S/certificates/$record"

exits 'what run says of a full reading' 0 run run-other.img --level clear --confirm run-other.img --verify full
check 'is every byte, too' grep -q 'read back .* (every byte), in' out

# --- refusals: exit 4 and not a byte changed
image run-disk.img 1048576
before=$(sha256sum run-disk.img)
exits 'no confirmation' 4 run run-disk.img --level clear --json
is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" confirm_mismatch
exits 'a wrong confirmation' 4 run run-disk.img --level clear --confirm run-disk.im
exits 'an empty confirmation' 4 run run-disk.img --level clear --confirm ''
exec 9<run-disk.img
exits 'open by another process' 4 run run-disk.img --level clear --confirm run-disk.img --json
is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" open_elsewhere
exec 9<&-
exits 'a state folder that cannot be' 4 "$EXPUNGE" run run-disk.img --level clear --confirm run-disk.img \
	--state /proc/nowhere
is 'not a byte changed' "$(sha256sum run-disk.img)" "$before"

# --- usage and input
exits 'a failed set-up with --json' 64 run run-disk.img --level clear --key nowhere.pem --json
is 'is one document, too' "$(jq -c '[.results, .exit_code]' out)" '[[],64]'
exits 'no such target' 66 run nowhere.img --confirm nowhere.img
exits 'a folder is no target' 69 run "$TMPDIR" --confirm x
exits 'an unknown option' 64 run run-disk.img --frobnicate
exits 'an unknown level' 64 run run-disk.img --level destroy
exits 'pattern without digits' 64 run run-disk.img --technique overwrite-pattern --pattern xyz
sed 's/"title": "/"title": "Our /' "$OLDPWD/docs/policies/nist-800-88r2.json" >swapped.json
exits 'other bytes under a built-in name' 64 run run-disk.img --policy ./swapped.json --level clear --confirm run-disk.img
exits 'an unknown policy' 66 run run-disk.img --policy nist-800-88r9 --confirm run-disk.img
exits 'a technique that an image cannot do' 69 run run-disk.img --technique ata-sanitize-crypto --confirm run-disk.img
exits 'the same target twice' 64 run run-disk.img ./run-disk.img --confirm run-disk.img
is 'still not a byte changed' "$(sha256sum run-disk.img)" "$before"

# --- several at once; one that cannot be done does not stop the others
image run-a.img 2097152
image run-b.img 3145728
exits 'two images and one that is not there' 66 run run-a.img nowhere.img run-b.img --level clear --confirm run-a.img \
	--confirm run-b.img --json
is 'three results' "$(jq '.results | length' out)" 3
check 'a is erased' is_zero run-a.img
check 'b is erased' is_zero run-b.img
# --- expect lists
image run-a.img 1048576
image run-b.img 1048576
printf 'serial,asset_tag,ticket,tenant\nrun-a.img,TAG-1,T-9,"ACME, Inc."\n' >expect.csv
exits 'an expect list confirms what it lists' 4 run run-a.img run-b.img --level clear --expect expect.csv --json
check 'the listed one is erased' is_zero run-a.img
is 'the other one is not touched' "$(jq -r '.results[1].outcome' out)" refused
record=$(jq -r '.results[0].record' out)
is 'the tenant is in the record' "$(jq -r .tenant "$S/certificates/$record")" 'ACME, Inc.'
printf 'host_serial,serial\nNOT-THIS-HOST,run-b.img\n' >expect.csv
exits 'the wrong host' 4 run run-b.img --level clear --expect expect.csv
printf 'serial\nrun-b.img\nabsent.img\n' >expect.csv
exits 'an expected one that is absent' 6 run run-b.img --level clear --expect expect.csv
check 'the rest is done' is_zero run-b.img
printf 'serial\nrun-b.img\nrun-b.img\n' >expect.csv
exits 'a serial twice' 64 run run-b.img --level clear --expect expect.csv

# --- fields, events, people
image run-a.img 1048576
printf '{"case":"C-1","asset_tag":"A-2","persons":[{"role":"performer","name":"Jo Doe"}]}' >fields.json
exits 'record fields' 0 run run-a.img --level clear --confirm run-a.img --record-fields fields.json --events ev.jsonl --json
record=$(jq -r '.results[0].record' out)
is 'the case is in the record' "$(jq -r .case "$S/certificates/$record")" C-1
check 'events are JSON lines' jq -es 'length > 3 and .[-1].event == "end"' ev.jsonl
printf '{"frob":"x"}' >fields.json
exits 'an unknown field' 64 run run-a.img --level clear --confirm run-a.img --record-fields fields.json

# --- if-needed
exits 'it is sanitized already' 0 run run-a.img --level clear --confirm run-a.img --if-needed --json
is 'and says so' "$(jq -r '.results[0].outcome' out)" already_sanitized
is 'with the old record' "$(jq -r '.results[0].record' out)" "$record"
printf data | dd of=run-a.img bs=1 seek=4096 conv=notrunc status=none
exits 'new data makes it needed' 0 run run-a.img --level clear --confirm run-a.img --if-needed --verify full --json
is 'it is done again' "$(jq -r '.results[0].outcome' out)" sanitized
check 'and is zero' is_zero run-a.img

# --- in the background
image run-a.img 67108864
exits 'detach' 0 run run-a.img --level clear --confirm run-a.img --detach --json
job=$(jq -r '.results[0].job' out)
exits 'wait exits as the job does' 0 "$EXPUNGE" wait "$job" --state "$S"
check 'it is erased' is_zero run-a.img
exits 'wait for a job that is not there' 66 "$EXPUNGE" wait 019ab000-0000-7000-8000-000000000000 --state "$S"

# --- a full disk is found before the erase
if [ "$(id -u)" -eq 0 ] && mkdir -p full && mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
	image run-a.img 1048576
	before=$(sha256sum run-a.img)
	exits 'no room for the certificate' 4 run run-a.img --level clear --confirm run-a.img --out full --json
	is 'its code' "$(jq -r '.results[0].refusals[0].code' out)" no_durable_output
	is 'not a byte changed' "$(sha256sum run-a.img)" "$before"
	umount full
else
	skip 'no room for the certificate' 'needs root and tmpfs'
fi
done_testing
