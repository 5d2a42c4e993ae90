#!/bin/bash
# What reads a stranger's bytes has given away its rights before, or lets a process read them that has
# none. (What the cage itself holds is tried in test_confine.)
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
root=$PWD
record=$root/tests/fuzz/corpus/record/good-full.json
"$EXPUNGE_CERT" verify "$record" --json >"$TMPDIR/v.json" 2>/dev/null
seccomp=$(jq -r .confined.seccomp "$TMPDIR/v.json")
landlock=$(jq -r .confined.landlock "$TMPDIR/v.json")
if [ "$seccomp" != true ] || [ "$landlock" != true ]; then
	skip "what reads strangers' bytes is confined" "no seccomp or no Landlock here"
	done_testing
fi

# a text that does not fit into a pipe: show waits while nobody reads, and can be looked at
jq -cjS '.ext = {"org.example.long": ("x" * 300000)}' "$record" >"$TMPDIR/long.json"
mkfifo "$TMPDIR/pipe"
"$EXPUNGE_CERT" show --json "$TMPDIR/long.json" >"$TMPDIR/pipe" 2>"$TMPDIR/err" &
pid=$!
exec 3<"$TMPDIR/pipe"
# until it is caged, or writes (system call 1) without being so
until grep -q '^Seccomp:.2' "/proc/$pid/status" || grep -q '^1 ' "/proc/$pid/syscall" || ! [ -e "/proc/$pid/status" ]; do
	sleep 0.02
done 2>/dev/null
is "show writes with its rights given away" "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" 2
is "and can get none back" "$(awk '/^NoNewPrivs:/ {print $2}' "/proc/$pid/status")" 1
cat <&3 >"$TMPDIR/shown"
exec 3<&-
wait "$pid"
is "it ends well" $? 0
check "and has shown everything" test "$(jq -r '.record.ext["org.example.long"] | length' "$TMPDIR/shown")" = 300000

# a log that stands elsewhere than in the folder that was named is no input
cp -r tests/data/log/state "$TMPDIR/s"
mkdir "$TMPDIR/t"
ln -s ../s/log "$TMPDIR/t/log"
for command in verify checkpoint; do
	exits "log $command reads what was named" 0 "$EXPUNGE_CERT" log "$command" "$TMPDIR/s" \
		--log-key tests/data/log/state/log.vkey
	"$EXPUNGE_CERT" log "$command" "$TMPDIR/t" --log-key tests/data/log/state/log.vkey \
		>"$TMPDIR/out" 2>"$TMPDIR/err"
	check "log $command reads nothing else" test $? -ne 0
done
cp tests/data/log/record.json "$TMPDIR"
exits "log prove reads what was named" 0 "$EXPUNGE_CERT" log prove "$TMPDIR/s" --record "$TMPDIR/record.json"
"$EXPUNGE_CERT" log prove "$TMPDIR/t" --record "$TMPDIR/record.json" >"$TMPDIR/out" 2>"$TMPDIR/err"
check "log prove reads nothing else" test $? -ne 0

# --- commands that write: which process parses?
server=$root/tests/cli/tsa_server.py
cd "$TMPDIR" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
quiet() { "$@" >/dev/null 2>&1; }
# reads_confined MARK CALLS CODE ARGUMENT...: all CALLS are made on bytes with MARK in them (empty: any), and
# none by who holds the rights
reads_confined() {
	local mark=$1 calls=$2 code=$3 name=$4
	[[ $name == log || $name == timestamp || $name == keys ]] && name+=" $5"
	shift 3
	exits "$name ends as it should" "$code" env LD_PRELOAD="$root/$B/who_reads.so" WHO_READS="$mark" "$EXPUNGE_CERT" "$@"
	is "$name parses in a process without rights" "$(sed -n 's/^who_reads: \(.*\): confined$/\1/p' err | sort -u | xargs)" "$calls"
	# a digest of bytes with a mark is taken, but of nothing inside of them
	is "$name parses nowhere else" \
		"$(sed -n '/^who_reads: .*: free$/p' err | grep -v "${mark:+: EVP_Digest:}" | sort -u | xargs)" ''
}
# what looks at it sees who has rights, too
LD_PRELOAD="$root/$B/who_reads.so" WHO_READS='' "$EXPUNGE_CERT" keys setup ca --organization O --name Stranger --no-passphrase >out 2>err
check 'who has given away nothing is seen' grep -q '^who_reads: .*: free$' err
reads_confined '' 'EVP_Digest SHA256 json_loadb' 0 log prove s --record record.json

printf '%s\n' '[req]' distinguished_name=dn '[dn]' '[tsa]' extendedKeyUsage=critical,timeStamping \
	keyUsage=critical,digitalSignature '[sha256]' serial=serial signer_cert=tsa.pem signer_key=tsa.key \
	signer_digest=sha256 default_policy=1.2.3.4 digests=sha256 ess_cert_id_alg=sha256 >tsa.cnf
quiet openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.pem -days 30 -config tsa.cnf -extensions tsa -subj /CN=T
head -c 1048576 /dev/urandom >confined.img
quiet "$EXPUNGE" run confined.img --level clear --confirm confined.img --out d --state state --key ca/performer.key --cert ca/performer.pem
done=$(echo d/*.json)
cp "$done" a.json
cp "$done.p7s" a.json.p7s
reads_confined '' EVP_Digest 0 timestamp request "$done" --out q.tsq
quiet openssl ts -reply -config tsa.cnf -section sha256 -queryfile q.tsq -out r.tsr
reads_confined '' 'BIO_new_mem_buf EVP_Digest d2i_X509' 0 timestamp embed "$done" --reply r.tsr
if command -v python3 >/dev/null; then
	python3 "$server" good port "$TMPDIR" 2>server.err &
	pid=$!
	until [ -s port ] || ! kill -0 "$pid" 2>/dev/null; do
		sleep 0.02
	done
	reads_confined '' 'BIO_new_mem_buf EVP_Digest d2i_X509' 0 timestamp fetch a.json --url "http://127.0.0.1:$(cat port)/tsa"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
else
	skip 'timestamp fetch is confined' 'no python3'
fi

# --- who signs: what others wrote is read before the key is there
"$EXPUNGE" verify confined.img --record "$done" --json >reading.json 2>/dev/null
for who in Val:validator Site:site; do
	quiet cert keys person ca --name "${who%:*}" --role "${who#*:}" --no-passphrase
done
val=(--key ca/validator.key --cert ca/validator.pem --state vstate --trust ca/root.pem)
reads_confined "$(jq -r .nonce "$done")" json_loadb 0 validate "$done" --decision accept --readback reading.json "${val[@]}"
reads_confined Stranger 'EVP_Digest d2i_CMS_ContentInfo d2i_X509 json_loadb' 0 validate "$done" --decision accept --readback reading.json "${val[@]}"
reads_confined '"evidence"' json_loadb 0 validate "$done" --decision accept --readback reading.json "${val[@]}"
mkdir h
cp "$done" "$done.p7s" h
reads_confined "$(jq -r .nonce "$done")" json_loadb 0 endorse h --key ca/site.key --cert ca/site.pem --state vstate --trust ca/root.pem

# --- what a CA is handed
quiet cert keys request next --name Requesting --role performer --no-passphrase
reads_confined 'CERTIFICATE REQUEST' BIO_new_mem_buf 0 keys person ca --request next/performer.csr --role performer --file asked
{
	echo 'by somebody else'
	cat ca/asked.pem
} >theirs.pem
reads_confined 'by somebody else' BIO_new_mem_buf 0 keys replace ca --cert theirs.pem --no-passphrase --file succeeds
reads_confined 'by somebody else' BIO_new_mem_buf 0 keys revoke ca --cert theirs.pem
check 'it is revoked' grep -q "Serial Number: $(openssl x509 -in ca/asked.pem -noout -serial | sed 's/.*=//')" \
	<(openssl crl -in ca/root.crl -noout -text)
cp ca/validator.pem val.pem
mv ca/issued issued.away
exits 'one that the CA has kept no copy of gets no successor' 64 cert keys replace ca --cert val.pem --no-passphrase
check 'and is told the way out' grep -q 'keys person --person' err
exits 'it can be revoked' 0 cert keys revoke ca --cert val.pem
mv issued.away ca/issued

# --- what an auditor was handed beside the records
for file in ca/root.pem ca/root.crl tsa.pem; do
	{
		echo 'by somebody else'
		cat "$file"
	} >"their-${file##*/}"
done
jq -cjS '.policy.document | .name = "by-somebody-else"' "$done" >theirs.json
printf '{"roster":[{"cert_sha256":"%s","person":"by somebody else","role":"performer"}]}' \
	"$(openssl x509 -in ca/performer.pem -outform DER | sha256sum | cut -c 1-64)" >roles.json
reads_confined 'by somebody else' 'BIO_new_mem_buf json_loadb' 0 verify "$done" --trust their-root.pem --crl their-root.crl \
	--roles roles.json --tsa tsa.pem
reads_confined 'by-somebody-else' json_loadb 3 verify "$done" --trust ca/root.pem --crl ca/root.crl --tsa tsa.pem --policy theirs.json
reads_confined 'by somebody else' BIO_new_mem_buf 0 verify "$done" --trust ca/root.pem --crl ca/root.crl --tsa their-tsa.pem
exits 'a pipe is no list' 66 bash -c '"$0" verify "$1" --trust ca/root.pem --crl <(cat ca/root.crl)' "$EXPUNGE_CERT" "$done"
check 'and is named' grep -q 'not a regular file' err

# --- a reader that was taken over
n=$(find d -type f | wc -l)
lies() { env LD_PRELOAD="$root/$B/who_reads.so" READER_LIES="$1" "$EXPUNGE_CERT" validate "$done" "${@:2}" "${val[@]}"; }
exits 'a decision that was not taken is not signed' 70 lies '"decision":"reject"="decision":"accept"' --decision reject
check 'and it is told' grep -q 'not the decision that was taken' err
sha=$(sha256sum "$done" | cut -d ' ' -f 1)
exits 'nor one about another record' 70 lies "$sha=${sha//[0-9]/0}" --decision reject
exits 'nor one by another' 70 lies '"name":"Val"="name":"Vil"' --decision reject
is 'nothing was written' "$(find d -type f | wc -l)" "$n"
exits 'whoever does not lie is believed' 0 lies 'no such text=no such TEXT' --decision reject
done_testing
