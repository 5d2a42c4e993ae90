#!/usr/bin/env bash
# A good key in bad hands: records that are changed and signed again, by rogue_sign, and what verify
# finds of each. Stock programs are content with all of them.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
rogue=$PWD/$B/rogue_sign
root=$PWD
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
cert keys person ca --name Val --role validator --no-passphrase >/dev/null
truncate -s 64M rogue.img
"$EXPUNGE" run rogue.img --level clear --confirm rogue.img --verify sample --key ca/performer.key \
	--cert ca/performer.pem --state state --out certs >/dev/null 2>&1
record=$(find certs -name '*.json')
"$EXPUNGE" verify rogue.img --record "$record" --json >reading.json 2>/dev/null
cert validate "$record" --decision accept --readback reading.json --key ca/validator.key --cert ca/validator.pem \
	--state vstate --trust ca/root.pem --json >v.json
validation=certs/$(jq -r .id v.json).json
exits 'both are good' 0 cert verify certs --trust ca/root.pem

# one line a lie: name, code, and what jq makes of the record
mkdir lies
seed=$(jq -r '[.evidence[].readback.seed // empty] | first' "$record")
redigest() {
	local sum
	sum=$(jq -cjS .policy.document "$1" | sha256sum | cut -d ' ' -f 1)
	jq -cjS --arg sum "$sum" '.policy.sha256 = $sum' "$1" >re.json && mv re.json "$1"
}
lies() {
	local name code filter id
	while IFS='|' read -r name code filter; do
		[ -n "$name" ] || continue
		id=$(printf '01a20000-0000-7000-8000-%012d' "$(wc -l <wanted)")
		jq -cjS --arg seed "$seed" --arg id "$id" ".id = \$id | $filter" "$1" >"lies/$name.json" || not_ok "jq: $name"
		# whoever swaps the policy writes its new digest, too
		case $name in policy*) redigest "lies/$name.json" ;; esac
		printf '%s %s\n' "$name" "$code" >>wanted
	done
}
: >wanted
lies "$record" <<'EOF'
above|E_CLAIM_ABOVE_EVIDENCE|.claim.level = "purge" | .claim.cap = "purge" | .method = "purge"
above-scope|E_CLAIM_ABOVE_EVIDENCE|.claim.scope = "drive"
above-reason|E_CLAIM_ABOVE_EVIDENCE|.claim.reasons |= map(select(.code != "no-drive-in-sight"))
above-destroy|E_CLAIM_ABOVE_EVIDENCE|.method = "destroy"
differs|E_CLAIM_DIFFERS|.claim.reasons += [{"code":"cap-2","rule":0,"text":"less"}]
wording|I_CLAIM_WORDING|.claim.reasons[1].text = "the drive itself"
outcome|E_KIND_OUTCOME|.kind = "failure"
asked|E_ASKED|.accepted = "purge"
supersedes|E_SUPERSEDES|.supersedes = {"id": .id, "sha256": ("0" * 64)}
text|E_TEXT_FORBIDDEN|.tenant = "NIST-approved"
host|E_HOST|.host.hidden = [{"controller":"c","reason":"r"}] | .host.complete = "yes"
clock|E_CLOCK|.clock.synchronized = true | .clock.state = "no"
written|E_CLAIM_ABOVE_EVIDENCE|.evidence[1].overwrite.bytes_written = "67108352"
residue|E_CLAIM_ABOVE_EVIDENCE|.evidence[2].readback.mismatch_blocks = "1" | .verification.mismatch_blocks = "1" | del(.verification.residue_bound_ppb) | .evidence[2].readback.mismatches = [{"offset":"0","length":"512","found":("00" * 16),"kind":"data"}]
figures|E_VERIFICATION|.evidence[2].readback.extents = 16385 | .verification.extents = 16385 | .verification.residue_bound_ppb = {"p95":182818,"p99":281021,"p999":421502}
coverage|E_VERIFICATION|.evidence[2].readback.coverage_ppm = 999999 | .verification.coverage_ppm = 999999
bound|E_RECORD_DERIVED|.verification.residue_bound_ppb.p95 = 1
twin|E_EVIDENCE_IDENTITY|.evidence[2].identity.inode = "1"
drive|E_EVIDENCE_IDENTITY|(.media, .evidence[].identity).serial = "S-1"
raw|E_EVIDENCE_RAW|.evidence[0].identity.raw = [{"kind":"nvme-log","arg":2,"data":("00" * 128 + "ff" + "00" * 383)}] | .evidence[3].identity.raw = [{"kind":"nvme-log","arg":2,"data":("00" * 512)}]
media|E_EVIDENCE_MEDIA|.capacity.current_bytes = "512"
time|E_EVIDENCE_TIME|.evidence[1].end = "2020-01-01T00:00:00Z"
drift|W_EVIDENCE_TIME|.evidence[3].end_ns = "99999999999999999"
extents|E_EVIDENCE_EXTENTS|.evidence[2].readback.read_errors = {"count":"1","bytes":"512","list":[]} | .verification.read_error_bytes = "512" | del(.verification.residue_bound_ppb)
policy|E_POLICY_SWAPPED|.policy.document.level = "clear"
policy-none|E_POLICY|.policy.document.caps["overwrite-zero"].virtual = "all"
policy-own|W_POLICY_OWN|.policy.document.name = "own" | .policy.name = "own" | .claim.reasons[0].text |= sub("nist-800-88r2"; "own")
nobody|E_SIGNERS|.signers = []
role|E_ROLE_NOT_GRANTED|.signers[0].role = "host" | .persons[0].role = "host"
person|E_PERSON_MISMATCH|.persons[0].name = "Mallory"
approver|E_PERSON_DID_NOT_SIGN|.persons += [{"name":"Val","role":"validator"}]
absent|W_PERSON_DID_NOT_SIGN|.persons += [{"name":"stick","role":"host"}]
house|W_PERSON_UNVOUCHED|.persons[0].organization = "Another"
schema|I_SCHEMA_UNKNOWN|.schema = "expunge-record/2"
kind|I_KIND_UNKNOWN|.kind = "custody"
rules|I_RULES_UNKNOWN|.claim.rules = "expunge-claim/2"
crit|I_CRIT_UNKNOWN|.ext = {"org.example.x":{"a":1}} | .crit = ["org.example.x"]
missing|E_SCHEMA_MISSING_KEY|del(.tool)
unknown|E_SCHEMA_UNKNOWN_KEY|.sanitized = true
type|E_SCHEMA_TYPE|.cancelled = "no"
value|E_SCHEMA_VALUE|.outcome = "wonderful"
range|E_SCHEMA_RANGE|.evidence[0].take = 4294967296
long|E_SCHEMA_STRING_TOO_LONG|.tenant = ("x" * 200)
null|E_JSON_NULL|.tenant = null
number|E_JSON_NUMBER|.clock.x = 0.5
string|E_JSON_STRING|.tenant = "a‮b"
key|E_JSON_KEY|."ä" = 1
root|E_JSON_ROOT|[.]
backdated|W_SIGNED_LATE|(.issued, .evidence[].start, .evidence[].end) |= (fromdate - 3456000 | todate)
began-early|W_DATES|(.evidence[].start, .evidence[].end) |= (fromdate - 259200 | todate)
mixed|W_TEXT_MIXED|.tenant = "\u0410CME"
EOF
lies "$validation" <<'EOF'
seed|E_SEED|.evidence[-1].readback.seed = $seed
own|E_SUBJECT|.subject.id = .id
another|E_SUBJECT_DIFFERS|.subject.signatures[0].sha256 = ("1" * 64)
early|E_SUBJECT_TIME|.issued = "2020-01-01T00:00:00Z" | .evidence[] |= (.start = "2020-01-01T00:00:00Z" | .end = .start)
decision|E_DECISION|.evidence[-1].readback |= (.mismatch_blocks = "1" | .mismatches = [{"offset":"0","length":"512","found":("00" * 16),"kind":"data"}]) | .verification.mismatch_blocks = "1" | del(.verification.residue_bound_ppb)
EOF
# an honest record of a failure is authentic, and not what is asked for
aborted=$root/tests/fuzz/corpus/record/good-aborted.json
lies "$aborted" <<EOF
aborted|P_KIND|.signers = $(jq -c .signers "$record") | .persons = $(jq -c .persons "$record")
stopped|P_OUTCOME|.signers = $(jq -c .signers "$record") | .persons = $(jq -c .persons "$record")
unset|W_CLOCK|.signers = $(jq -c .signers "$record") | .persons = $(jq -c .persons "$record")
EOF

# what jq cannot write
also() { printf '%s %s\n' "$1" "$2" >>wanted; }
{ cat "$record" && echo; } >lies/newline.json && also newline E_JSON_NOT_CANONICAL
sed 's/"asked":"clear"/&,"asked":"clear"/' "$record" >lies/again.json && also again E_JSON_DUPLICATE_KEY
head -c 900 "$record" >lies/cut.json && also cut E_JSON_SYNTAX
: >lies/empty.json && also empty E_JSON_SIZE
printf '%s' '{"schema":"expunge-record/1","x":'{\[,\[,\[,\[}{\[,\[,\[,\[,\[} | tr -d ' ' >lies/deep.json && also deep E_JSON_DEPTH
jq -cjS '[range(600) | {"key": "x\(.)", "value": 1}] | from_entries' "$record" >lies/many.json && also many E_MORE_FINDINGS

"$rogue" ca/performer.key ca/performer.pem lies/*.json
for name in seed own another early decision; do
	"$rogue" ca/validator.key ca/validator.pem "lies/$name.json"
done
cert verify lies "$record" --trust ca/root.pem --crl ca/root.crl --jsonl >lines
jq -r '(.file | split("/") | last | rtrimstr(".json")) as $n | .verdict as $v | .findings[] | "\($n) \(.code) \($v)"' lines >found
while read -r name code; do
	verdict=$(sed -n "s/^$name $code //p" found | head -n 1)
	case $code in
	E_*) is "$name: $code" "$verdict" failed ;;
	I_*) check "$name: $code, and it does not pass" test "$verdict" = indeterminate -o "$verdict" = failed ;;
	P_* | W_CLOCK) is "$name: $code" "$verdict" policy ;;
	*) is "$name: $code, and it passes" "$verdict" passed ;;
	esac
done <wanted
is 'nobody else is the worse for it: the good one passes' "$(jq -r --arg f "$record" 'select(.file == $f).verdict' lines)" passed

# --- two records of one id, both signed by one who may
mkdir twice && cp "$record" "$record.p7s" twice
jq -cjS '.tenant = "t-2"' "$record" >twice/x.json
"$rogue" ca/performer.key ca/performer.pem twice/x.json
exits 'two records of one id fail' 1 cert verify twice --trust ca/root.pem --crl ca/root.crl --json
is 'both of them, with their code: E_ID_TWICE' \
	"$(jq -r '.results[] | select(.verdict == "failed" and .exit == 1).findings[].code' out | grep -c E_ID_TWICE)" 2
is 'each names both' "$(jq -r '.results[].findings[] | select(.code == "E_ID_TWICE").text' out | grep -c ': twice/.*json and twice/.*json$')" 2
is 'none of them is counted as passed' "$(jq -r '[.passed, .failed] | join(" ")' out)" '0 2'
exits 'by drive neither vouches for its drive' 1 cert verify twice --trust ca/root.pem --crl ca/root.crl --json --summary
is 'as the drives say' "$(jq -r '[.drives[].verdict] | unique | join(" ")' out)" failed
exits 'line by line' 1 cert verify twice --trust ca/root.pem --crl ca/root.crl --jsonl
is 'the later one names both' "$(jq -r '.findings[] | select(.code == "E_ID_TWICE").text' out | wc -l)" 1
check 'and both are told in the end' grep -q 'E_ID_TWICE: .*twice/.*json and twice/.*json' err

# ... however often one of them is there: a copy was met before the other record was
copy=twice/$(basename "$record" .json)-copy.json
cp "$record" "$copy" && cp "$record.p7s" "$copy.p7s"
exits 'beside a copy of one they fail' 1 cert verify "twice/$(basename "$record")" "$copy" twice/x.json --trust ca/root.pem \
	--crl ca/root.crl --json
is 'the copy, too' "$(jq -r '[.results[].verdict] | join(" ")' out)" 'failed failed failed'
is 'by its code' "$(jq -r '.results[] | select(.findings[].code == "E_ID_TWICE").file' out | wc -l)" 3

# --- who approves of a lie
jq -cjS --arg sum "$(sha256sum <lies/above.json | cut -d ' ' -f 1)" --arg sig \
	"$(jq -r 'select(.file == "lies/above.json").signers[0].signature_sha256' lines)" \
	'.subject.sha256 = $sum | .subject.signatures[0].sha256 = $sig' "$validation" >approved.json
"$rogue" ca/validator.key ca/validator.pem approved.json
cert verify approved.json lies/above.json --trust ca/root.pem --crl ca/root.crl --json >out.json
is 'who accepts a lie is told so: P_SUBJECT' \
	"$(jq -r '.results[] | select(.kind == "validation").findings[].code' out.json | grep -c P_SUBJECT)" 1

# --- and the stock program
bad=0
while read -r name _; do
	openssl cms -verify -binary -cades -content "lies/$name.json" -in "lies/$name.json.p7s" -inform DER \
		-CAfile ca/root.pem -out /dev/null 2>/dev/null || bad=$((bad + 1))
done <wanted
is 'stock openssl is content with every one of them' "$bad" 0
done_testing
