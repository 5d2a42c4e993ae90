#!/bin/bash
# long
# Booted from the network, with no stick and nothing on a disk: records go to a server of this machine. While
# that takes nothing, nothing is erased; what a journal announces is there before it is done, a password
# before it is set; and the machine does not switch itself off before the server holds every record.
. tests/vm/stick_tap.sh
# shellcheck source=tests/cli/put_server.sh
. tests/cli/put_server.sh
stick_image
tests/vm/rigd.sh tests/vm/rigs/stick_net.json "$stick_folder" || exit 1
ask() { "$B/rigd" --ask "$stick_folder" "$@"; }
trap 'stop_servers; stick_cleanup' EXIT

cd "$TMPDIR" || exit 1
ca ca
cert good ca 'IP:10.0.2.2'
serve server good
cd "$put_root" || exit 1
server=$TMPDIR/server
url=https://10.0.2.2:$port
printf 'serial\nSTICKNET01\nSTICKNET02\n' >"$server/files/list.csv"

# what the boot server hands out: the image's folder, and the site's own file behind its initial file system
netboot=$TMPDIR/netboot
cp -r build/image/netboot "$netboot"
cp build/image/image.sha256 "$TMPDIR"
mkdir -p "$TMPDIR/site/etc/expunge"
cp "$TMPDIR/ca.pem" "$TMPDIR/site/etc/expunge/site.pem"
cat >"$TMPDIR/site/etc/expunge/site.json" <<JSON
{
	"version": 1,
	"accept": "clear",
	"upload": { "url": "$url/put", "ca": "site.pem" },
	"unattended": { "settle_seconds": 5, "countdown_seconds": 1, "then": "poweroff" }
}
JSON
(cd "$TMPDIR/site" && find etc | cpio -o -H newc --quiet) >"$netboot/site.cpio"
sed -i "s/console=ttyS0,115200 console=tty0/console=tty0 console=ttyS0,115200/
	s/raid=noautodetect/& $stick_patience/
	s|^kernel .*|& expunge.unattended=1 expunge.config=/etc/expunge/site.json expunge.expect=$url/list.csv|
	s|^initrd .*|&\ninitrd site.cpio|" "$netboot/boot.ipxe"
# user: sectors of customer data on both drives
user() {
	{ ask stains sata && ask stains sas; } | grep -o 'user=[0-9]*' | paste -s -d ' '
}
before=$(user)

echo '500 PUT' >"$server/mode"
stick_starts --rigd "$stick_folder" net "$netboot"
check "every driver that is loaded loads" test -z "$(grep -a 'does not load' "$stick_folder/run/console")"
shows "a server that takes nothing: nothing is begun" "no_durable_output" 200
shows "... and it goes on asking, until a key is pressed" "a key ends the waiting" 60
stick_type ' '
shows "... and a person has to look" "wants a person.s look" 60
stick_kill
is "... and nothing was erased" "$(user)" "$before"
check "... the trial was what it was asked first" grep -q '^PUT /put/[^ ]*/trial ' "$server/requests"
is "... and no job was begun" "$(grep -c '^PUT .*/jobs/' "$server/requests")" 0

for name in sata sas; do ask power-cycle "$name"; done
: >"$server/requests"
echo '500 PUT /certificates/' >"$server/mode"
stick_starts --rigd "$stick_folder" net "$netboot"
shows "a server that takes no records: the drives are erased all the same" "2 of 2 ended" 300
shows "... and the machine waits for the server" "not on the server yet" 120
refused=$(grep -c '^PUT .*/certificates/' "$server/requests")
for _ in $(seq 240); do
	[ "$(grep -c '^PUT .*/certificates/' "$server/requests")" -lt $((refused + 3)) ] || break
	sleep 0.5
done
check "... and asks it again and again" test "$(grep -c '^PUT .*/certificates/' "$server/requests")" -ge $((refused + 3))
check "... and stays on" kill -0 "$stick_job"
is "... with no record on the server" "$(find "$server/files/put" -path '*/certificates/*' | wc -l)" 0
: >"$server/mode"
shows "the server takes them: it holds all" "the server holds all" 200
check "... and the machine switches itself off" stick_ends 120
is "nothing is left on the drives" "$(user)" "user=0 user=0"

held=$(find "$server/files/put" -type d -name certificates)
exits "the records on the server verify" 0 "$EXPUNGE_CERT" verify "$held" --trust "$held/../host.crt" \
	--require-level clear --json
is "one for each drive" "$(jq -r .media.serial "$held"/*.json | sort | paste -s -d ' ')" "STICKNET01 STICKNET02"
is "each names the image" "$(jq -r .tool.image_sha256 "$held"/*.json | sort -u)" "$(cat "$TMPDIR/image.sha256")"
is "no key went up" "$(find "$server/files/put" -name '*.key')" ""

# The journal as it was when a line had been written: the server was given just that, and gave it back.
# journal_was_up REGEX: up to the first line that matches
journal_was_up() {
	local journal sum
	journal=$(grep -lE -- "$1" "${held%certificates}"jobs/*/journal.jsonl | head -n 1)
	[ -n "$journal" ] || return 1
	sum=$(awk -v what="$1" '{ print } $0 ~ what { exit }' "$journal" | sha256sum | cut -d ' ' -f 1)
	grep -q "^PUT .*/${journal#"$server/files/put/"*/} $sum " "$server/requests"
}
check "a password was to be set, and the server knew before" journal_was_up '"note":"secret"'
check "a job's first line was there by itself" journal_was_up '"type":"job"'
done_testing
