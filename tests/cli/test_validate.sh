#!/usr/bin/env bash
# expunge-cert validate and endorse: decisions about records, and what verify makes of them.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
has() { grep -q "$1" "${TMPDIR}/out"; }
says() { grep -q "$1" "${TMPDIR}/err"; }
codes() { jq -r '.results[].findings[].code' out; }
run_on() {
	head -c "${3:-1048576}" /dev/urandom >"$1"
	"$EXPUNGE" run "$1" --level clear --confirm "$1" --out "$2" --state state --json \
		"${@:4}" >run.json 2>/dev/null
	jq -r ".results[0].record | \"$2/\" + ." run.json
}

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
for who in Val:validator Site:site; do
	cert keys person ca --name "${who%:*}" --role "${who#*:}" --no-passphrase >/dev/null
done
record=$(run_on disk.img done.d 2097152 --key ca/performer.key --cert ca/performer.pem)
val=(--key ca/validator.key --cert ca/validator.pem --state vstate)

# --- a decision
"$EXPUNGE" verify disk.img --record "$record" --json >reading.json
is 'the reading is of this record' "$(jq -r .record_sha256 reading.json)" "$(sha256sum "$record" | cut -d ' ' -f 1)"
sum=$(cat "$record" "$record.p7s" | sha256sum)
exits 'validate accepts' 0 cert validate "$record" --decision accept --readback reading.json --remarks 'read by me' \
	--title Auditor --trust ca/root.pem "${val[@]}" --json
id=$(jq -r .id out)
is 'the record stays as it was' "$(cat "$record" "$record.p7s" | sha256sum)" "$sum"
check 'the decision stands beside it, signed, with its place in the log' \
	test -f "done.d/$id.json" -a -f "done.d/$id.json.p7s" -a -f "done.d/$id.tlog-proof"
is 'it names the bytes' "$(jq -r .subject.sha256 "done.d/$id.json")" "$(sha256sum "$record" | cut -d ' ' -f 1)"
is 'it holds what was read, at places of its own' \
	"$(jq -r '[.evidence[].readback.seed_mode] | last' "done.d/$id.json")" validator
is 'which are not those of the record' "$(jq -r '.evidence[].readback.seed // empty' "done.d/$id.json" "$record" | sort -u | wc -l)" 2
exits 'it is shown' 0 cert show "done.d/$id.json"
check 'as a decision' has 'decision  *accept'
check 'with what had to be weighed' has 'people and tools  *no program can see that'
openssl cms -verify -binary -cades -content "done.d/$id.json" -in "done.d/$id.json.p7s" -inform DER \
	-CAfile ca/root.pem -out /dev/null 2>/dev/null
is 'stock openssl accepts its signature' $? 0

# --- verify
exits 'both together fill the role' 0 cert verify done.d --trust ca/root.pem --require-role validator --json
is 'the record says who accepted it' \
	"$(jq -r '.results[] | select(.kind == "sanitization").validations[0] | [.decision, .role, .name] | join(" ")' out)" \
	'accept validator Val'
exits 'for people, too' 0 cert verify done.d --trust ca/root.pem
check 'with the name' has '^  accepted  by validator Val, in record'
exits 'the record alone has no validator' 3 cert verify "$record" --trust ca/root.pem --require-role validator
exits 'the decision alone is indeterminate' 2 cert verify "done.d/$id.json" --trust ca/root.pem --json
is 'with its code' "$(codes | grep -c I_SUBJECT_MISSING)" 1
exits 'each stands in its log' 0 cert verify "done.d/$id.json" "$record" --trust ca/root.pem
exits 'the log of the validator has the decision' 0 cert log verify vstate --log-key vstate/log.vkey --json
is 'as a record' "$(jq -r .entries.records out)" 1

# --- who may not
exits 'a performer is no validator' 64 cert validate "$record" --decision accept --key ca/performer.key \
	--cert ca/performer.pem --state vstate
printf '[req]\ndistinguished_name = dn\n[dn]\n' >self.cnf
openssl req -config self.cnf -x509 -new -key ca/performer.key -subj '/CN=Somebody Else' -days 30 -out self.pem \
	-addext basicConstraints=critical,CA:FALSE \
	-addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=emailProtection,1.3.6.1.5.5.7.3.36 2>req.err
exits 'nobody decides about their own work, whatever the certificate says' 1 cert validate "$record" --decision accept \
	--key ca/performer.key --cert self.pem --state vstate
check 'and is told so' says 'your own work'
openssl req -config self.cnf -x509 -new -key ca/validator.key -subj '/CN=ALICE' -days 30 -out namesake.pem \
	-addext basicConstraints=critical,CA:FALSE \
	-addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=emailProtection,1.3.6.1.5.5.7.3.36 2>req.err
before_namesake=$(find done.d -name '*.json' | wc -l)
exits 'nor a namesake, where nothing tells two people apart' 1 cert validate "$record" --decision accept \
	--key ca/validator.key --cert namesake.pem --state nstate
check 'and is told so' says 'neither a number'
is 'and no record is made' "$(find done.d -name '*.json' | wc -l)" "$before_namesake"
fp() { openssl x509 -in "$1" -outform DER | sha256sum | cut -c 1-64; }
roster() {
	printf '{"roster":[{"cert_sha256":"%s","person":"%s","role":"validator"},' "$(fp namesake.pem)" "$1"
	printf '{"cert_sha256":"%s","person":"P","role":"performer"}]}' "$(fp ca/performer.pem)"
} >roles.json
roster P
exits 'a roster that says it is the performer does not' 1 cert validate "$record" --decision reject --key ca/validator.key \
	--cert namesake.pem --state nstate --roles roles.json
check 'as their own work' says 'your own work'
roster V
exits 'a roster that says who it is lets them decide' 0 cert validate "$record" --decision reject --key ca/validator.key \
	--cert namesake.pem --state nstate --roles roles.json --out namesake.d
exits 'a validator is no site' 64 cert endorse done.d --key ca/validator.key --cert ca/validator.pem --state vstate
exits 'a decision is needed' 64 cert validate "$record" "${val[@]}"
exits 'one that exists' 64 cert validate "$record" --decision perhaps "${val[@]}"
exits 'a key is needed' 64 cert validate "$record" --decision accept
exits 'a record is needed' 66 cert validate nowhere.json --decision accept "${val[@]}"
exits 'a decision is not decided about' 64 cert validate "done.d/$id.json" --decision accept "${val[@]}"
mkdir bad.d && cp "$record.p7s" bad.d/a.json.p7s
sed 's/"level":"clear"/"level":"purge"/' "$record" >bad.d/a.json
exits 'a forged record cannot be accepted' 1 cert validate bad.d/a.json --decision accept "${val[@]}"
check 'and it says why' says 'E_CONTENT_DIGEST'
is 'nothing was written' "$(find bad.d -type f | wc -l)" 2
exits 'it can be rejected' 0 cert validate bad.d/a.json --decision reject "${val[@]}"

# --- readings that do not fit
jq '.record_sha256 = "'"$(printf '0%.0s' {1..64})"'"' reading.json >other.json
exits 'a reading of another record' 64 cert validate "$record" --decision accept --readback other.json "${val[@]}"
jq '.verdict = "residue"' reading.json >residue.json
exits 'residue cannot be accepted' 1 cert validate "$record" --decision accept --readback residue.json "${val[@]}"
jq '.evidence[0].phase = "erase"' reading.json >odd.json
exits 'a reading that is none' 64 cert validate "$record" --decision accept --readback odd.json "${val[@]}"
exits 'a file that is no reading' 64 cert validate "$record" --decision accept --readback ca/root.pem "${val[@]}"
is 'none of these left a record' "$(find done.d -name '*.json' | wc -l)" 2

# --- another decision
exits 'a rejection that takes the place of the acceptance' 0 cert validate "$record" --decision reject \
	--remarks 'the seal was broken' --supersedes "done.d/$id.json" "${val[@]}" --json
reject=$(jq -r .id out)
exits 'it weighs' 3 cert verify done.d --trust ca/root.pem --json
is 'with its code' "$(codes | grep -c P_REJECTED)" 1
exits 'an acceptance after it' 0 cert validate "$record" --decision accept --supersedes "done.d/$reject.json" "${val[@]}"
exits 'takes its place in turn' 0 cert verify done.d --trust ca/root.pem --require-role validator
exits 'only a decision can be replaced' 64 cert validate "$record" --decision accept --supersedes "$record" "${val[@]}"

# --- hosts and their site
host=$(run_on host.img host.d)
site=(--key ca/site.key --cert ca/site.pem --state vstate)
exits 'a host is believed by nobody' 2 cert verify "$host" --trust ca/root.pem
exits 'its site vouches for it' 0 cert endorse host.d "${site[@]}" --trust state/host.crt
check 'and says so' has '^1 endorsed, 0 not signed by a host alone, 0 refused$'
exits 'then it is believed' 0 cert verify host.d --trust ca/root.pem --require-role site --json
is 'by way of the site' "$(codes | grep -c W_HOST_ENDORSED)" 1
exits 'records of people are passed over' 0 cert endorse done.d "${site[@]}" --json
is 'all of them' "$(jq -r '[(.endorsed | length), .refused] | join(" ")' out)" '0 0'
cp "$host.p7s" bad.d/b.json.p7s
sed 's/"level":"clear"/"level":"purge"/' "$host" >bad.d/b.json
exits 'what does not hold is refused' 1 cert endorse bad.d "${site[@]}" --json
exits 'an empty folder' 66 cert endorse ca/issued "${site[@]}"

# --- twice the same
cp -r done.d twice.d && cp -r done.d twice.d/again
before=$(cert verify done.d --trust ca/root.pem --json | jq -r .passed)
cert verify twice.d --trust ca/root.pem --json >out
is 'a record that lies there twice counts once' "$(jq -r '[.passed, .duplicates] | join(" ")' out)" "$before $before"
exits 'a forged copy beside a good record does not spoil it' 1 cert verify "$record" bad.d --trust ca/root.pem --json
is 'the good one passes' "$(jq -r '.results[0].verdict' out)" passed
is 'no clash is seen' "$(codes | grep -c E_ID_TWICE)" 0
done_testing
