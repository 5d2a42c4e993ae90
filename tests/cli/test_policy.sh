#!/usr/bin/env bash
# By whose table a level was earned: an organization's own policy makes a purge of what is a clear to all
# others, and verify takes that word only from who accepts it.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
rogue=$PWD/$B/rogue_sign
frozen=$PWD/tests/data/frozen/0.1.0-drives
policies=$PWD/docs/policies
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
codes() { jq -r '[.results[].findings[].code | select(startswith("P_"))] | unique | join(" ")' out; }

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
head -c 65536 /dev/urandom >disk.img
"$EXPUNGE" run disk.img --level clear --confirm disk.img --key ca/performer.key --cert ca/performer.pem \
	--state state --out certs >/dev/null 2>&1
record=$(find certs -name '*.json')
enhanced=$(grep -l '"technique":"ata-secure-erase-enhanced"' "$frozen"/*.json | head -n 1)

# --- a plain security erase of a disk, of which an own policy says that it purges
mkdir lies
jq -cjS --slurpfile honest "$record" '.signers = $honest[0].signers | .persons = $honest[0].persons' "$enhanced" >lies/honest.json
jq -cjS '(.technique, .claim.technique, (.evidence[] | select(.technique)).technique) = "ata-secure-erase"
	| .id = "01a20000-0000-7000-8000-000000000001" | (.policy.name, .policy.document.name) = "house-rules"
	| .policy.document.caps["ata-secure-erase"].hdd = "purge"' lies/honest.json >lie.json
jq -cjS .policy.document lie.json >house.json
jq -cjS --arg sum "$(sha256sum <house.json | cut -d ' ' -f 1)" '.policy.sha256 = $sum' lie.json >lies/house.json
"$rogue" ca/performer.key ca/performer.pem lies/*.json
check_it() { cert verify "lies/$1.json" --trust ca/root.pem --crl ca/root.crl --json "${@:2}"; }

exits 'the honest one is a purge' 0 check_it honest --require-level purge
exits 'the other one is authentic' 0 check_it house
is 'with a word about its policy' "$(jq -r '[.results[].findings[].code] | map(select(. == "W_POLICY_OWN")) | unique[]' out)" W_POLICY_OWN
exits 'where a purge is required it is none' 3 check_it house --require-level purge
is 'by its code' "$(codes)" P_POLICY
check 'which says what it would be' grep -q 'by nist-800-88r2 the evidence gives clear' out
exits 'a clear it is to everybody' 0 check_it house --require-level clear
exits 'whoever accepts that policy takes its word' 0 check_it house --require-level purge --policy house.json
jq . house.json >spelled.json
exits 'in whatever spelling' 0 check_it house --require-level purge --policy nist-800-88r2 --policy spelled.json
jq -c '.title = "Other rules"' house.json >other.json
exits 'but of no other one under its name' 3 check_it house --require-level purge --policy other.json
is 'by the same code' "$(codes)" P_POLICY
exits 'who names policies wants no others' 3 check_it house --policy nist-800-88r2

# --- those that came with the program, in the forms of their time
exits 'ours by its name' 0 check_it honest --policy nist-800-88r2
exits 'not by that of another' 3 check_it honest --policy nist-800-88r1
is 'by its code, too' "$(codes)" P_POLICY
exits 'ours of today by its file' 0 cert verify "$record" --trust ca/root.pem --policy "$policies/nist-800-88r2.json"

# --- an own one that asks for less than ours
jq '.name = "no-look" | .verification = {"mode": "none"}' "$policies/nist-800-88r2.json" >nolook.json
head -c 65536 /dev/urandom >other.img
"$EXPUNGE" run other.img --level clear --confirm other.img --policy nolook.json --key ca/performer.key \
	--cert ca/performer.pem --state state --out looked >/dev/null 2>&1
unread=$(find looked -name '*.json')
exits 'nothing was read back: by that policy it is a clear' 0 cert verify "$unread" --trust ca/root.pem
exits 'by ours it is not' 3 cert verify "$unread" --trust ca/root.pem --require-level clear --require-scope logical-unit
check 'by the code' grep -q P_POLICY out

exits 'a policy that is none' 64 check_it honest --policy ca/root.pem
exits 'a policy that is not there' 66 check_it honest --policy nowhere.json

# --- a drive that was purged, used again, and cleared: what is claimed of it is what was done last
mkdir twice
cp lies/honest.json twice/old.json
later() { jq -cjS --arg id "$1" '.id = $id | def late: (fromdate + 120) | todate; .issued |= late
	| .evidence[] |= (.start |= late | .end |= late)' "$2"; }
later 01a20000-0000-7000-8000-000000000002 lies/honest.json | jq -cjS '(.technique, .claim.technique,
	(.evidence[] | select(.technique)).technique) = "ata-secure-erase" | (.asked, .accepted, .method, .claim.cap,
	.claim.level) = "clear" | .claim.reasons |= [{"code": "cap", "rule": 0,
	"text": "the policy nist-800-88r2 gives clear at most for ata-secure-erase on hdd media"}] + .' >twice/new.json
"$rogue" ca/performer.key ca/performer.pem twice/*.json
exits 'both are good' 0 cert verify twice --trust ca/root.pem --crl ca/root.crl --json --summary
is 'of one drive' "$(jq -r '[.passed, (.drives | length)] | join(" ")' out)" '2 1'
is 'which is clear, whatever it was' "$(jq -r '.drives[] | .claimed + " " + .scope' out)" 'clear drive'
later 01a20000-0000-7000-8000-000000000003 twice/new.json | jq -cjS --slurpfile old twice/old.json '. as $new
	| $old[0] | .id = $new.id | .issued = $new.issued' >twice/stale.json
rm twice/old.json*
"$rogue" ca/performer.key ca/performer.pem twice/stale.json
exits 'an old erase under a new date' 0 cert verify twice --trust ca/root.pem --crl ca/root.crl --json --summary
is 'is no later for it' "$(jq -r '.drives[].claimed' out)" clear
done_testing
