#!/usr/bin/env bash
# Requests for a PKI that is there, certificates for requests, successors.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
echo 'correct horse' >pass
echo 'wrong horse' >wrong
cert() { "$EXPUNGE_CERT" "$@"; }
has() { grep -q -- "$1" out; }
says() { grep -qi -- "$1" err; }
quiet() { "$@" >/dev/null 2>&1; }
subject() { openssl x509 -in "$1" -noout -subject -nameopt RFC2253,utf8,-esc_msb; }
key_of() { openssl "$1" -in "$2" -noout -pubkey; }
# signs KEY CERT OPTION...: a run that signs with them; $record is what it wrote
signs() {
	local name=$1 key=$2 its=$3
	shift 3
	head -c 1048576 /dev/urandom >k.img
	exits "$name" 0 "$EXPUNGE" run k.img --level clear --confirm k.img --state st --out done.d --json --key "$key" \
		--cert "$its" "$@"
	record=done.d/$(jq -r '.results[0].record' out)
}

# --- a request
exits 'keys request makes a key and a request' 0 cert keys request mine --name 'Zoë 山田' --latin-name 'Zoe Yamada' \
	--organization Örg --role performer --person E-77 --passphrase-file pass --json
is 'it tells where' "$(jq -r '.key + " " + .request' out)" 'mine/performer.key mine/performer.csr'
is 'the key is the owner'"'"'s alone' "$(stat -c %a mine/performer.key)" 600
check 'the key is encrypted' grep -q 'BEGIN ENCRYPTED PRIVATE KEY' mine/performer.key
exits 'stock openssl accepts the request' 0 openssl req -in mine/performer.csr -verify -noout -text -nameopt utf8
for word in 'CA:FALSE' 'Digital Signature, Non Repudiation' 'E-mail Protection, 1.3.6.1.5.5.7.3.36' \
	'Policy: 2.25.118352362227876007019973633691655470030.1' 'serialNumber=E-77' 'CN=Zoë 山田'; do
	check "it asks for $word" has "$word"
done
sum=$(cat mine/* | sha256sum)
exits 'a second request of that name is refused' 64 cert keys request mine --name Z --role performer --no-passphrase
check 'and it says how to go on' says '--file names another'
is 'and touches nothing' "$(cat mine/* | sha256sum)" "$sum"
exits 'a request needs a name' 64 cert keys request mine --role performer --no-passphrase
exits 'a request needs a role' 64 cert keys request mine --name Z --no-passphrase
exits 'a role that there is' 64 cert keys request mine --name Z --role king --no-passphrase
exits 'without a terminal a passphrase must be given' 64 cert keys request none --name Z --role site
exits 'a file name must stay in the folder' 64 cert keys request mine --name Z --role site --file ../x --no-passphrase
exits 'a name that does not fit is refused' 64 cert keys request none --name "$(printf 'x%.0s' {1..80})" --role site --no-passphrase
check 'and nothing is left behind' test ! -e none
exits 'a key that is there can ask' 0 cert keys request mine --name Z --role validator --key mine/performer.key \
	--passphrase-file pass
is 'with that very key' "$(key_of req mine/validator.csr)" "$(key_of req mine/performer.csr)"
check 'and no key is written' test ! -e mine/validator.key
exits 'its passphrase must be right' 64 cert keys request mine --name Z --role site --key mine/performer.key --passphrase-file wrong
exits 'a key that is not there' 66 cert keys request mine --name Z --role site --key nowhere.key

# --- an existing PKI answers it
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pki.key -out pki.pem -subj /CN=PKI -days 100 \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
check 'stock openssl answers the request' quiet openssl x509 -req -in mine/performer.csr -CA pki.pem -CAkey pki.key \
	-copy_extensions copyall -days 50 -out mine/performer.pem
signs 'and that certificate signs' mine/performer.key mine/performer.pem --passphrase-file pass
cert verify "$record" --trust pki.pem --json >out 2>err
is 'as the person and in the role that were asked for' "$(jq -r '.results[0].signers[0] | .name + " " + .role' out)" 'Zoë 山田 performer'
is 'with nothing against the signature' "$(jq -r '.results[0].findings[].code' out | grep -c ^E_)" 0

# --- a CA of ours answers it
quiet cert keys ca ca --organization Root --passphrase-file pass
ask() { cert keys person ca --ca-passphrase-file pass "$@"; }
exits 'keys person answers a request' 0 ask --role performer --request mine/performer.csr --file zoe --json
is 'no key is made' "$(jq -r 'has("key")' out)$(find ca -name '*.key' | grep -cv root.key)" false0
is 'the key is that of the request' "$(key_of x509 ca/zoe.pem)" "$(key_of req mine/performer.csr)"
is 'the name, too; the number is the CA'"'"'s' "$(subject ca/zoe.pem | sed 's/P-[0-9a-f]*/P/')" \
	'subject=serialNumber=P,name=Zoe Yamada,CN=Zoë 山田,O=Örg'
signs 'and it signs' mine/performer.key ca/zoe.pem --passphrase-file pass
exits 'and that verifies' 0 cert verify "$record" --trust ca/root.pem
exits 'the operator names the role, not the request' 64 ask --request mine/performer.csr --file x
exits 'the operator may correct the name' 0 ask --role site --request mine/performer.csr --name 'Rack 7' --file site7
check 'so it stands there' grep -q 'CN=Rack 7' <(subject ca/site7.pem)
exits 'a request has no passphrase' 64 ask --role site --request mine/performer.csr --no-passphrase
exits 'a request that is none' 64 ask --role site --request ca/root.pem
exits 'a request that is not there' 66 ask --role site --request nothing.csr
openssl req -in mine/performer.csr -outform DER -out csr.der
size=$(stat -c %s csr.der)
flip() {
	local byte
	byte=$(od -An -tu1 -j"$1" -N1 csr.der | tr -d ' ')
	cp csr.der bad.der
	printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of=bad.der bs=1 seek="$1" conv=notrunc status=none
	{ echo '-----BEGIN CERTIFICATE REQUEST-----'; base64 bad.der; echo '-----END CERTIFICATE REQUEST-----'; } >bad.csr
}
taken=0
for at in 30 60 $((size / 2)) $((size - 60)) $((size - 5)); do
	flip "$at"
	ask --role site --request bad.csr --file bad >/dev/null 2>err && taken=$((taken + 1))
done
is 'a request with a changed bit is refused' $taken 0
openssl req -new -newkey rsa:2048 -nodes -keyout rsa.key -subj /CN=R -out rsa.csr 2>/dev/null
exits 'a key of another kind is refused' 64 ask --role site --request rsa.csr
check 'and it says so' says 'not on the curve P-256'

# --- successors
exits 'keys person with a number' 0 ask --name Ann --latin-name Anne --role performer --person V-1 --file ann --no-passphrase
replace() { cert keys replace ca --ca-passphrase-file pass "$@"; }
exits 'keys replace makes a successor' 0 replace --cert ca/ann.pem --no-passphrase --days 30 --json
is 'with the number of the person' "$(jq -r .person out)" V-1
next=$(jq -r .cert out)
is 'and the same name' "$(subject "$next")" "$(subject ca/ann.pem)"
check 'and the same role' grep -q '5470030\.1' <(openssl x509 -in "$next" -noout -ext certificatePolicies)
check 'and another key' test "$(key_of x509 "$next")" != "$(key_of x509 ca/ann.pem)"
check 'the old one is not revoked' grep -q 'No Revoked' <(openssl crl -in ca/root.crl -noout -text)
signs 'the old key still signs' ca/ann.key ca/ann.pem
exits 'and verifies' 0 cert verify "$record" --trust ca/root.pem
old_record=$record
exits 'keys replace --revoke' 0 replace --cert ca/ann.pem --no-passphrase --file ann3 --revoke
check 'lists the old one as superseded' grep -q Superseded <(openssl crl -in ca/root.crl -noout -text)
check 'the new certificate comes with that list' grep -q Superseded <(sed -n '/X509 CRL/,$p' ca/ann3.pem | openssl crl -noout -text)
signs 'the new key signs' ca/ann3.key ca/ann3.pem
exits 'and verifies' 0 cert verify "$record" --trust ca/root.pem --crl ca/root.crl
exits 'what the old one signed fails without a proven time' 1 cert verify "$old_record" --trust ca/root.pem --crl ca/root.crl --json
check 'as revoked' grep -q E_REVOKED out
exits 'a second time there is nothing to revoke' 64 replace --cert ca/ann.pem --no-passphrase --revoke --file ann4
check 'and no key is left behind' test ! -e ca/ann4.key
exits 'without --revoke there is a successor to it, too' 0 replace --cert ca/ann.pem --no-passphrase --file ann4
quiet cert keys request next --name Other --role site --file ann --no-passphrase
exits 'the successor may keep its key to itself' 0 replace --cert ca/ann3.pem --request next/ann.csr --file ann5
is 'it has the key of the request' "$(key_of x509 ca/ann5.pem)" "$(key_of req next/ann.csr)"
is 'and the name of the person, whatever the request says' "$(subject ca/ann5.pem)" "$(subject ca/ann.pem)"
exits 'a request with the old key is no successor' 64 replace --cert ca/ann5.pem --request next/ann.csr --file ann6
check 'and it says so' says 'has the key of the certificate'
quiet cert keys setup other --organization Other --name Eve --no-passphrase
list=$(sha256sum <ca/root.crl)
exits 'the certificate of another CA gets none here' 64 replace --cert other/performer.pem --no-passphrase --revoke
exits 'nor does the root' 64 replace --cert ca/root.pem --no-passphrase --revoke
exits 'a file that is there stays' 64 replace --cert ca/ann3.pem --no-passphrase --revoke --file ann5
exits 'a time beyond the root is refused' 64 replace --cert ca/ann3.pem --no-passphrase --revoke --days 7300 --file ann7
is 'and nothing was revoked by these' "$(sha256sum <ca/root.crl)" "$list"
exits 'which certificate?' 64 replace --no-passphrase
exits 'one that is not there' 66 replace --cert ca/nobody.pem --no-passphrase
done_testing
