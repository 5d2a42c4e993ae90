#!/bin/bash
# The whole way once, on a disk image that it makes itself: list, plan, run, verify, check the
# certificate with both programs, and see a forged one fail. Needs no root and touches no drive.
# Usage: tests/demo.sh [FOLDER]   results go there (default build/demo; it is made anew)
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build/release}
out=${1:-build/demo}
PATH=$PWD/$B:$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8
begin=$SECONDS

if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
	bold='' dim='' plain=''
fi

die() {
	printf '\n%sdemo: %s%s\n' "$bold" "$*" "$plain" >&2
	exit 1
}

tell() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# shows EXPECTED-EXIT-CODE COMMAND...: the command, its output, and that it ended as it should
shows() {
	local want=$1 rc
	shift
	printf '%s$ %s%s\n' "$dim" "${*@Q}" "$plain" | sed "s/'\([A-Za-z0-9_.\/=-]*\)'/\1/g"
	"$@" 2>&1
	rc=$?
	[[ " $want " == *" $rc "* ]] || die "that ended with exit code $rc instead of $want"
	[ "$rc" -eq 0 ] || printf '%s(exit code %d, as it should be)%s\n' "$dim" "$rc" "$plain"
}

for program in mke2fs openssl expunge expunge-cert; do
	command -v "$program" >/dev/null || die "$program is missing: make deps installs it"
done

# a folder of our own: an older one of this script is taken away, anything else is left alone
if [ -e "$out" ]; then
	[ -e "$out/.expunge-demo" ] || die "$out is there already and not of this script's making"
	rm -rf -- "$out"
fi
mkdir -p "$out/files" && touch "$out/.expunge-demo" && cd "$out" || exit 1
here=$PWD

tell '1. A disk image of 512 MiB with a file system and real files in it'
for i in $(seq 1 400); do
	printf 'customer %04d;IBAN DE%020d;Secret-Marker-7391;card %016d\n' "$i" "$((i * 7919))" "$((i * 104729))"
done >files/customers.csv
cp -r "$OLDPWD"/docs "$OLDPWD"/base files/ 2>/dev/null
cp -r /usr/share/common-licenses files/ 2>/dev/null
shows 0 mke2fs -q -t ext4 -L CUSTOMERS -d files disk.img 512M
rm -rf files
printf 'The marker of its files is found %d times in the image.\n' "$(grep -c -a Secret-Marker-7391 disk.img)"

tell '2. What drives does this host have, and what uses them? (only looking)'
shows '0 6' expunge list

tell '3. The plan: what would be done, what it destroys, what may be claimed afterwards'
shows 0 expunge plan disk.img --level clear

tell '4. Nothing happens without the right confirmation'
before=$(sha256sum <disk.img)
shows 4 expunge run disk.img --level clear --confirm another.img --state state --out out
[ "$before" = "$(sha256sum <disk.img)" ] || die 'the refused run changed the image'
echo 'Not a byte of it was changed.'

tell '5. A key to sign with: a root certificate of this demo and a person that it vouches for'
head -c 18 /dev/urandom | base64 >passphrase
chmod 600 passphrase
shows 0 expunge-cert keys setup keys --organization 'Demo Datacenter' --name 'Kim Technician' --passphrase-file passphrase

tell '6. The run: confirmed by name, overwritten, read back, signed'
shows 0 expunge run disk.img --level clear --confirm disk.img \
	--key keys/performer.key --cert keys/performer.pem \
	--passphrase-file passphrase --state state --out out
record=$(find out -name '*.json' | head -n 1)
if [ -z "$record" ] || [ ! -e "$record.p7s" ]; then
	die 'no record was written'
fi
printf 'The marker is found %d times now.\n' "$(grep -c -a Secret-Marker-7391 disk.img)"

tell '7. Read the image again, from the record, at any later time'
shows 0 expunge verify disk.img --record "$record"

tell '8. The auditor checks the certificate: no root, no drive, another program'
shows 0 expunge-cert verify "$record" --trust keys/root.pem --crl keys/root.crl

tell '9. The same signature, checked by stock OpenSSL'
shows 0 openssl cms -verify -binary -cades -content "$record" -in "$record.p7s" -inform DER -CAfile keys/root.pem -out /dev/null

tell '10. One bit of a copy is flipped: it no longer verifies'
mkdir flipped forged
cp "$record" "$record.p7s" flipped/
flipped=flipped/${record##*/}
byte=$(od -An -tu1 -j1000 -N1 "$flipped")
printf '%b' "\\x$(printf %02x $((byte ^ 1)))" | dd of="$flipped" bs=1 seek=1000 conv=notrunc status=none
shows 1 expunge-cert verify "$flipped" --trust keys/root.pem --crl keys/root.crl

tell '11. Somebody turns "clear" into "purge": the evidence does not support it, and the signature does not fit'
cp "$record" "$record.p7s" forged/
forged=forged/${record##*/}
sed -i 's/"level":"clear"/"level":"purge"/' "$forged"
shows 1 expunge-cert verify "$forged" --trust keys/root.pem --crl keys/root.crl

tell "Done in $((SECONDS - begin)) s. What it made stands in $here:"
for f in disk.img "$record" "$record.p7s" keys/root.pem flipped forged; do
	printf '  %s\n' "$f"
done
