#!/usr/bin/env bash
# expunge-cert keys and verify, on records that expunge run made; the same signatures by stock openssl.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
echo 'correct horse' >pass
echo 'wrong horse' >wrong
cert() { "$EXPUNGE_CERT" "$@"; }
has() { grep -q "$1" "${TMPDIR}/out"; }
says() { grep -q "$1" "${TMPDIR}/err"; }
codes() { jq -r '.results[].findings[].code' out; }

# --- keys
exits 'keys setup makes a root and a performer' 0 cert keys setup ca --organization Örg --name 'Zoë 山田' \
	--latin-name 'Zoe Yamada' --passphrase-file pass --json
is 'it tells the fingerprint of the root' "$(jq -r .root_fingerprint out)" \
	"$(openssl x509 -in ca/root.pem -outform DER | sha256sum | cut -d ' ' -f 1)"
fingerprint=$(jq -r .root_fingerprint out)
is 'private keys are the owner'"'"'s alone' "$(stat -c %a ca/root.key ca/performer.key | tr '\n' ' ')" '600 600 '
is 'the keys are encrypted' "$(grep -l 'BEGIN ENCRYPTED PRIVATE KEY' ca/*.key | wc -l)" 2
quiet() { "$@" >/dev/null 2>&1; }
check 'stock openssl opens them' quiet openssl pkey -in ca/performer.key -passin file:pass -noout
check 'the chain holds by stock openssl' quiet openssl verify -x509_strict -purpose smimesign -CAfile ca/root.pem ca/performer.pem
exits 'an empty list is there at once' 0 openssl crl -in ca/root.crl -CAfile ca/root.pem -noout -text
check 'and it is empty' has 'No Revoked Certificates'
sum=$(cat ca/root.key ca/root.pem ca/root.crl | sha256sum)
exits 'a second setup is refused' 64 cert keys setup ca --organization O --name N --no-passphrase
is 'and touches nothing' "$(cat ca/root.key ca/root.pem ca/root.crl | sha256sum)" "$sum"
exits 'without a terminal a passphrase must be given' 64 cert keys setup ca2 --organization O --name N
check 'and nothing is left behind' test ! -e ca2
exits 'a name is needed' 64 cert keys setup ca2 --organization O --no-passphrase
exits 'keys person wants a role that exists' 64 cert keys person ca --name V --role king --no-passphrase \
	--ca-passphrase-file pass
exits 'keys person wants the CA'"'"'s passphrase' 64 cert keys person ca --name V --role validator \
	--no-passphrase --ca-passphrase-file wrong
exits 'keys person makes a validator' 0 cert keys person ca --name Val --role validator --no-passphrase \
	--ca-passphrase-file pass
exits 'a second performer gets a name of its own' 0 cert keys person ca --name Bob --role performer \
	--no-passphrase --ca-passphrase-file pass --json
is 'which is performer-2' "$(jq -r .cert out)" ca/performer-2.pem
exits 'keys ca makes a root alone' 0 cert keys ca root-only --organization O --no-passphrase
check 'without people' test ! -e root-only/performer.key
exits 'keys in a folder that is none' 66 cert keys person nowhere --name V --role site --no-passphrase

# --- a record
head -c 2097152 /dev/urandom >cert-disk.img
exits 'run signs with the key' 0 "$EXPUNGE" run cert-disk.img --level clear --confirm cert-disk.img \
	--key ca/performer.key --cert ca/performer.pem --passphrase-file pass --out done.d --state state --json
record=done.d/$(jq -r '.results[0].record' out)
exits 'verify passes' 0 cert verify "$record" --trust ca/root.pem --json
is 'with nothing to complain of' "$(codes | grep -v '^W_' || true)" ''
is 'it names the signer' "$(jq -r '.results[0].signers[0].name' out)" 'Zoë 山田'
is 'and the role' "$(jq -r '.results[0].signers[0].role' out)" performer
is 'and the CA' "$(jq -r '.results[0].signers[0].chain[0]' out)" 'Örg Sanitization Root'
is 'and the date of the list' "$(jq -r '.results[0].signers[0] | has("crl_date")' out)" true
exits 'verify for people passes, too' 0 cert verify done.d --trust ca/root.pem
check 'it says by whose table the level was earned' has '^  policy    nist-800-88r2, after NIST SP 800-88 r2$'
is 'it never says what cannot be known' \
	"$(grep -ciE 'unrecoverable|is sanitized|100 %|approved|compliant|destroyed' out)" 0
check 'stock openssl accepts the signature' quiet openssl cms -verify -binary -cades -content "$record" \
	-in "$record.p7s" -inform DER -CAfile ca/root.pem -out /dev/null
exits 'the signature file may be named instead' 0 cert verify "$record.p7s" --trust ca/root.pem
exits 'with the right fingerprint' 0 cert verify "$record" --trust ca/root.pem --trust-fingerprint "$fingerprint"
exits 'with a wrong fingerprint' 64 cert verify "$record" --trust ca/root.pem --trust-fingerprint \
	"$(printf '0%.0s' {1..64})"
exits 'trusting nobody is indeterminate' 2 cert verify "$record" --json
is 'with its code' "$(codes | grep -c I_UNTRUSTED)" 1
exits 'trusting another root is indeterminate' 2 cert verify "$record" --trust root-only/root.pem
exits 'the log has it' 0 cert verify "$record" --trust ca/root.pem --log-key state/log.vkey --json
is 'at a place' "$(jq -r '.results[0].log | has("index")' out)" true

# --- what is demanded
exits 'purge is more than was claimed' 3 cert verify "$record" --trust ca/root.pem --require-level purge
exits 'a level means a drive' 3 cert verify "$record" --trust ca/root.pem --require-level clear
exits 'unless the scope is named' 0 cert verify "$record" --trust ca/root.pem --require-level clear \
	--require-scope logical-unit
exits 'no validator signed' 3 cert verify "$record" --trust ca/root.pem --require-role validator
exits 'the time is not proven' 3 cert verify "$record" --trust ca/root.pem --require-time
exits 'a certificate for another drive' 3 cert verify "$record" --trust ca/root.pem --serial S-4711
exits 'nor in a folder' 3 cert verify done.d --trust ca/root.pem --serial S-4711
check 'and says so' says P_SERIAL

# --- usage and input
exits 'an authority for time that is none' 64 cert verify "$record" --trust ca/root.pem --tsa pass
exits 'no such level' 64 cert verify "$record" --require-level destroy
exits 'no such file' 66 cert verify nowhere.json --trust ca/root.pem
exits 'a root that is no certificate' 64 cert verify "$record" --trust pass
exits 'a root that is not there' 66 cert verify "$record" --trust nowhere.pem
exits 'a list that is none' 64 cert verify "$record" --trust ca/root.pem --crl pass
mkdir empty.d && echo '{}' >empty.d/other.json
exits 'a folder without records' 66 cert verify empty.d --trust ca/root.pem

# --- forgeries
mkdir bad.d
cp "$record" bad.d/a.json && cp "$record.p7s" bad.d/a.json.p7s
sed -i 's/"level":"clear"/"level":"purge"/' bad.d/a.json
exits 'a forged level fails' 1 cert verify bad.d/a.json --trust ca/root.pem --json
is 'by the digest' "$(codes | grep -c E_CONTENT_DIGEST)" 1
cp "$record" bad.d/b.json
exits 'a missing signature fails' 1 cert verify bad.d/b.json --trust ca/root.pem --json
is 'by its code' "$(codes | grep -c E_SIGNATURE_MISSING)" 1
cp "$record.p7s" bad.d/c.json.p7s
exits 'a signature alone fails' 1 cert verify bad.d/c.json.p7s --trust ca/root.pem --json
is 'by its own code' "$(codes | grep -c E_RECORD_MISSING)" 1
cp "$record" bad.d/good.json && cp "$record.p7s" bad.d/good.json.p7s
echo hello >bad.d/readme.txt
exits 'a folder is as bad as its worst record' 1 cert verify bad.d --trust ca/root.pem --json
is 'all are counted' "$(jq -r '[.passed, .failed, .ignored] | join(" ")' out)" '1 3 1'
exits 'a line a record' 1 cert verify bad.d --trust ca/root.pem --jsonl
is 'and nothing else' "$(jq -r .verdict out | sort | uniq -c | tr -s ' \n' ' ')" ' 3 failed 1 passed '
exits 'the summary is by drive' 1 cert verify bad.d --trust ca/root.pem --summary
check 'and names it' has 'cert-disk.img: '
exits 'an input that is a device is no record' 1 cert verify /dev/null --trust ca/root.pem

# --- no list, and revocation
openssl x509 -in ca/performer-2.pem -out bare.pem
head -c 1048576 /dev/urandom >cert-disk2.img
exits 'run signs without a list' 0 "$EXPUNGE" run cert-disk2.img --level clear --confirm cert-disk2.img \
	--key ca/performer-2.key --cert bare.pem --out done2.d --state state --json
exits 'no list is indeterminate' 2 cert verify done2.d --trust ca/root.pem --json
is 'with its code' "$(codes | grep -c I_REVOCATION_UNKNOWN)" 1
exits 'with the list it passes' 0 cert verify done2.d --trust ca/root.pem --crl ca/root.crl
exits 'keys revoke wants a certificate of this CA' 64 cert keys revoke root-only --cert ca/performer-2.pem
exits 'keys revoke refuses a time to come' 64 cert keys revoke ca --cert ca/performer-2.pem \
	--from 2999-01-01T00:00:00Z --ca-passphrase-file pass
cp ca/root.crl old.crl
exits 'keys revoke writes the next list' 0 cert keys revoke ca --cert ca/performer-2.pem --ca-passphrase-file pass
exits 'a revoked signer fails' 1 cert verify done2.d --trust ca/root.pem --crl ca/root.crl --json
is 'with its code' "$(codes | grep -c E_REVOKED)" 1
exits 'an older list beside it does not help' 1 cert verify done2.d --trust ca/root.pem --crl old.crl --crl ca/root.crl
exits 'nobody else is touched' 0 cert verify "$record" --trust ca/root.pem --crl ca/root.crl
exits 'twice is refused' 64 cert keys revoke ca --cert ca/performer-2.pem --ca-passphrase-file pass
exits 'the list can be renewed' 0 cert keys revoke ca --ca-passphrase-file pass
exits 'and still names it' 1 cert verify done2.d --trust ca/root.pem --crl ca/root.crl

# --- lists of somebody else, and the policy of today
exits 'a list of another CA is said to be one' 0 cert verify "$record" --trust ca/root.pem --crl root-only/root.crl --json
is 'in the document' "$(jq -r .unused_lists out)" 1
check 'and to people' says W_CRL_UNUSED
exits 'one that speaks of the signer is not' 0 cert verify "$record" --trust ca/root.pem --crl ca/root.crl --json
is 'of use' "$(jq -r .unused_lists out)" 0
python3 - "$record" today.json <<'PYTHON'
import hashlib, json, sys
form = lambda t: json.dumps(t, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
r = json.load(open(sys.argv[1]))
r["policy"]["document"]["title"] = "As it was once"
r["policy"]["document"]["caps"]["overwrite-zero"]["virtual"] = "clear"
r["policy"]["sha256"] = hashlib.sha256(form(r["policy"]["document"])).hexdigest()
open(sys.argv[2], "wb").write(form(r))
PYTHON
exits 'another policy of that name' 1 cert verify today.json --trust ca/root.pem --json
is 'is told from today'"'"'s' "$(codes | grep -c W_POLICY_TODAY)" 1
exits 'a file of fields that is not there' 66 "$EXPUNGE" run cert-disk.img --confirm cert-disk.img --state fresh-state \
	--record-fields nowhere.json
check 'is found before anything is made' test ! -e fresh-state
exits 'nor a list of drives' 66 "$EXPUNGE" run --expect nowhere.csv --state fresh-state
check 'is looked for any later' test ! -e fresh-state

# --- the host's own key
head -c 1048576 /dev/urandom >cert-disk3.img
exits 'run without a key signs as the host' 0 "$EXPUNGE" run cert-disk3.img --level clear \
	--confirm cert-disk3.img --out done3.d --state state --json
exits 'the host is believed by nobody' 2 cert verify done3.d --trust ca/root.pem
exits 'unless it is named' 0 cert verify done3.d --trust state/host.crt --json
is 'as a machine' "$(jq -r '.results[0].signers[0].role' out)" host

# --- keys that run must refuse before it touches anything
head -c 1048576 /dev/urandom >cert-disk4.img
sum=$(sha256sum <cert-disk4.img)
for try in "--key ca/performer.key --cert ca/performer.pem --passphrase-file wrong" \
	"--key ca/performer.key --cert ca/performer-2.pem --passphrase-file pass" \
	"--key root-only/root.key --cert root-only/root.pem"; do
	# shellcheck disable=SC2086
	exits "run refuses $try" 64 "$EXPUNGE" run cert-disk4.img --level clear --confirm cert-disk4.img $try \
		--out done4.d --state state
done
is 'and the image is as it was' "$(sha256sum <cert-disk4.img)" "$sum"
done_testing
