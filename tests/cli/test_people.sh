#!/usr/bin/env bash
# Whom a record names and who signs it: found out before the erase, since nothing mends it afterwards.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
"$EXPUNGE_CERT" keys setup keys --organization O --name Ann --no-passphrase >/dev/null 2>&1 </dev/null
"$EXPUNGE_CERT" keys person keys --name Bob --role performer --file bob --no-passphrase \
	--ca-passphrase-file /dev/null >/dev/null 2>&1 </dev/null
ann=(--key keys/performer.key --cert keys/performer.pem)
bob=(--key keys/bob.key --cert keys/bob.pem)
check 'two people have keys' test -s keys/bob.pem

# names FIELDS CODE NAME: a run as Ann with these fields
names() {
	printf '%s\n' "$1" >fields.json
	head -c 1M /dev/urandom >people.img
	cp people.img before.img
	"$EXPUNGE" run people.img --level clear --confirm people.img --state "$S" --quiet "${ann[@]}" \
		--record-fields fields.json --out "out.$2.d" >run.out 2>run.err </dev/null
	is "$3" $? "$2"
}
names '{"persons":[{"role":"performer","name":"Bob"}]}' 64 'another one than the key is for is no performer'
check 'nothing was touched' cmp -s people.img before.img
check 'it names both' grep -q 'said to be Bob, but the key is that of Ann' run.err
names '{"persons":[{"role":"performer","name":"Ann"},{"role":"performer","name":"Bob"}]}' 64 \
	'not beside the right one either'
names '{"persons":[{"role":"validator","name":"Vera"}]}' 64 'a validator signs and is not named before'
check 'nothing was touched then' cmp -s people.img before.img
check 'it says what to do' grep -q 'expunge-cert validate' run.err
names '{"persons":[{"role":"performer","name":"Ann","title":"Technician"}]}' 0 'the same person may be named'
check 'such a record is good' "$EXPUNGE_CERT" verify out.0.d --trust keys/root.pem --require-scope logical-unit

# --- begun by one, ended by another
truncate -s 2G shift.img
rm -f ev.jsonl
"$EXPUNGE" run shift.img --level clear --technique overwrite-random --confirm shift.img --state "$S" \
	--quiet --events ev.jsonl "${ann[@]}" >run.out 2>run.err </dev/null &
pid=$!
until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
	kill -0 $pid 2>/dev/null || break
	sleep 0.01
done
kill -9 $pid
wait $pid 2>/dev/null
"$EXPUNGE" resume --state "$S" --quiet --json "${bob[@]}" >resumed.json 2>run.err </dev/null
is 'another person goes on' $? 0
record=$S/certificates/$(jq -r '.results[0].record' resumed.json)
is 'who signs is the performer' "$(jq -c '[.persons[] | select(.role == "performer") | .name]' "$record")" '["Bob"]'
check 'the certificate is good' "$EXPUNGE_CERT" verify "$record" --trust keys/root.pem --require-scope logical-unit
done_testing
