#!/usr/bin/env bash
# expunge-cert timestamp: against the authority of stock openssl, by files and over loopback.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
server=$PWD/tests/cli/tsa_server.py
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
quiet() { "$@" >/dev/null 2>&1; }
codes() { jq -r '.results[].findings[].code' out; }
says() { grep -q "$1" "${TMPDIR}/err"; }

# --- an authority
cat >tsa.cnf <<'EOF'
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Time Root
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
[sha256]
serial = tsa.serial
signer_cert = tsa.pem
certs = tsa-root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha512
accuracy = secs:1, millisecs:500
ess_cert_id_alg = sha256
ess_cert_id_chain = no
clock_precision_digits = 3
[sha1]
serial = tsa.serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha1
EOF
quiet openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa-root.key -out tsa-root.pem -days 30 \
	-config tsa.cnf -extensions root
quiet openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -config tsa.cnf -subj '/CN=Time Authority'
quiet openssl x509 -req -in tsa.csr -CA tsa-root.pem -CAkey tsa-root.key -set_serial 77 -days 20 -out tsa.pem \
	-extfile tsa.cnf -extensions tsa
answer() { openssl ts -reply -config tsa.cnf -section "$1" -queryfile "$2" -out "$3" 2>ts.err; }

# --- a record
quiet cert keys setup ca --organization O --name N --no-passphrase
head -c 1048576 /dev/urandom >stamp-disk.img
exits 'a record to be stamped' 0 "$EXPUNGE" run stamp-disk.img --level clear --confirm stamp-disk.img \
	--key ca/performer.key --cert ca/performer.pem --out done.d --state state --json
record=done.d/$(jq -r '.results[0].record' out)
cp "$record" plain.json && cp "$record.p7s" plain.json.p7s

# --- by files
exits 'timestamp request' 0 cert timestamp request "$record" --out q.tsq
check 'stock openssl reads the request' quiet openssl ts -query -in q.tsq -text
exits 'it is not written over' 1 cert timestamp request "$record" --out q.tsq
check 'stock openssl answers it' answer sha256 q.tsq r.tsr
sum=$(sha256sum <"$record.p7s")
exits 'a reply that is no file' 66 cert timestamp embed "$record" --reply /dev/null
printf x >junk.tsr
exits 'a reply that is none' 66 cert timestamp embed "$record" --reply junk.tsr
head -c 300 r.tsr >cut.tsr
exits 'a reply that is cut' 66 cert timestamp embed "$record" --reply cut.tsr
exits 'a reply that is not there' 66 cert timestamp embed "$record" --reply nowhere.tsr
is 'they changed nothing' "$(sha256sum <"$record.p7s")" "$sum"
exits 'timestamp embed' 0 cert timestamp embed "$record" --reply r.tsr --request q.tsq
exits 'twice is refused' 64 cert timestamp embed "$record" --reply r.tsr
exits 'and need not be asked for' 64 cert timestamp request "$record" --out q2.tsq
check 'stock openssl still accepts the signature' quiet openssl cms -verify -binary -cades -content "$record" \
	-in "$record.p7s" -inform DER -CAfile ca/root.pem -out /dev/null
is 'the file keeps its mode' "$(stat -c %a "$record.p7s")" "$(stat -c %a plain.json.p7s)"
is 'no other file is left' "$(find done.d -name '*.p7s*' -o -name '.*' -type f | wc -l)" 1

# --- verify
exits 'the time is proven' 0 cert verify "$record" --trust ca/root.pem --tsa tsa-root.pem --require-time --json
is 'by whom is told' "$(jq -r '.results[0].signers[0].timestamp.authority' out)" 'Time Authority'
is 'and that it is proven' "$(jq -r '.results[0].time_proven' out)" true
exits 'for people, too' 0 cert verify "$record" --trust ca/root.pem --tsa tsa-root.pem
check 'in words' grep -q 'signed before .* as vouched for by Time Authority' out
exits 'the log still has it' 0 cert verify "$record" --trust ca/root.pem --tsa tsa-root.pem --log-key state/log.vkey
exits 'nobody named for time is indeterminate' 2 cert verify "$record" --trust ca/root.pem --json
is 'with its code' "$(codes | grep -c I_TIMESTAMP_UNTRUSTED)" 1
exits 'an anchor of the signers is none for time' 2 cert verify "$record" --trust ca/root.pem \
	--trust tsa-root.pem --json
is 'with the same code' "$(codes | grep -c I_TIMESTAMP_UNTRUSTED)" 1
exits 'another authority is indeterminate' 2 cert verify "$record" --trust ca/root.pem --tsa ca/root.pem

# --- the signer is revoked later
sleep 4
quiet cert keys revoke ca --cert ca/performer.pem
exits 'revoked after the timestamp still passes' 0 cert verify "$record" --trust ca/root.pem --crl ca/root.crl \
	--tsa tsa-root.pem
exits 'without the timestamp it fails' 1 cert verify plain.json --trust ca/root.pem --crl ca/root.crl --tsa tsa-root.pem
exits 'with nobody to believe it fails' 1 cert verify "$record" --trust ca/root.pem --crl ca/root.crl --json
is 'as revoked' "$(codes | grep -c E_REVOKED)" 1
cp plain.json late.json && cp plain.json.p7s late.json.p7s
quiet cert timestamp request late.json --out late.tsq
answer sha256 late.tsq late.tsr
sum=$(sha256sum <late.json.p7s)
exits 'where nothing can be written' 1 full cert timestamp embed late.json --reply late.tsr
is 'the signature stays as it was' "$(sha256sum <late.json.p7s)" "$sum"
exits 'stamped after the revocation' 0 cert timestamp embed late.json --reply late.tsr
exits 'fails' 1 cert verify late.json --trust ca/root.pem --crl ca/root.crl --tsa tsa-root.pem --json
is 'as revoked, too' "$(codes | grep -c E_REVOKED)" 1

# --- tokens that do not belong
head -c 1048576 /dev/urandom >stamp-disk2.img
"$EXPUNGE" run stamp-disk2.img --level clear --confirm stamp-disk2.img --out done2.d --state state >/dev/null 2>&1
other=$(find done2.d -name '*.json')
exits 'a reply for another signature is refused' 1 cert timestamp embed "$other" --reply r.tsr
check 'with its code' says E_TIMESTAMP_IMPRINT
quiet cert timestamp request "$other" --out o1.tsq
quiet cert timestamp request "$other" --out o2.tsq
answer sha256 o1.tsq o1.tsr
exits 'a reply to another request is refused' 1 cert timestamp embed "$other" --reply o1.tsr --request o2.tsq
check 'by its nonce' says E_TIMESTAMP_NONCE
answer sha1 o1.tsq weak.tsr
exits 'a certificate named by SHA-1 is refused' 1 cert timestamp embed "$other" --reply weak.tsr
check 'as broken' says E_ALGORITHM_WEAK
openssl ts -query -digest "$(printf '00%.0s' {1..20})" -sha1 -out sha1.tsq 2>/dev/null
answer sha256 sha1.tsq refused.tsr
exits 'a refusal is told' 69 cert timestamp embed "$other" --reply refused.tsr
check 'by its status' says 'refused, status 2'

# --- over loopback
start() {
	rm -f port
	python3 "$server" "$1" port "$TMPDIR" 2>server.err &
	pid=$!
	for _ in {1..100}; do
		[ -s port ] && break
		sleep 0.05
	done
	url=http://127.0.0.1:$(cat port)/tsa
}
stop() {
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
if command -v python3 >/dev/null; then
	sum=$(sha256sum <"$other.p7s")
	for mode in hang silent trickle error html huge cut replay redirect; do
		start "$mode"
		want=69
		[ "$mode" = replay ] && want=1
		exits "fetch from a server that does $mode" "$want" cert timestamp fetch "$other" --url "$url" --timeout 1
		stop
	done
	exits 'fetch from nobody' 69 cert timestamp fetch "$other" --url "$url" --timeout 1
	is 'they changed nothing' "$(sha256sum <"$other.p7s")" "$sum"
	cp "$other" c.json && cp "$other.p7s" c.json.p7s
	for mode in good chunked; do
		cp "$other" $mode.json && cp "$other.p7s" $mode.json.p7s
		start "$mode"
		exits "fetch from a $mode server" 0 cert timestamp fetch $mode.json --url "$url"
		stop
		exits 'and its time is proven' 0 cert verify $mode.json --trust state/host.crt --tsa tsa-root.pem --require-time
	done
else
	skip 'fetch over loopback' 'no python3'
fi

# --- usage
exits 'https is refused' 69 cert timestamp fetch "$other" --url https://127.0.0.1/
exits 'an address that is none' 64 cert timestamp fetch "$other" --url 127.0.0.1
exits 'fetch wants an address' 64 cert timestamp fetch "$other"
exits 'embed wants a reply' 64 cert timestamp embed "$other"
exits 'request wants a place' 64 cert timestamp request "$other"
exits 'a file that is not there' 66 cert timestamp request nowhere.json --out n.tsq
exits 'a record without signature' 66 cert timestamp request q.tsq --out n.tsq
check 'and nothing is written' test ! -e n.tsq
# --- a token over a checkpoint serves all that stand in its tree
proof=${record%.json}.tlog-proof
mkdir cp.d && cp plain.json plain.json.p7s "$proof" cp.d
mv "cp.d/${proof##*/}" cp.d/plain.tlog-proof
by_log=(--trust ca/root.pem --tsa tsa-root.pem --log-key state/log.vkey)
exits 'without a token the time is not proven' 3 cert verify cp.d "${by_log[@]}" --require-time
exits 'timestamp request for a proof' 0 cert timestamp request cp.d/plain.tlog-proof --out cp.tsq
check 'stock openssl answers it, too' answer sha256 cp.tsq cp.tsr
exits 'the token of another thing is refused' 1 cert timestamp embed cp.d/plain.tlog-proof --reply r.tsr
check 'and not written' test ! -e cp.d/plain.tlog-proof.tst
exits 'embed puts it beside the proof' 0 cert timestamp embed cp.d/plain.tlog-proof --reply cp.tsr --request cp.tsq
sum=$(cat cp.d/plain.json* cp.d/plain.tlog-proof | sha256sum)
is 'which stays as it was' "$(cat plain.json plain.json.p7s "$proof" | sha256sum)" "$sum"
exits 'now it is proven' 0 cert verify cp.d "${by_log[@]}" --require-time --json
is 'by the authority' "$(jq -r '.results[0].signers[0].timestamp.authority' out)" 'Time Authority'
is 'and the token is no file to be ignored' "$(jq -r .ignored out)" 0
exits 'not to those who do not believe it' 2 cert verify cp.d --trust ca/root.pem --log-key state/log.vkey --require-time
mv cp.d/plain.tlog-proof.tst cp.tst
exits 'a token may be named' 0 cert verify cp.d "${by_log[@]}" --require-time --log-token cp.tst
exits 'it needs the key of the log' 64 cert verify cp.d --trust ca/root.pem --tsa tsa-root.pem --log-token cp.tst
openssl ts -query -data cp.d/plain.json -sha256 -cert -out odd.tsq 2>/dev/null
check 'a token of something else' answer sha256 odd.tsq odd.tsr
openssl ts -reply -in odd.tsr -token_out -out odd.tst 2>/dev/null
exits 'proves nothing' 3 cert verify cp.d "${by_log[@]}" --require-time --log-token odd.tst
quiet cert log checkpoint state
cert log checkpoint state >day.checkpoint
exits 'a checkpoint by itself can be stamped, too' 0 cert timestamp request day.checkpoint --out day.tsq
check 'by anybody' answer sha256 day.tsq day.tsr
exits 'and embedded' 0 cert timestamp embed day.checkpoint --reply day.tsr
check 'as a file beside it' test -s day.checkpoint.tst
exits 'a proof under that checkpoint' 0 cert log prove state --record plain.json
mv plain.tlog-proof cp.d/plain.tlog-proof
exits 'shares its token' 0 cert verify cp.d "${by_log[@]}" --require-time --log-token day.checkpoint.tst
if command -v python3 >/dev/null; then
	for file in night.checkpoint cp.d/plain.tlog-proof; do
		[ -e "$file" ] || cp day.checkpoint "$file"
		start html
		exits 'fetch for a checkpoint from a server that talks of something else' 69 cert timestamp fetch "$file" --url "$url"
		stop
		check 'leaves nothing' test ! -e "$file.tst"
		start good
		exits 'fetch where nothing can be written' 1 full cert timestamp fetch "$file" --url "$url"
		check 'leaves nothing either' test ! -e "$file.tst"
		stop
		start good
		exits 'fetch for a checkpoint' 0 cert timestamp fetch "$file" --url "$url"
		check 'puts the token beside it' test -s "$file.tst"
		sum=$(sha256sum <"$file.tst")
		stop
		start good
		exits 'never over one that is there' 1 cert timestamp fetch "$file" --url "$url"
		stop
		is 'which stays as it was' "$(sha256sum <"$file.tst")" "$sum"
	done
	exits 'the fetched token serves the record' 0 cert verify cp.d "${by_log[@]}" --require-time
	rm cp.d/plain.tlog-proof.tst
	exits 'so does that of the checkpoint' 0 cert verify cp.d "${by_log[@]}" --require-time --log-token night.checkpoint.tst
else
	skip 'fetch for a checkpoint' 'no python3'
fi
exits 'no checkpoint, no request' 66 cert timestamp request cp.tsq.checkpoint --out x.tsq
done_testing
