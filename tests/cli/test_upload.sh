#!/usr/bin/env bash
# What goes up, and what each way in which a server can fail comes to.
. tests/cli/tap.sh
# shellcheck source=tests/cli/put_server.sh
. tests/cli/put_server.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
trap stop_servers EXIT

# --- an authority, a certificate for this host's address, and ones that are none
ca ca
ca other-ca
cert good ca 'IP:127.0.0.1,DNS:localhost'
cert othername ca 'IP:127.0.0.2,DNS:elsewhere.example'
cert foreign other-ca 'IP:127.0.0.1'

serve main good
url=https://127.0.0.1:$port/put
upload() { "$EXPUNGE" upload --state "$S" --upload-ca ca.pem --upload "$url" --tries 1 --quiet "$@"; }

# --- a run with a server: everything but keys is there when it ends
head -c 1048576 /dev/urandom >up.img
printf 'Authorization: Bearer s3cret\nX: ignored\n' >header
exits 'a run that sends its records' 0 "$EXPUNGE" run up.img --level clear --confirm up.img --state "$S" --quiet --json \
	--upload "$url" --upload-ca ca.pem --upload-header header
origin=$(jq -r .log.origin "$S"/certificates/*.json)
held=main/files/put/$origin
for f in $(cd "$S" && find certificates jobs log index.csv host.crt -type f); do
	cmp -s "$S/$f" "$held/$f" || not_ok "the server holds $f"
done
check 'the server holds the record' test -f "$held/certificates/$(basename "$S"/certificates/*.json)"
check 'the server holds the journal' cmp -s "$S"/jobs/*/journal.jsonl "$held"/jobs/*/journal.jsonl
check 'the server holds the log' cmp -s "$S/log/checkpoint" "$held/log/checkpoint"
is 'no key went up' "$(find main/files -name '*.key*')" ''
is 'nor is one in any file' "$(grep -rl 'PRIVATE KEY' main/files)" ''
check 'the header went along' grep -q 'Bearer s3cret$' main/requests
check 'records that are there verify' "$EXPUNGE_CERT" verify "$held/certificates" --trust "$S/host.crt"
: >main/requests
exits 'nothing is sent twice' 0 upload --json
is '... and all is known to be there' "$(jq .pending out)" 0
check '... without a request' test ! -s main/requests
exits 'another address gets all of it' 0 "$EXPUNGE" upload --state "$S" --upload-ca ca.pem --upload "${url%put}else/" --quiet
check '... too' cmp -s "$S/log/checkpoint" "main/files/else/$origin/log/checkpoint"

# --- each failure ends as it must; what was not confirmed is sent the next time
for mode in 500 forbidden redirect cut garbage short lie gone '500 GET' 'cut GET' 'redirect GET' 'garbage GET' 'endless GET'; do
	rm -f "$S/upload.list"
	echo "$mode" >main/mode
	exits "a server that fails: $mode" 1 upload
	check '... it says so' grep -q 'not on the server' err
	is '... and nothing counts as sent' "$(cat "$S/upload.list" 2>/dev/null)" ''
	rm -rf main/files/put
done
echo chunked >main/mode
exits 'a server that answers in chunks' 0 upload
: >main/mode

# --- it must be that server
rm -f "$S/upload.list"
exits 'a certificate of another authority' 1 "$EXPUNGE" upload --state "$S" --upload-ca other-ca.pem --upload "$url" \
	--tries 1 --quiet
check '... is named as the reason' grep -q "server's certificate" err
serve wrong othername
exits 'a certificate for another name' 1 "$EXPUNGE" upload --state "$S" --upload-ca ca.pem \
	--upload "https://127.0.0.1:$port/" --tries 1 --quiet
check '... is named as the reason' grep -qi 'mismatch' err
is '... and that server was told nothing' "$(cat wrong/requests)" ''
serve strange foreign
exits 'a server of another authority' 1 "$EXPUNGE" upload --state "$S" --upload-ca ca.pem \
	--upload "https://127.0.0.1:$port/" --tries 1 --quiet
is '... was told nothing' "$(cat strange/requests)" ''
exits 'nobody there' 1 "$EXPUNGE" upload --state "$S" --upload-ca ca.pem --upload https://127.0.0.1:1/ --tries 1 --quiet
exits 'plain http' 4 "$EXPUNGE" upload --state "$S" --upload-ca ca.pem --upload http://127.0.0.1/
exits 'no authority' 64 "$EXPUNGE" upload --state "$S" --upload "$url"
exits 'an authority that is none' 66 "$EXPUNGE" upload --state "$S" --upload "$url" --upload-ca header
exits 'no address' 64 "$EXPUNGE" upload --state "$S"
exits 'a header that is none' 64 "$EXPUNGE" upload --state "$S" --upload "$url" --upload-ca ca.pem --upload-header ca.pem
exits 'into the background' 64 "$EXPUNGE" run up.img --confirm up.img --state "$S" --upload "$url" --upload-ca ca.pem --detach

# --- the process that speaks to the network is nobody, and is shut in
"$EXPUNGE" upload --state "$S" --upload-ca ca.pem --upload https://127.0.0.1:1/ --tries 0 --quiet 2>/dev/null &
sender=$!
until courier=$(pgrep -P $sender) || ! kill -0 $sender 2>/dev/null; do sleep 0.02; done
status=/proc/$courier/status
# it gives up its rights first, and shuts itself in last
for _ in $(seq 3000); do
	[ "$(awk '/^NoNewPrivs:/ { print $2 }' "$status")" = 1 ] && [ "$(awk '/^Seccomp:/ { print $2 }' "$status")" != 0 ] && break
	[[ $B == *san* ]] && break
	sleep 0.02
done
if [ "$(id -u)" -eq 0 ]; then
	is 'its user is nobody' "$(awk '/^(Uid|Gid):/ { print $2, $3, $4, $5 }' "$status" | sort -u)" '65534 65534 65534 65534'
	is '... without groups' "$(awk '/^Groups:/ { print NF }' "$status")" 1
	is '... and without capabilities' "$(awk '/^Cap(Prm|Eff):/ { print $2 }' "$status" | sort -u)" 0000000000000000
fi
if [ "$(awk '/^Seccomp:/ { print $2 }' "$status")" = 2 ]; then
	ok 'it is confined'
	is '... and gets no rights back' "$(awk '/^NoNewPrivs:/ { print $2 }' "$status")" 1
else
	skip 'it is confined' 'not with the sanitizers'
fi
is 'it holds one line and nothing else' "$(find "/proc/$courier/fd" -type l -printf '%f %l\n' 2>/dev/null |
	grep -cvE '^[012] /dev/null$|^3 socket:')" 0
kill -TERM $sender
wait $sender
is 'a signal ends the sending' $? 5
check '... and that process' test ! -d "/proc/$courier"

# --- a stick: what could not be sent goes up after the next boot
mkdir stick
exits 'boxes' 0 "$EXPUNGE" keep make stick
echo 500 >main/mode
head -c 1048576 /dev/urandom >up.img
exits 'a stick, and a server that takes nothing' 0 "$EXPUNGE" run up.img --level clear --confirm up.img --state ram --keep stick \
	--quiet --upload "$url" --upload-ca ca.pem
check '... is told' grep -q 'trial upload failed' err
: >main/mode
rm -rf ram
exits 'the next boot' 0 "$EXPUNGE" upload --state ram --keep stick --upload "$url" --upload-ca ca.pem --quiet
record=$(basename ram/certificates/*.json)
check '... sends it' cmp -s "ram/certificates/$record" main/files/put/*/*/certificates/"$record"
rm -rf ram
: >main/requests
exits 'and the one after it' 0 "$EXPUNGE" upload --state ram --keep stick --upload "$url" --upload-ca ca.pem --quiet
is '... knows what is there' "$(grep -c 'PUT' main/requests)" 0

# --- a state folder in memory: nothing is begun that the server does not know of
if [ ! -w /dev/shm ] || [ "$(stat -f -c %T /dev/shm)" != tmpfs ]; then
	skip 'in memory' 'no tmpfs'
	done_testing
fi
M=$(mktemp -d /dev/shm/xp-upload-XXXXXX)
trap 'stop_servers; rm -rf "$M"' EXIT
head -c 1048576 /dev/urandom >mem.img
cp mem.img mem.before
in_memory() {
	"$EXPUNGE" run mem.img --level clear --confirm mem.img --state "$M/state" --quiet --json --upload "$url" --upload-ca ca.pem
}
echo 500 >main/mode
exits 'a trial that fails' 4 in_memory
check '... is named' grep -q 'no_durable_output' err out
check '... and nothing was touched' cmp -s mem.img mem.before
echo '500 PUT journal' >main/mode
exits 'a journal that does not get there' 4 in_memory
is '... is the refusal' "$(jq -r '.results[0].refusals[0].code // .results[0].reasons[0]' out)" no_durable_output
check '... and nothing was touched' cmp -s mem.img mem.before
: >main/mode
: >main/requests
rm -rf "$M/state"
exits 'with a server that works' 0 in_memory
is 'the journal is there before the log knows of the start' "$(grep -E 'PUT .*(journal.jsonl|log/tile)' main/requests | head -n 1 |
	grep -c journal)" 1
echo '500 PUT certificates' >main/mode
cp mem.before mem.img
exits 'a server that fails at the end' 0 in_memory
check '... is told' grep -q 'not on the server' err
: >main/mode
exits '... and gets the records later' 0 "$EXPUNGE" upload --state "$M/state" --upload "$url" --upload-ca ca.pem --quiet
done_testing
