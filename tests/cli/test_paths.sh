#!/usr/bin/env bash
# An issuing CA between root and signers: what the root says of it counts, whatever else is trusted by name;
# one person stays one person behind it.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
rogue=$PWD/$B/rogue_sign
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
codes() { jq -r '[.results[].findings[].code | select(startswith("W_") | not)] | unique | join(" ")' out; }
cat >ca.cnf <<'CNF'
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = emailProtection,1.3.6.1.5.5.7.3.36
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[tls]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[ts]
serial = ts.serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
CNF
key() { [ -e "$1.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }
root() { key "$1" && openssl req -config ca.cnf -x509 -new -key "$1.key" -subj "/CN=$1" -days 300 -out "$1.pem" -extensions root; }
# issue NAME SUBJECT CA SECTION NUMBER [FILE]: NAME.pem, or FILE, by CA
issue() {
	key "$1" && openssl req -config ca.cnf -new -key "$1.key" -subj "$2" -out "$1.csr" &&
		openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -set_serial "$5" -days 200 -out "${6:-$1.pem}" \
			-extfile ca.cnf -extensions "$4" 2>/dev/null
}
# list CA FILE [NUMBER]: a revocation list, in which NUMBER may stand
list() {
	: >index.txt
	[ -z "${3:-}" ] || printf 'R\t301231235959Z\t%s\t%s\tunknown\t/CN=x\n' "$(date -u +%y%m%d%H%M%SZ -d '-1 minute')" "$3" >index.txt
	[ -e number ] || echo 01 >number
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=30\n[e]\nauthorityKeyIdentifier=keyid\n' >list.cnf
	openssl ca -config list.cnf -crlexts e -gencrl -keyfile "$1.key" -cert "$1.pem" -out "$2" 2>/dev/null
}
fp() { openssl x509 -in "$1" -outform DER | sha256sum | cut -c 1-64; }

root R && root R2
issue I1 /CN=I1 R middle 17 && issue I2 /CN=I2 R middle 18 && issue I1 /CN=I1 R2 middle 19 I1x.pem
issue perf '/CN=Alice/serialNumber=P-1' I1 leaf 33
issue val '/CN=Bob/serialNumber=P-1' I2 leaf 34
issue other '/CN=Carol/serialNumber=P-2' I2 leaf 35
issue near '/CN=Dan/serialNumber=P-1' I1 leaf 36
for n in R R2 I1 I2; do list "$n" "$n.crl"; done
list R R-revokes.crl 11
cat perf.pem I1.pem >perf.chain
cat val.pem I2.pem >val.chain
cat other.pem I2.pem >other.chain
cat near.pem I1x.pem >near.chain
cat R.pem I1.pem I2.pem >bundle.pem
{
	printf '{"roster":[{"cert_sha256":"%s","person":"A","role":"performer"}' "$(fp perf.pem)"
	for n in val other near; do printf ',{"cert_sha256":"%s","person":"%s","role":"validator"}' "$(fp $n.pem)" $n; done
	printf ']}'
} >roles.json
head -c 65536 /dev/urandom >paths.img
"$EXPUNGE" run paths.img --level clear --confirm paths.img --key perf.key --cert perf.chain --state state --out certs >/dev/null 2>&1
record=$(find certs -name '*.json')
lists=(--crl R.crl --crl R2.crl --crl I1.crl --crl I2.crl --roles roles.json)
# decided FOLDER BY: a copy of the record, and a decision by BY below whichever root it says it is
decided() {
	mkdir "$1" && cp certs/* "$1" 2>/dev/null
	cert validate "$1/$(basename "$record")" --decision "${3:-accept}" --key "$2.key" --cert "$2.chain" --state "state.$1" \
		--trust R.pem --trust R2.pem "${lists[@]}" --out "$1" "${@:4}" >out 2>err
}
exits 'by the root' 0 cert verify "$record" --trust R.pem "${lists[@]}" --json
exits 'by root and issuing CAs' 0 cert verify "$record" --trust bundle.pem "${lists[@]}" --json
exits 'by an issuing CA alone' 0 cert verify "$record" --trust I1.pem "${lists[@]}" --json

# --- what the root says of a CA that was named, too
for trust in R.pem bundle.pem; do
	exits "an issuing CA that the root revoked, by $trust" 1 cert verify "$record" --trust "$trust" --crl R-revokes.crl \
		--crl I1.crl --roles roles.json --json
	is '... by its code' "$(codes)" E_REVOKED
done

# --- one person behind two issuing CAs, and behind one that two roots vouch for
decided own val
for trust in R.pem bundle.pem; do
	exits "whoever did the work does not decide about it, by $trust" 1 cert verify own --trust "$trust" "${lists[@]}" --json
	is '... by its code' "$(codes)" E_SAME_PERSON
done
decided good other
is 'somebody else does' $? 0
for trust in R.pem bundle.pem; do
	exits "and it counts, by $trust" 0 cert verify good --trust "$trust" "${lists[@]}" --require-role validator --json
done
decided cross near
is 'nor does validate take them by a path to another root' $? 1
decision=$(grep -l '"kind":"validation"' own/*.json)
mkdir crossed && cp certs/* crossed 2>/dev/null
jq -cjS --arg was "$(fp val.pem)" --arg is "$(fp near.pem)" '(.. | strings | select(. == $was)) = $is
	| (.. | strings | select(. == "Bob")) = "Dan"' "$decision" >crossed/crossed.json
"$rogue" near.key near.chain crossed/crossed.json
exits 'nor verify' 1 cert verify crossed --trust R.pem --trust R2.pem --trust I1x.pem "${lists[@]}" --json
is '... by its code, beside that of the forgery' "$(codes)" 'E_ROLE_COMMITMENT E_SAME_PERSON'

# --- two lists in a file
openssl crl -in R.crl -outform DER >two.der
openssl crl -in R-revokes.crl -outform DER >>two.der
exits 'the second list of a file counts' 1 cert verify "$record" --trust R.pem --crl two.der --crl I1.crl --roles roles.json --json
is '... by its code' "$(codes)" E_REVOKED
printf 'and more' >>two.der
exits 'what stands behind it is no list' 64 cert verify "$record" --trust R.pem --crl two.der --crl I1.crl --roles roles.json

# --- a token by an authority below a CA for something else
issue tlsca /CN=TLS R2 tls 20 && issue tsa /CN=TSA tlsca tsa 21 && list tlsca tlsca.crl
echo 01 >ts.serial
cp -r certs stamped
record=$(find stamped -name '*.json')
cert timestamp request "$record" --out q.tsq >/dev/null 2>&1
openssl ts -reply -config ca.cnf -section ts -queryfile q.tsq -chain tlsca.pem -out r.tsr 2>/dev/null
cert timestamp embed "$record" --reply r.tsr >/dev/null 2>&1
exits 'its time is not proven' 2 cert verify "$record" --trust R.pem "${lists[@]}" --crl tlsca.crl --tsa R2.pem --require-time --json
is '... by its code' "$(codes)" 'I_TIMESTAMP_UNTRUSTED P_TIME'
issue tlsca /CN=TLS R2 middle 22 && issue tsa /CN=TSA tlsca tsa 23
record=$(grep -l '"kind":"sanitization"' good/*.json)
cert timestamp request "$record" --out q2.tsq >/dev/null 2>&1
openssl ts -reply -config ca.cnf -section ts -queryfile q2.tsq -chain tlsca.pem -out r2.tsr 2>/dev/null
cert timestamp embed "$record" --reply r2.tsr >/dev/null 2>&1
exits 'below a CA for anything it is' 0 cert verify good --trust R.pem "${lists[@]}" --crl tlsca.crl --tsa R2.pem --json
exits 'no serial number is none to look for' 64 cert verify good --trust R.pem "${lists[@]}" --serial ''
done_testing
