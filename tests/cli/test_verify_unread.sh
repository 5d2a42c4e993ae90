#!/usr/bin/env bash
# A folder below the one that is verified cannot be read: all else is checked, it is named, and nothing passes.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
says() { grep -q "$1" "${TMPDIR}/err"; }
# COMMAND...: as somebody to whom modes apply
bound() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}
cert() { bound "$EXPUNGE_CERT" "$@"; }

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
cert keys person ca --name Site --role site --no-passphrase >/dev/null
for n in 1 2 3; do
	head -c 65536 /dev/urandom >disk$n.img
	"$EXPUNGE" run disk$n.img --level clear --confirm disk$n.img --key ca/performer.key --cert ca/performer.pem \
		--state state --out done.d/$n >/dev/null 2>&1
done
exits 'all can be read' 0 cert verify done.d --trust ca/root.pem --json
is 'the document says so' "$(jq -c '[.passed, .unread]' out)" '[3,[]]'
chmod 000 done.d/2
if [ -n "$(bound ls done.d/2 2>/dev/null)" ]; then
	skip 'a folder that cannot be read' 'modes do not apply here'
	chmod 755 done.d/2
	done_testing
fi
exits 'one folder cannot be' 66 cert verify done.d --trust ca/root.pem --json
is 'the others are checked' "$(jq -c '[.passed, .exit, (.results | length)]' out)" '[2,66,2]'
is 'it is named, with the reason' "$(jq -r '.unread[] | .path + " " + .text' out)" \
	'done.d/2 done.d/2: what is in it was not checked: Permission denied'
check 'also on standard error' says 'done.d/2: what is in it was not checked: Permission denied'
exits 'for people' 66 cert verify done.d --trust ca/root.pem
check 'it is counted' grep -q '^2 records: 2 passed; 1 could not be read' out
exits 'by line' 66 cert verify done.d --trust ca/root.pem --jsonl
is 'one each' "$(jq -rs 'map(.verdict) | join(" ")' out)" 'passed passed'
exits 'as a summary' 66 cert verify done.d --trust ca/root.pem --summary
exits 'a folder that was named itself' 66 cert verify done.d/2 --trust ca/root.pem
mv done.d/1 done.d/3 .
exits 'nothing can be read' 66 cert verify done.d --trust ca/root.pem --json
is 'and nothing has passed' "$(jq -c '[.passed, (.results | length), (.unread | length)]' out)" '[0,0,1]'
mv 1 3 done.d
chmod 644 done.d/2
exits 'one whose things cannot be looked at' 66 cert verify done.d --trust ca/root.pem --json
is 'names each of them' "$(jq -r '.unread | length' out)" "$(find done.d/2 -type f | wc -l)"
is 'the others are checked then, too' "$(jq -r .passed out)" 2
sig=$(find done.d/1 -name '*.p7s')
cp "$sig" sig
printf 'x' >>"$sig"
exits 'what fails beside it is worse' 1 cert verify done.d --trust ca/root.pem
cp sig "$sig"
exits 'a site vouches for the rest' 66 cert endorse done.d --key ca/site.key --cert ca/site.pem --state sstate --json
is 'and says what it did not see' "$(jq -c '[.endorsed, .passed_over, (.refusals | length)]' out)" \
	"[[],2,$(find done.d/2 -type f | wc -l)]"
chmod 755 done.d/2

# --- deeper than anybody looks
deep=done.d/2
for n in {1..16}; do deep=$deep/$n; done
mkdir -p "$deep"
cp done.d/1/*.json* "$deep"
exits 'folders in folders in folders' 66 cert verify done.d --trust ca/root.pem --json
is 'are named from where they are too deep' "$(jq -r '.unread[].path' out)" "$deep"
is 'and the rest is checked' "$(jq -r .passed out)" 3
done_testing
