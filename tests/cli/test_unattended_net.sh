#!/usr/bin/env bash
# A run without a person that hangs on a server: its list comes from there, its records go there, and it does not
# end before they are.
. tests/cli/tap.sh
# shellcheck source=tests/cli/put_server.sh
. tests/cli/put_server.sh
root=$PWD
cd "${TMPDIR:?}" || exit 1
loops=()
M=
cleanup() {
	stop_servers
	for l in "${loops[@]}"; do losetup -d "$l" 2>/dev/null; done
	[ -z "$M" ] || rm -rf "$M"
}
trap cleanup EXIT
tag=unattended-net-$$
ca ca
ca other-ca
cert good ca 'IP:127.0.0.1'
serve main good
url=https://127.0.0.1:$port

# --- what is refused
S=$TMPDIR/state
: >cmdline
config() { # EXPECT [MEMBER]
	printf '{"version":1,"level":"clear","upload":{"url":"%s/put","ca":"ca.pem"},"unattended":{"expect":"%s"%s}}' \
		"$url" "$1" "${2:-}" >expunge.json
}
unattended() {
	"$EXPUNGE" unattended --cmdline cmdline --settle 0 --settle-max 0 --countdown 0 --quiet --state "$S" "$@"
}
config "$url/lists/rack7.csv"
exits 'a list that the server does not have' 4 unattended --config expunge.json
mkdir -p main/files/lists
printf 'serial\n' >main/files/lists/rack7.csv
exits 'an empty list' 4 unattended --config expunge.json
printf 'host_serial,serial\nNOT-THIS-HOST,x\n' >main/files/lists/rack7.csv
exits 'a list for another host' 4 unattended --config expunge.json
echo 'redirect GET' >main/mode
exits 'a server that sends us elsewhere' 4 unattended --config expunge.json
: >main/mode
config "$url/lists/rack7.csv" ',"expect_ca":"other-ca.pem"'
exits 'a server that nobody vouches for' 4 unattended --config expunge.json
printf 'expunge.unattended=1 expunge.expect=%s/lists/rack7.csv' "$url" >words
exits 'no authority to check it against' 64 unattended --cmdline words
check 'none of them left anything' test ! -e "$S"

# --- the whole way, the state folder in memory
if [ ! -w /dev/shm ] || [ "$(stat -f -c %T /dev/shm)" != tmpfs ]; then
	skip 'in memory' 'no tmpfs'
	done_testing
fi
M=$(mktemp -d /dev/shm/xp-unattended-XXXXXX)
S=$M/state
head -c 1048576 /dev/urandom >"$tag.img"
cp "$tag.img" before
l=$(losetup -f --show "$tag.img" 2>/dev/null) || { skip 'in memory' 'no free loop device'; done_testing; }
loops+=("$l")
printf 'serial,ticket\n%s,T-1\n' "$tag.img" >main/files/lists/rack7.csv
want=0
[ "$("$EXPUNGE" list --json | jq -r .host.complete)" = yes ] || want=6
printf 'expunge.unattended=1 expunge.expect=%s/lists/rack7.csv expunge.upload=%s/put expunge.upload_ca=%s/ca.pem' \
	"$url" "$url" "$PWD" >words
echo '500 PUT trial' >main/mode
exits 'a server that takes nothing' 4 timeout 60 "$EXPUNGE" unattended --cmdline words --settle 0 --settle-max 0 --countdown 0 \
	--quiet --state "$S" --json
sync
check '... and nothing is touched' cmp -s "$tag.img" before

# it dies when the erase is done; the run waits, until it is back
echo '500 PUT certificates' >main/mode
printf '{"version":1,"level":"clear"}' >level.json
"$EXPUNGE" unattended --config level.json --cmdline words --settle 0 --settle-max 0 --countdown 0 --quiet --state "$S" \
	>out 2>err </dev/null &
pid=$!
until grep -q 'not on the server yet' err || ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
check 'a server that dies: it is told' grep -q 'trying again until' err
check '... and it waits' kill -0 $pid
: >main/mode
wait $pid
is '... until the server is back' $? $want
check '... and says that all is there' grep -q 'the server holds all' err
sync
check '... the drive is erased' cmp -s "$tag.img" <(head -c 1048576 /dev/zero)
record=$(basename "$S"/certificates/*.json)
check '... and the record is there' cmp -s "$S/certificates/$record" main/files/put/*/*/certificates/"$record"
is '... with the words of the list' "$(jq -r .media.ticket "$S/certificates/$record")" T-1

# it is dead for good: a key ends the waiting, and the exit code tells
echo 500 >main/mode
rm "$S/upload.list"
printf 'serial\nABSENT\n' >absent.csv
"$root"/tests/cli/on_terminal.py 80 24 --key 'trying again until' X -- timeout 60 \
	"$EXPUNGE" unattended --config level.json --cmdline words --expect absent.csv --settle 0 --settle-max 0 \
	--countdown 0 --quiet --state "$S" >screen 2>&1
is 'a key while records wait' $? 5
check '... says what is missing' grep -q 'does not hold everything' screen
done_testing
