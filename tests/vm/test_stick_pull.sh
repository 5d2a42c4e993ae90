#!/bin/bash
# The stick is pulled out, or the power goes, at three random moments of unattended runs, one boot after
# another. Each next boot leads on, what the screen said was done is kept, and no record is lost or torn.
# tests/soak/soak_stick.sh does it with the whole image, and more often. SEED: the same moments again.
. tests/vm/stick_tap.sh
RANDOM=$((${SEED:=$(date +%s)} % 32768))
echo "# SEED=$SEED"
stick_small
tests/vm/rigd.sh tests/vm/rigs/stick_small.json "$stick_folder" || exit 1
ask() { "$B/rigd" --ask "$stick_folder" "$@"; }

# one more drive with each boot, so that there is work for each
names=(one two three)
stick=$TMPDIR/stick.img
stick_copy "$stick"
printf 'serial\n' >"$TMPDIR/expect"
for i in 1 2 3; do
	echo "STICKSMALL0$i" >>"$TMPDIR/expect"
	cp "$TMPDIR/expect" "$TMPDIR/expect$i.csv"
done
cat >"$TMPDIR/expunge.json" <<'JSON'
{
	"version": 1,
	"level": "clear",
	"unattended": { "settle_seconds": 3, "countdown_seconds": 1, "then": "poweroff" }
}
JSON
stick_mtools mcopy "$stick" "$TMPDIR/expunge.json" "$TMPDIR"/expect?.csv ::/
# what the kernel says of the stick that is gone would stand in the middle of what programs say
words="quiet loglevel=1 console=ttyS0 mitigations=off nokaslr expunge.unattended=1 $stick_patience"
words+=" expunge.stick=PARTUUID=$(cat "$stick_folder/small/partuuid")"
export VM_MEMORY=512 VM_CPUS=1 VM_TIMEOUT=800

boot() {
	stick_start --rigd "$stick_folder" --initrd "$stick_folder/small/initrd" \
		--words "$words expunge.expect=expect$1.csv" kernel "$stick"
}
# held: what the boxes hold, as plain files in $TMPDIR/held
held() {
	rm -rf "$TMPDIR/held" "$TMPDIR/boxes" "$TMPDIR/state"
	mkdir "$TMPDIR/boxes"
	stick_mtools mcopy "$stick" ::/expunge-a.box ::/expunge-b.box "$TMPDIR/boxes/"
	"$EXPUNGE" export "$TMPDIR/held" --keep "$TMPDIR/boxes" --state "$TMPDIR/state" --json
}
# records: hash and name of each that is held
records() {
	(cd "$TMPDIR/held" 2>/dev/null && find . -maxdepth 1 -name '*-*.json' -exec sha256sum {} +) | sort
}
# sanitized: the serial numbers for which there is a record that says so
sanitized() {
	find "$TMPDIR/held" -maxdepth 1 -name '*-*.json' \
		-exec jq -r 'select(.outcome | startswith("sanitized")) | .media.serial' {} + | sort -u
}
# shown: the serial numbers of the drives that the screen called sanitized
shown() {
	local text
	text=$(tr -d '\r\033' <"$stick_folder/run/console")
	sed -nE 's/^.*to be erased ([A-Z0-9]+) +(\/dev\/[a-z]+).*$/\1 \2/p' <<<"$text" | sort -u |
		while read -r serial node; do
			! grep -qE "(^|[^a-z])$node +sanitized" <<<"$text" || echo "$serial"
		done
}
# has_had DRIVE N: until it was given N commands; 1: the run ended before
has_had() {
	while [ "$(ask commands "$1")" -lt "$2" ]; do
		! grep -aq 'ended with exit code' "$stick_folder/run/console" &&
			kill -0 "$stick_job" 2>/dev/null || return 1
		sleep 0.02
	done
}

: >"$TMPDIR/before"
for i in 1 2 3; do
	how=$([ "$i" = 2 ] && echo "power" || echo "pulled")
	boot "$i"
	shows "$i: the run begins" 'erasing in' 300
	late=$((RANDOM % 150))
	# so that a fast machine, too, is at work when it is looked at
	ask delay "${names[i - 1]}" 10
	has_had "${names[i - 1]}" $(($(ask commands "${names[i - 1]}") + late)) ||
		echo "# the run was over before $late commands"
	sleep "0.$((RANDOM % 4))"
	if [ "$how" = pulled ]; then
		check "$i: the stick is pulled out" stick_unplug
		shows "$i: that the stick is gone is seen" 'the stick was pulled out' 60
	fi
	stick_kill
	exits "$i: what was kept can be read ($how after $late commands)" 0 held
	records >"$TMPDIR/now"
	is "$i: no record that was there is lost" "$(comm -23 "$TMPDIR/before" "$TMPDIR/now")" ""
	is "$i: what the screen said was sanitized has its record" "$(comm -23 <(shown) <(sanitized))" ""
	mv "$TMPDIR/now" "$TMPDIR/before"
	for name in "${names[@]}"; do
		ask power-cycle "$name"
		ask delay "$name" 0
	done
done

boot 3
shows "the machine starts again" 'started by' 300
shows "the run comes to its end" 'ended with exit code 0' 300
shows "... and everybody ends when told to" 'Power down' 60
check "... and it switches itself off" stick_ends 60
is "nobody had to be killed for it" "$(grep -ac 'is killed' "$stick_folder/run/console")" 0
exits "what was kept can be read" 0 held
records >"$TMPDIR/now"
is "no record that was there is lost" "$(comm -23 "$TMPDIR/before" "$TMPDIR/now")" ""
exits "none is torn: all verify" 0 "$EXPUNGE_CERT" verify "$TMPDIR/held" --trust "$TMPDIR/held/host.crt" --json
is "no job is left open" "$("$EXPUNGE" status --state "$TMPDIR/state" --json |
	jq '[.jobs[] | select(.state == "interrupted")] | length')" 0
is "every drive has a certificate" "$(sanitized | paste -s -d ' ')" "STICKSMALL01 STICKSMALL02 STICKSMALL03"
is "and nothing is left on any" "$(for name in "${names[@]}"; do
	ask stains "$name" | grep -o 'user=[0-9]*'
done | sort -u)" "user=0"
done_testing
