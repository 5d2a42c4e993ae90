# shellcheck shell=bash
# stick_tap.sh: what a test of the boot stick sources. It has the words of tests/cli/tap.sh, and:
. tests/cli/tap.sh
stick_folder=$(mktemp -d /tmp/stick.XXXXXX) # the names of sockets are short
stick_job=
stick_built=build/image/expunge.img
stick_tools=build/image-packages/mtools/usr/bin
# words for the kernel of an emulated machine that gets little time: its look at the timer fails then, and
# what it finds the processor's clock to run at is wrong, by minutes after a minute
# shellcheck disable=SC2034 # used by those that source this
stick_patience="no_timer_check tsc=unstable clocksource=acpi_pm"
# shellcheck disable=SC2317 # called by the trap
stick_cleanup() {
	stick_kill
	[ ! -e "$stick_folder/rigd.pid" ] || kill "$(cat "$stick_folder/rigd.pid")" 2>/dev/null
	rm -rf "$stick_folder"
}
trap stick_cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# stick_image: builds the stick, and the kernel as QEMU takes it without firmware, or leaves out every
# check of this script
stick_image() {
	{ vm-images/boot/build.sh && tests/vm/image.sh; } >"$TMPDIR/image.log" 2>&1 && return
	stick_skip "no stick can be built here: $(cat build/image/why-not build/vm/why-not 2>/dev/null | head -n 1)"
}

# stick_small: a stick of what the emulated machine needs and no more, in seconds; FIRMWARE is then kernel
stick_small() {
	local rc=0
	tests/vm/stick_small.sh "$stick_folder/small" >"$TMPDIR/image.log" 2>&1 || rc=$?
	[ "$rc" -ne 69 ] || stick_skip "no machine can be built here: $(tail -n 1 "$TMPDIR/image.log")"
	if [ "$rc" -ne 0 ]; then
		not_ok "a small stick is built"
		tail -n 5 "$TMPDIR/image.log" | sed 's/^/# /'
		done_testing
		exit 1
	fi
	stick_built=$stick_folder/small/stick.img
	stick_tools=$(dirname "$(PATH=$PATH:build/vm/guest/usr/bin command -v mcopy)")
}

# stick_skip WHY: every check of this script is left out
stick_skip() {
	local i n
	n=$(grep -cE '^[[:space:]]*(check|is|exits|shows) ' "$0")
	for i in $(seq "$n"); do
		skip "$(basename "$0" .sh) $i" "$1"
	done
	done_testing
	exit 0
}

# stick_start WORD...: tests/vm/stick.sh in the background
stick_start() {
	rm -f "$stick_folder/run/console"
	tests/vm/stick.sh "$@" "$stick_folder/run" 3>&- 2>/dev/null &
	stick_job=$!
}

# stick_starts WORD...: the same, until the first program speaks
stick_starts() {
	stick_start "$@"
	stick_waits "started by" 300
}

# stick_waits REGEX SECONDS: until the serial line has shown it
stick_waits() {
	local i
	for i in $(seq $(($2 * 4))); do
		grep -aqE -- "$1" "$stick_folder/run/console" 2>/dev/null && return 0
		kill -0 "$stick_job" 2>/dev/null || break
		sleep 0.25
	done
	grep -aqE -- "$1" "$stick_folder/run/console" 2>/dev/null
}

# stick_waits_again REGEX SECONDS: until it stands in a second line of it: the machine has started once more
stick_waits_again() {
	local i n is_on=1
	for i in $(seq $(($2 * 4))); do
		n=$(grep -acE -- "$1" "$stick_folder/run/console" 2>/dev/null)
		[ "${n:-0}" -ge 2 ] && return 0
		[ "$is_on" = 1 ] || break
		# once more, for what was said before it went off
		kill -0 "$stick_job" 2>/dev/null || is_on=0
		sleep 0.25
	done
	return 1
}

# shows NAME, REGEX, SECONDS
shows() {
	if stick_waits "$2" "$3"; then
		ok "$1"
	else
		not_ok "$1"
		tr -d '\r\033' <"$stick_folder/run/console" 2>/dev/null | tail -n 25 | cut -c 1-200 | sed 's/^/# /'
		sed 's/^/# qemu: /' "$stick_folder/run/qemu.log" 2>/dev/null
	fi
}

# stick_type TEXT: on the serial line
stick_type() {
	python3 - "$stick_folder/run/serial" "$1" <<'PYTHON'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for c in sys.argv[2].encode().decode("unicode_escape").encode():
    s.sendall(bytes([c]))
    s.settimeout(0.3)
    try:
        s.recv(4096)  # its echo, so that no key is lost
    except TimeoutError:
        pass
PYTHON
}

# stick_ends SECONDS: until the machine switches itself off
stick_ends() {
	local i
	for i in $(seq $(($1 * 4))); do
		if ! kill -0 "$stick_job" 2>/dev/null; then
			stick_job=
			return 0
		fi
		sleep 0.25
	done
	return 1
}

# stick_kill: as if the power went
stick_kill() {
	[ -n "$stick_job" ] || return 0
	[ ! -e "$stick_folder/run/qemu.pid" ] || kill -9 "$(cat "$stick_folder/run/qemu.pid")" 2>/dev/null
	wait "$stick_job" 2>/dev/null
	stick_job=
}

# stick_copy FILE: the stick as it was built, for a test to write on
stick_copy() {
	cp --sparse=always "$stick_built" "$1"
}

# stick_partition N: where it begins, in bytes
stick_partition() {
	od -A n -t u4 -j $((0x1be + 16 * ($1 - 1) + 8)) -N 4 "$stick_built" | awk '{ print $1 * 512 }'
}

# stick_patient FILE: the stick's own menu gives the kernel $stick_patience, too
stick_patient() {
	local esp
	esp="$1@@$(stick_partition 2)"
	export MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1
	"$stick_tools/mtype" -i "$esp" ::/EFI/debian/grub.cfg | sed "s/^set words=\"/&$stick_patience /" \
		>"$TMPDIR/grub.cfg" && "$stick_tools/mcopy" -i "$esp" -o "$TMPDIR/grub.cfg" ::/EFI/debian/grub.cfg
}

# stick_mtools TOOL FILE WORD...: one of mtools on the data partition of FILE
stick_mtools() {
	local tool=$1 file=$2
	shift 2
	MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1 "$stick_tools/$tool" \
		-i "$file@@$(stick_partition 1)" "$@"
}

# stick_partuuid: the data partition, as the stick's own menu names it
stick_partuuid() {
	MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1 "$stick_tools/mtype" \
		-i "$stick_built@@$(stick_partition 2)" ::/EFI/debian/grub.cfg |
		sed -n 's/.*expunge\.stick=PARTUUID=\([^ "]*\).*/\1/p'
}

# stick_qmp COMMAND-JSON...: to QEMU's monitor, one after another
stick_qmp() {
	python3 - "$stick_folder/run/monitor" "$@" <<'PYTHON'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
f = s.makefile("rw")
f.readline()
for text in ['{"execute": "qmp_capabilities"}'] + sys.argv[2:]:
    f.write(text + "\n")
    f.flush()
    while True:
        answer = json.loads(f.readline())
        if "error" in answer:
            sys.exit(answer["error"]["desc"])
        if "return" in answer:
            break
PYTHON
}

# stick_unplug: as if it was pulled out
stick_unplug() {
	stick_qmp '{"execute": "device_del", "arguments": {"id": "plug"}}'
}
