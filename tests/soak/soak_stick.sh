#!/bin/bash
# soak_stick: the stick is pulled out, or the power goes, at a random moment of an unattended run; SOAK_N
# (50) times. After the next boot the journal leads on, and no record is lost or torn.
# tests/vm/test_stick_pull.sh does it three times, with a smaller image.
#
# Prints TAP. SOAK_SEED (the time): the same moments again, as far as two machines are alike.
cd "$(dirname "$0")/../.." || exit 1
. tests/vm/stick_tap.sh
soak_n=${SOAK_N:-50}
seed=${SOAK_SEED:-$(date +%s)}
RANDOM=$((seed % 32768))
echo "# seed $seed"
stick_image
tests/vm/rigd.sh tests/vm/rigs/stick.json "$stick_folder" || exit 1
ask() { "$B/rigd" --ask "$stick_folder" "$@"; }

printf 'serial\nSTICKSATA01\nSTICKSAS01\n' >"$TMPDIR/expect.csv"
cat >"$TMPDIR/expunge.json" <<'JSON'
{
	"version": 1,
	"level": "clear",
	"unattended": { "expect": "expect.csv", "settle_seconds": 1, "countdown_seconds": 1, "then": "poweroff" }
}
JSON
partuuid=$(stick_partuuid)
words="quiet console=tty0 console=ttyS0 raid=noautodetect $stick_patience expunge.stick=PARTUUID=$partuuid"

# held FILE: what the boxes of that stick hold, as plain files in $TMPDIR/held
held() {
	rm -rf "$TMPDIR/held" "$TMPDIR/boxes" "$TMPDIR/state"
	mkdir "$TMPDIR/boxes"
	stick_mtools mcopy "$1" ::/expunge-a.box ::/expunge-b.box "$TMPDIR/boxes/"
	"$EXPUNGE" export "$TMPDIR/held" --keep "$TMPDIR/boxes" --state "$TMPDIR/state" --json \
		>"$TMPDIR/export.log" 2>&1
}
# records: hash and name of each that is held
records() {
	(cd "$TMPDIR/held" 2>/dev/null && find . -maxdepth 1 -name '*-*.json' -exec sha256sum {} +) | sort
}

for i in $(seq "$soak_n"); do
	stick=$TMPDIR/stick.img
	stick_copy "$stick"
	stick_mtools mcopy "$stick" -o "$TMPDIR/expunge.json" ::/expunge.json
	stick_mtools mcopy "$stick" "$TMPDIR/expect.csv" ::/expect.csv
	for name in sata sas; do
		ask power-cycle "$name"
		ask stain "$name"
		ask delay "$name" 40
	done
	how=$([ $((i % 2)) = 1 ] && echo "pulled" || echo "power")
	late=$((RANDOM % 150))
	stick_start --rigd "$stick_folder" --words "$words" kernel "$stick"
	shows "$i: the run begins" 'erasing in' 120
	sleep "$((late / 10)).$((late % 10))"
	if [ "$how" = pulled ]; then
		stick_unplug
		sleep 3
	fi
	stick_kill
	for name in sata sas; do
		ask power-cycle "$name"
		ask delay "$name" 0
	done
	held "$stick"
	exit_code=$?
	records >"$TMPDIR/before"
	is "$i: what was kept can be read ($how after $late tenths of a second)" "$exit_code" 0

	stick_start --rigd "$stick_folder" --words "$words" kernel "$stick"
	shows "$i: the machine starts again" 'started by' 120
	check "$i: ... and goes on to the end" stick_ends 300
	stick_kill
	held "$stick"
	records >"$TMPDIR/after"
	is "$i: no record that was there is lost" "$(comm -23 "$TMPDIR/before" "$TMPDIR/after")" ""
	exits "$i: none is torn: all verify" 0 "$EXPUNGE_CERT" verify "$TMPDIR/held" \
		--trust "$TMPDIR/held/host.crt" --json
	is "$i: no job is left open" "$("$EXPUNGE" status --state "$TMPDIR/state" --json |
		jq '[.jobs[] | select(.state == "interrupted")] | length')" 0
	is "$i: both drives are sanitized, and nothing is left" \
		"$(ask stains sata | grep -o 'user=[0-9]*') $(ask stains sas | grep -o 'user=[0-9]*')" "user=0 user=0"
	is "$i: a certificate for each" "$(find "$TMPDIR/held" -maxdepth 1 -name '*-*.json' \
		-exec jq -r 'select(.outcome | startswith("sanitized")) | .media.serial' {} + | sort -u | paste -s -d ' ')" \
		"STICKSAS01 STICKSATA01"
done
done_testing
