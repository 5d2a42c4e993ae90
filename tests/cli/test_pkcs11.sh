#!/usr/bin/env bash
# Keys on a token (SoftHSM): they sign records and requests; whatever is wrong with them is told before
# anything is erased.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
module=
for f in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
	[ -e "$f" ] && module=$f
done
if [ -z "$module" ] || ! command -v softhsm2-util >/dev/null; then
	skip 'keys on a token' 'no softhsm2'
	done_testing
fi
export SOFTHSM2_CONF=$TMPDIR/hsm.conf
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$TMPDIR" >hsm.conf
cert() { "$EXPUNGE_CERT" "$@"; }
says() { grep -qi -- "$1" err; }
quiet() { "$@" >/dev/null 2>&1; }
new_token() { quiet softhsm2-util --init-token --free --label "$1" --pin 1234 --so-pin 5678; }
# import FILE TOKEN LABEL ID
import() { quiet softhsm2-util --import "$1" --token "$2" --label "$3" --id "$4" --pin 1234; }
ec_key() { openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$1" 2>/dev/null; }

printf '1234\n' >pin
printf '4321\n' >wrong-pin
new_token bench
new_token 'spare part'
quiet cert keys setup ca --organization O --name Alice --no-passphrase
ec_key P-384 >p384.key
check 'a token takes a key' import ca/performer.key bench alice a1
check 'and one on another curve' import p384.key bench wide b2
key='pkcs11:token=bench;object=alice;type=private'

head -c 1048576 /dev/urandom >t.img
cp t.img t.orig
# run_with KEY OPTION...: on a copy of the same image
run_with() {
	local k=$1
	shift
	"$EXPUNGE" run t.img --level clear --confirm t.img --state st --out done.d --json --key "$k" --cert ca/performer.pem "$@"
}
# refused NAME CODE WORDS KEY OPTION...: that code, these words, and the image as it was
refused() {
	local name=$1 code=$2 words=$3
	shift 3
	exits "$name" "$code" run_with "$@"
	check "... and it says so: $words" says "$words"
	check '... and nothing was erased' cmp -s t.img t.orig
}
with=(--pkcs11-module "$module" --passphrase-file pin)

# --- what is wrong is found first
refused 'a wrong PIN' 64 'bench: login: the PIN is wrong' "$key" --pkcs11-module "$module" --passphrase-file wrong-pin
refused 'no PIN and no terminal' 64 'PIN of the token.*--passphrase-file' "$key" --pkcs11-module "$module"
refused 'a token that is not there' 66 'no token other is present' 'pkcs11:token=other' "${with[@]}"
refused 'a serial number that is not there' 66 'with serial number 77' 'pkcs11:token=bench;serial=77' "${with[@]}"
refused 'two tokens that fit' 64 '2 tokens fit' 'pkcs11:object=alice' "${with[@]}"
refused 'a key that is not there' 66 'no such private key for ECDSA: bob' 'pkcs11:token=bench;object=bob' "${with[@]}"
refused 'two keys that fit' 64 'several keys fit' 'pkcs11:token=bench' "${with[@]}"
refused 'a key on another curve' 64 'not on the curve P-256' 'pkcs11:token=bench;id=%b2' "${with[@]}"
refused 'no module' 64 'which module' "$key" --passphrase-file pin
refused 'a module that is not there' 66 'no-such-module' "$key" --pkcs11-module "$TMPDIR/no-such-module" --passphrase-file pin
refused 'a module by a relative path' 64 'an absolute path is wanted' "$key" --pkcs11-module libsofthsm2.so --passphrase-file pin
refused 'a module by name' 64 'not searched for' "$key?module-name=softhsm2" --passphrase-file pin
echo 'no library' >text.so
refused 'a module that is no library' 64 'cannot be loaded' "$key" --pkcs11-module "$TMPDIR/text.so" --passphrase-file pin
refused 'a module that is a folder' 64 'not a file' "$key" --pkcs11-module "$TMPDIR/tokens" --passphrase-file pin
library=$(ldd "$EXPUNGE" | sed -n 's/.*libjansson.* => \([^ ]*\).*/\1/p')
refused 'a library that is no module' 64 'no PKCS#11 module' "$key" --pkcs11-module "$library" --passphrase-file pin
cp "$module" open.so
chmod 666 open.so
refused 'a module that everyone may write to' 64 'everyone may write' "$key" --pkcs11-module "$TMPDIR/open.so" --passphrase-file pin
refused 'a module that is named twice' 64 'names its module already' "$key?module-path=$module" "${with[@]}"
refused 'a PIN in the URI' 64 'no place for a PIN' "$key?pin-value=1234" "${with[@]}"
refused 'a URI with a word that is not understood' 64 'slot-id.*not understood' 'pkcs11:slot-id=1' "${with[@]}"
refused 'the background' 64 'detach' "$key" "${with[@]}" --detach
quiet cert keys person ca --name Bob --role performer --no-passphrase
exits 'the certificate of another key' 64 "$EXPUNGE" run t.img --level clear --confirm t.img --state st --key "$key" \
	--cert ca/performer-2.pem "${with[@]}"
check '... and it says so' says 'does not belong to the certificate'
exits 'a module for a key in a file' 64 "$EXPUNGE" run t.img --level clear --confirm t.img --state st \
	--key ca/performer.key --cert ca/performer.pem --pkcs11-module "$module"
exits 'a module and no key' 64 "$EXPUNGE" run t.img --level clear --confirm t.img --state st --pkcs11-module "$module"
check 'after all this the image is as it was' cmp -s t.img t.orig
is 'and no job began' "$(find st/jobs -mindepth 1 2>/dev/null | wc -l)" 0

# --- signing
exits 'a key on a token signs' 0 run_with "$key" "${with[@]}"
record=done.d/$(jq -r '.results[0].record' out)
exits 'the record verifies' 0 cert verify "$record" --trust ca/root.pem --json
is 'and names the person' "$(jq -r '.results[0].signers[0].name' out)" Alice
check 'stock openssl accepts the signature' quiet openssl cms -verify -binary -cades -content "$record" \
	-in "$record.p7s" -inform DER -CAfile ca/root.pem -out signed.bytes
is 'no PIN stands in the state folder' "$(grep -rlw 1234 st | wc -l)" 0
cp t.orig t.img
exits 'the PIN may come from where the URI says' 0 run_with "$key?module-path=$module&pin-source=file:$TMPDIR/pin"
cp t.orig t.img
exits 'a token is found by its serial number, a key by its id' 0 run_with \
	"pkcs11:serial=$(softhsm2-util --show-slots | awk '/Serial number/ { s = $3 } /Label: *bench/ { print s }');id=%A1" "${with[@]}"

# --- a request from the token, and a certificate for it
request() { cert keys request mine --name Tess --organization O --role performer "$@"; }
exits 'a key on a token asks for a certificate' 0 request --key "$key" "${with[@]}" --json
is 'no key is written' "$(jq -r 'has("key")' out)$(find mine -name '*.key' | wc -l)" false0
check 'stock openssl accepts the request' quiet openssl req -in mine/performer.csr -verify -noout
exits 'our CA answers it' 0 cert keys person ca --role performer --request mine/performer.csr --file tess
cp t.orig t.img
exits 'and with that certificate the token signs' 0 "$EXPUNGE" run t.img --level clear --confirm t.img --state st \
	--out tess.d --key "$key" --cert ca/tess.pem "${with[@]}"
exits 'which verifies' 0 cert verify tess.d --trust ca/root.pem
exits 'the same key is no successor' 64 cert keys replace ca --cert ca/tess.pem --request mine/performer.csr
ec_key P-256 >spare.key
check 'another token has another key' import spare.key 'spare part' spare c3
exits 'a label with a blank' 0 request --key 'pkcs11:token=spare%20part' "${with[@]}" --file spare
exits 'with another key there is a successor' 0 cert keys replace ca --cert ca/tess.pem --request mine/spare.csr --file tess2
cp t.orig t.img
exits 'and it signs' 0 "$EXPUNGE" run t.img --level clear --confirm t.img --state st --out tess2.d \
	--key 'pkcs11:token=spare%20part' --cert ca/tess2.pem "${with[@]}"
exits 'which verifies, too' 0 cert verify tess2.d --trust ca/root.pem
exits 'a request with a wrong PIN' 64 request --key "$key" --pkcs11-module "$module" --passphrase-file wrong-pin --file w
exits 'a request without a module' 64 request --key "$key" --passphrase-file pin --file w
exits 'a module without a key' 64 request --pkcs11-module "$module" --no-passphrase --file w
check 'and none of these left a file' test ! -e mine/w.csr -a ! -e mine/w.key
exits 'a key in a file is asked for' 0 env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -e trace=openat -o trace "$EXPUNGE_CERT" keys request mine \
	--name T --role site --no-passphrase
is 'and that loads no module' "$(grep -c softhsm trace)" 0

# --- an interrupted job goes on with the key on the token
head -c 402653184 /dev/zero >big.img
begin() {
	rm -f ev.jsonl
	"$EXPUNGE" run big.img --level clear --technique overwrite-random --confirm big.img --state st2 --out done.d \
		--quiet --events ev.jsonl --key "$key" --cert ca/performer.pem "${with[@]}" >run.out 2>run.err </dev/null &
	pid=$!
	until grep -q '"event":"progress"' ev.jsonl 2>/dev/null; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
}
begin
kill -KILL $pid
wait $pid 2>/dev/null
is 'the job was interrupted' "$("$EXPUNGE" status --state st2 --json | jq -r '.jobs[0].state')" interrupted
exits 'resume wants the PIN again' 64 "$EXPUNGE" resume --state st2
exits 'and refuses a wrong one' 64 "$EXPUNGE" resume --state st2 --passphrase-file wrong-pin
exits 'resume signs with the key on the token' 0 "$EXPUNGE" resume --state st2 --passphrase-file pin --json
exits 'and that record verifies' 0 cert verify "st2/certificates/$(jq -r '.results[0].record' out | sed 's|.*/||')" --trust ca/root.pem

# --- the token is pulled while the drive is being erased
begin
mv tokens pulled
wait $pid
is 'without its token a job cannot end' $? 1
check 'and it says so' grep -q 'token is needed to sign' run.err
is 'it stays interrupted' "$("$EXPUNGE" status --state st2 --json | jq -r '.jobs[0].state')" interrupted
mv pulled tokens
exits 'with the token back, resume ends it' 0 "$EXPUNGE" resume --state st2 --passphrase-file pin --json
exits 'and that record verifies, too' 0 cert verify "st2/certificates/$(jq -r '.results[0].record' out | sed 's|.*/||')" --trust ca/root.pem
done_testing
