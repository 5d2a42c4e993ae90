#!/bin/bash
# The scripts of docs/examples do what they say, on images.
. tests/cli/tap.sh
examples=$PWD/docs/examples
bin=$TMPDIR/bin
mkdir -p "$bin"
ln -s "$EXPUNGE" "$bin/expunge"
ln -s "$EXPUNGE_CERT" "$bin/expunge-cert"
PATH=$bin:$PATH
cd "$TMPDIR" || exit 1
head -c 1M /dev/urandom >left.img
cp left.img listed.img
was=$(sha256sum <left.img)
printf 'serial,asset_tag\nlisted.img,A-1\n' >expect.csv
export EXPUNGE_OPTIONS='--level clear --quiet'

exits "a host that has what the list names" 0 "$examples/decommission.sh" expect.csv records listed.img
check "... and says so, drive by drive" grep -qE "^listed.img +sanitized +clear" "$TMPDIR/out"
is "its certificates verify" "$(expunge-cert verify records --trust records/state/host.crt >/dev/null 2>&1 && echo yes)" yes
is "what is not listed is as it was" "$(sha256sum <left.img)" "$was"
exits "typed again it finds all done" 0 "$examples/decommission.sh" expect.csv records listed.img
printf 'serial\nlisted.img\nabsent.img\n' >more.csv
exits "a listed one that is absent is an error" 6 "$examples/decommission.sh" more.csv records2 listed.img
exits "no arguments: how it is used" 64 "$examples/decommission.sh"

mkdir netboot
printf 'initial' >netboot/initrd
printf 'kernel' >netboot/vmlinuz
printf 'pem' >ca.pem
exits "the way into the image" 0 env DRY=1 "$examples/kexec.sh" netboot https://assets.example/h.csv \
	https://records.example/in/ ca.pem
check "... erases by a list only" grep -q 'expunge.expect=https://assets.example/h.csv' out
check "... and uploads" grep -q 'expunge.upload=https://records.example/in/' out
exits "no arguments there, either" 64 "$examples/kexec.sh"
done_testing
