#!/usr/bin/env bash
# make static: expunge-cert as one file that runs where there is nothing else.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
umask 022

if [ "$B" != build/release ]; then
	skip 'a static expunge-cert' 'built in release only'
	done_testing
fi
exits 'make static' 0 make --no-print-directory static
bin=$PWD/$B/expunge-cert-static
cd "${TMPDIR:?}" || exit 1
check 'it needs no library' sh -c '! readelf -d "$1" | grep -q NEEDED' sh "$bin"
check 'nor an interpreter' sh -c '! readelf -l "$1" | grep -q INTERP' sh "$bin"
is 'it is the same program' "$("$bin" --version)" "$("$EXPUNGE_CERT" --version)"

"$EXPUNGE_CERT" keys setup ca --organization O --name N --no-passphrase >/dev/null
head -c 1048576 /dev/urandom >disk.img
"$EXPUNGE" run disk.img --level clear --confirm disk.img --key ca/performer.key --cert ca/performer.pem \
	--out bare --state state --json >run.json 2>/dev/null
cp "$bin" bare/expunge-cert
cp ca/root.pem bare/root.pem
cp state/log.vkey bare/log.vkey
record=$(jq -r '.results[0].record' run.json)
exits 'it checks a record' 0 "$bin" verify "bare/$record" --trust ca/root.pem --log-key state/log.vkey
if [ "$(id -u)" -eq 0 ] && chroot bare /expunge-cert --version >/dev/null 2>&1; then
	exits 'also where there is nothing else' 0 chroot bare /expunge-cert verify "/$record" --trust /root.pem \
		--log-key /log.vkey --json
	is 'and says the same' "$(jq -r '.results[0].verdict' out)" passed
	sed -i 's/"level":"clear"/"level":"purge"/' "bare/$record"
	exits 'of a forged one, too' 1 chroot bare /expunge-cert verify "/$record" --trust /root.pem
else
	skip 'also where there is nothing else' 'needs root and chroot'
fi
exits 'a key on a token is refused with a reason' 66 "$bin" validate "bare/$record" --decision reject --cert ca/performer.pem \
	--key 'pkcs11:object=x' --pkcs11-module /usr/lib/nowhere.so --state vstate
done_testing
