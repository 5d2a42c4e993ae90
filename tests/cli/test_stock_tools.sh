#!/usr/bin/env bash
# What stock programs say of our signatures: openssl cms, certtool and gpgsm take good ones; and what
# of the attacks in docs/threat-model.md they let through or stop, which expunge-cert stops all.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 077
cert() { "$EXPUNGE_CERT" "$@"; }
by_openssl() { # P7S [OPTION...]: over the record
	openssl cms -verify -binary -content "$record" -in "$1" -inform DER -CAfile ca/root.pem -out /dev/null "${@:2}" 2>openssl.err
}
by_certtool() {
	certtool --p7-verify --inder --infile "$1" --load-data "${2:-$record}" --load-ca-certificate ca/root.pem >certtool.out 2>&1
}
by_gpgsm() {
	gpgsm --batch --disable-crl-checks --verify "$1" "${2:-$record}" >gpgsm.out 2>&1
}
# TOOL WANT NAME P7S [OPTION...]: "takes" or "stops"; a tool that is not there is left out
says_of() {
	local tool=$1 want=$2 name=$3
	if ! command -v "${tool#by_}" >/dev/null; then
		skip "${tool#by_} $want it: $name" "${tool#by_} is not installed"
		return
	fi
	if "$tool" "${@:4}"; then is "${tool#by_} $want it: $name" takes "$want"; else is "${tool#by_} $want it: $name" stops "$want"; fi
}
# TOOL NAME P7S [OPTION...]: an attack that passes; a version that is stricter by now is welcome
lets_through() {
	local tool=$1 name=$2
	if ! command -v "${tool#by_}" >/dev/null; then
		skip "${tool#by_} lets it through: $name" "${tool#by_} is not installed"
	elif "$tool" "${@:3}"; then
		ok "${tool#by_} lets it through: $name"
	else
		skip "${tool#by_} lets it through: $name" 'this version stops it'
	fi
}
# NAME: the same bytes as a record's signature, before expunge-cert
we_stop() {
	mkdir -p "ours/$1" && cp "$record" "ours/$1/r.json" && cp "$2" "ours/$1/r.json.p7s"
	exits "expunge-cert stops it: $1" 1 cert verify "ours/$1" --trust ca/root.pem --crl ca/root.crl
}

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
cert keys person ca --name Val --role validator --no-passphrase >/dev/null
head -c 1048576 /dev/urandom >disk.img
"$EXPUNGE" run disk.img --level clear --confirm disk.img --out out.d --state state --json \
	--key ca/performer.key --cert ca/performer.pem >run.json 2>/dev/null
record=out.d/$(jq -r '.results[0].record' run.json)
good=$record.p7s
cp "$record" other.json && printf ' ' >>other.json

# --- good signatures
exits 'expunge-cert takes it' 0 cert verify "$record" --trust ca/root.pem --crl ca/root.crl
says_of by_openssl takes 'a good one' "$good" -cades
says_of by_certtool takes 'a good one' "$good"
says_of by_certtool stops 'a good one over other bytes' "$good" other.json
if command -v gpgsm >/dev/null; then
	export GNUPGHOME=$PWD/gnupg
	mkdir gnupg
	gpgsm --batch --import ca/root.pem >gpgsm.out 2>&1
	openssl x509 -in ca/root.pem -noout -fingerprint -sha1 | sed 's/.*=//;s/$/ S/' >gnupg/trustlist.txt
fi
says_of by_gpgsm takes 'a good one' "$good"
says_of by_gpgsm stops 'a good one over other bytes' "$good" other.json

# --- attacks: each signed by stock means, over the record's own bytes
sign() { # OUT OPTION...
	openssl cms -sign -binary -in "$record" -outform DER -md sha256 -nosmimecap -out "$@" 2>sign.err
}
alice=(-signer ca/performer.pem -inkey ca/performer.key)
val=(-signer ca/validator.pem -inkey ca/validator.key)

sign two.p7s "${alice[@]}" "${val[@]}" -cades
says_of by_openssl takes 'two good signatures' two.p7s
says_of by_certtool takes 'two good signatures' two.p7s
# the file ends with the octets of the last signature
size=$(stat -c %s two.p7s)
head -c $((size - 1)) two.p7s >bad.p7s
tail -c 1 two.p7s | tr '\000-\377' '\001-\377\000' >>bad.p7s
says_of by_openssl stops 'one bad signature of two' bad.p7s
says_of by_certtool stops 'one bad signature of two' bad.p7s
we_stop 'one bad signature of two' bad.p7s

sign once.p7s "${alice[@]}" -cades
openssl cms -resign -binary -inform DER -in once.p7s -outform DER -md sha256 -nosmimecap -nocerts -out twice.p7s \
	"${alice[@]}" -cades 2>sign.err
is 'the certificate signed twice' "$(openssl cms -cmsout -print -inform DER -in twice.p7s | grep -c 'd.issuerAndSerialNumber')" 2
lets_through by_openssl 'one certificate signs twice' twice.p7s -cades
lets_through by_certtool 'one certificate signs twice' twice.p7s
we_stop 'one certificate signs twice' twice.p7s

sign bare.p7s "${alice[@]}" -noattr
lets_through by_openssl 'no signed attributes' bare.p7s
lets_through by_openssl 'no signed attributes, with -cades, too' bare.p7s -cades
lets_through by_certtool 'no signed attributes' bare.p7s
we_stop 'no signed attributes' bare.p7s

# certificates that the CA's key signed, of a kind that `keys` would not make
cat >x.cnf <<'END'
[req]
distinguished_name = dn
[dn]
[sub]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
certificatePolicies = 2.25.118352362227876007019973633691655470030.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = emailProtection,1.3.6.1.5.5.7.3.36
certificatePolicies = 2.25.118352362227876007019973633691655470030.2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[web]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
issue() { # NAME SECTION ISSUER
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null
	openssl req -config x.cnf -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -set_serial "0x$(openssl rand -hex 8)" -days 9 \
		-sha256 -extfile x.cnf -extensions "$2" -out "$1.pem" 2>/dev/null
}
openssl ecparam -name prime256v1 -genkey -noout -out deep.key 2>/dev/null
openssl req -config x.cnf -x509 -new -key deep.key -subj '/CN=deep' -days 9 -out deep.pem \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
issue sub sub deep
issue beyond leaf sub
issue web web deep

sign beyond.p7s -signer beyond.pem -inkey beyond.key -certfile sub.pem -cades
cp ca/root.pem root.was && cp deep.pem ca/root.pem
lets_through by_openssl 'a role beyond what the CA gave' beyond.p7s -cades
lets_through by_certtool 'a role beyond what the CA gave' beyond.p7s
we_stop 'a role beyond what the CA gave' beyond.p7s

sign web.p7s -signer web.pem -inkey web.key -cades
says_of by_openssl stops 'a certificate for another use' web.p7s -cades
lets_through by_openssl 'a certificate for another use, with -purpose any' web.p7s -cades -purpose any
lets_through by_certtool 'a certificate for another use' web.p7s
we_stop 'a certificate for another use' web.p7s
done_testing
