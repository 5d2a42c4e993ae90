#!/usr/bin/env bash
# expunge-cert endorse: a site vouches for the records of its own hosts, and of no others.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
says() { grep -q -e "$1" "${TMPDIR}/err"; }
figures() { jq -r '[(.endorsed | length), .passed_over, .refused, (.refusals | length)] | join(" ")' out; }
decisions() { find "$1" -name '*.json' -exec grep -l '"kind":"validation"' {} + | wc -l; }
# NAME STATE [OPTION...]: a record of an image, by that machine's own key
run_on() {
	head -c 1048576 /dev/urandom >"$1.img"
	"$EXPUNGE" run "$1.img" --level clear --confirm "$1.img" --out all.d --state "$2" --json "${@:3}" >run.json 2>/dev/null
	jq -r '.results[0].record | rtrimstr(".json")' run.json
}

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
cert keys person ca --name Site --role site --no-passphrase >/dev/null
ours=$(run_on ours us)
theirs=$(run_on theirs them)
site=(--key ca/site.key --cert ca/site.pem --state vstate)
fingerprint() { openssl x509 -in "$1" -noout -fingerprint -sha256 | sed 's/.*=//'; }
hex() { fingerprint "$1" | tr -d : | tr A-F a-f; }

# --- nobody was named
exits 'where no host was named none is vouched for' 2 cert endorse all.d "${site[@]}" --json
is 'not one of them' "$(figures)" '0 0 2 2'
is 'each is named' "$(jq -r '[.refusals[].subject] | sort | join(" ")' out)" "$(printf '%s\n' "$ours" "$theirs" | sort | xargs)"
check 'with the way out' says '--trust-fingerprint or --roles'
check 'and why' says "$ours: I_UNTRUSTED: "
is 'nothing was written' "$(decisions all.d)" 0
exits 'a root that knows neither of them' 2 cert endorse all.d "${site[@]}" --trust ca/root.pem --json
is 'helps neither' "$(figures)" '0 0 2 2'

# --- the host's own certificate
exits 'one host of two is known by its certificate' 2 cert endorse all.d "${site[@]}" --trust us/host.crt --out by-cert --json
is 'its record is vouched for, the other is refused' "$(figures)" '1 0 1 1'
is 'by name' "$(jq -r '.endorsed[0].subject, .refusals[0].subject' out | xargs)" "$ours $theirs"
check 'the file, too' test "$(jq -r '.refusals[0].file' out)" = "all.d/$theirs.json"
is 'there is one decision' "$(decisions by-cert)" 1
check 'the refusal is told in the open' says "$theirs: I_UNTRUSTED: .*not vouched for"
exits 'a verifier who trusts the site believes the one' 0 cert verify "all.d/$ours.json" by-cert --trust ca/root.pem --require-role site
exits 'and not the other' 2 cert verify "all.d/$theirs.json" by-cert --trust ca/root.pem

# --- its fingerprint, the roster
exits 'a fingerprint names a host' 2 cert endorse all.d "${site[@]}" --trust-fingerprint "$(fingerprint them/host.crt)" --out by-print --json
is 'that one' "$(jq -r '.endorsed[0].subject' out)" "$theirs"
exits 'two of them both' 0 cert endorse all.d "${site[@]}" --trust-fingerprint "$(hex them/host.crt)" \
	--trust-fingerprint "$(hex us/host.crt)" --out by-prints --json
is 'and nothing is refused' "$(figures)" '2 0 0 0'
exits 'one that is none' 64 cert endorse all.d "${site[@]}" --trust-fingerprint abc
roster() { printf '{"roster":[{"cert_sha256":"%s","person":"rack 7","role":"%s"}]}' "$(hex us/host.crt)" "$1" >roster.json; }
roster host
exits 'the roster names a host' 2 cert endorse all.d "${site[@]}" --roles roster.json --out by-roster --json
is 'that one, too' "$(jq -r '.endorsed[0].subject' out)" "$ours"
roster site
exits 'a roster that calls it something else' 2 cert endorse all.d "${site[@]}" --roles roster.json --out none --json
is 'names no host' "$(figures)" '0 0 2 2'

# --- a host that a CA vouches for
cert keys person ca --name Rack --role host --no-passphrase >/dev/null
chained=$(run_on chained us --key ca/host.key --cert ca/host.pem)
mkdir chain.d && cp "all.d/$chained".json* chain.d
exits 'a host under a root that is trusted, and its list' 0 cert endorse chain.d "${site[@]}" --trust ca/root.pem --crl ca/root.crl --json
is 'is vouched for' "$(jq -r '.endorsed[0].subject' out)" "$chained"
cert keys revoke ca --cert ca/host.pem >/dev/null
rm -rf chain.d && mkdir chain.d && cp "all.d/$chained".json* chain.d
exits 'one that is revoked' 1 cert endorse chain.d "${site[@]}" --trust ca/root.pem --crl ca/root.crl --json
check 'is refused as such' says "$chained: E_REVOKED"
is 'whatever was signed before' "$(figures)" '0 0 1 1'

# --- a forger beside them weighs more
cp "all.d/$ours.json.p7s" all.d/forged.json.p7s
sed 's/"level":"clear"/"level":"purge"/' "all.d/$ours.json" >all.d/forged.json
exits 'what does not hold weighs more than what is not known' 1 cert endorse all.d "${site[@]}" --trust us/host.crt --out last --json
check 'it has its code' says 'E_CONTENT_DIGEST'
done_testing
