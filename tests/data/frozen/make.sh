#!/usr/bin/env bash
# Makes the frozen records of this folder: what this version wrote, to be checked by every later one.
# Files that are there are left alone: a form of record that was ever published stays as it is.
# Usage: tests/data/frozen/make.sh NAME (from the root of the repository, as root, after
# make all build/release/stage_records; needs openssl and cryptsetup, and a disk whose files are written in place)
set -eu
here=$PWD/tests/data/frozen/${1:?NAME}
bin=$PWD/build/release
[ ! -e "$here" ] || { echo "$here is there already" >&2; exit 64; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
umask 022

"$bin/expunge-cert" keys setup ca --organization Frozen --name Alice --no-passphrase >/dev/null
"$bin/expunge-cert" keys person ca --name Val --role validator --no-passphrase >/dev/null
run() {
	"$bin/expunge" run "$@" --key ca/performer.key --cert ca/performer.pem --state state --json 2>/dev/null |
		jq -r '.results[0].record'
}
head -c 1048576 /dev/urandom >full.img
head -c 4194304 /dev/urandom >sample.img
full=$(run full.img --level clear --confirm full.img --verify full --out out)
run sample.img --technique overwrite-random --level clear --confirm sample.img --out out >/dev/null
# the keys of a volume, and a file
head -c 20971520 /dev/zero >luks.img
cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 luks.img ca/root.pem
run luks.img --technique luks-destroy --level clear --confirm luks.img --out out >/dev/null
head -c 65536 /dev/urandom >secret.bin
run secret.bin --technique file-overwrite --level clear --confirm secret.bin --out out >/dev/null
# whole jobs on emulated drives (needs root), one of which lies and is found out
"$bin/stage_records" ca/performer.key ca/performer.pem out
"$bin/expunge" verify full.img --record "out/$full" --json >reading.json
"$bin/expunge-cert" validate "out/$full" --decision accept --readback reading.json --key ca/validator.key \
	--cert ca/validator.pem --state state --trust ca/root.pem >/dev/null

cat >tsa.cnf <<'EOF'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Frozen Time Root
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[ts]
serial = tsa.serial
signer_cert = tsa.pem
certs = tsa-root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
EOF
openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa-root.key -out tsa-root.pem -days 3650 -config tsa.cnf \
	-extensions root 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -config tsa.cnf -subj '/CN=Frozen Time' 2>/dev/null
openssl x509 -req -in tsa.csr -CA tsa-root.pem -CAkey tsa-root.key -set_serial 77 -days 400 -out tsa.pem \
	-extfile tsa.cnf -extensions tsa 2>/dev/null
for record in out/*.json; do
	"$bin/expunge-cert" timestamp request "$record" --out q.tsq >/dev/null
	openssl ts -reply -config tsa.cnf -section ts -queryfile q.tsq -out r.tsr 2>/dev/null
	"$bin/expunge-cert" timestamp embed "$record" --reply r.tsr >/dev/null
	rm q.tsq r.tsr
done
sleep 2 # the list must be younger than the tokens
"$bin/expunge-cert" keys revoke ca >/dev/null
mkdir -p "$here"
cp out/*.json out/*.p7s out/*.tlog-proof "$here" # emulated drives have a log of their own, which is not kept
cp ca/root.pem ca/root.crl tsa-root.pem state/log.vkey "$here"
