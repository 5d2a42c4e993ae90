#!/bin/bash
# long
# What a person does at the boot stick's own screen and machine: keys in the layout that was chosen, a clock
# that is wrong and is set, starting again and switching off.
. tests/vm/stick_tap.sh
stick_image
stick=$TMPDIR/stick.img
stick_copy "$stick"
export VM_MEMORY=512 VM_CPUS=1 VM_TIMEOUT=1200
words="quiet console=tty0 console=ttyS0 raid=noautodetect $stick_patience expunge.shell=1 expunge.stick=PARTUUID=$(stick_partuuid)"

# press KEY...: on the keyboard of the machine, as QEMU names them
press() {
	local key
	for key in "$@"; do
		stick_qmp "{\"execute\": \"send-key\", \"arguments\": {\"keys\": [{\"type\": \"qcode\", \"data\": \"$key\"}]}}"
		sleep 0.3
	done
}
# screen: what stands on the first screen comes out on the serial line
screen() {
	stick_type 'cat /dev/vcs1; echo; echo "that was it"\n'
}
# answers NAME, REGEX, SECONDS, COMMAND: in the shell of the serial line
answers() {
	stick_type "$4\\n"
	shows "$1" "$2" "$3"
}

stick_start --words "$words" kernel "$stick"
shows "the machine starts" 'A shell\.' 300
press y z
screen
shows "without a choice the keys are as in America" 'here, too\. +yz ' 60
stick_kill

printf '{ "version": 1, "keyboard": "de-latin1" }\n' >"$TMPDIR/expunge.json"
stick_mtools mcopy "$stick" -o "$TMPDIR/expunge.json" ::/expunge.json
VM_QEMU="-rtc base=2001-02-03T04:05:06" stick_start --words "$words" kernel "$stick"
shows "expunge.json chooses a layout" 'the keyboard layout is de-latin1' 300
shows "... and the machine starts" 'A shell\.' 60
press y z
screen
shows "... in which y and z change places" 'here, too\. +zy ' 60
press ret
for _ in $(seq 60); do
	screen
	stick_waits 'expunge +clock +The clock says 2001-' 2 && break
done
shows "Enter brings the full screen there, too; it sees that the clock is wrong" 'expunge +clock +The clock says 2001-' 1

run='expunge run /tmp/disk.img --level clear --confirm disk.img --quiet --keep /run/expunge/stick --state /run/expunge/state'
answers "the machine's clock is wrong" '^Sat Feb +3 04:.* 2001' 30 "busybox truncate -s 4M /tmp/disk.img; date"
answers "... which is refused" 'the code is 4\.' 120 "$run; echo the code is \$?."
shows "... for that reason" 'clock_implausible: the clock says 2001-' 1
answers "the operator sets it" 'the code is 0\.' 180 "$run --clock 2027-01-02T03:04:05Z; echo the code is \$?."
answers "... the machine has it then" '^Sat Jan +2 03:.* 2027' 30 "date"
shows "... and says that the hardware clock was left" 'the hardware clock stays as it is' 1
answers "... as it was" '^2001-02-03' 30 "cat /sys/class/rtc/rtc0/date"
answers "... and the record says by whom" '"operator"' 30 "grep -ho '\"source\":\"[a-z]*\"' /run/expunge/state/certificates/*.json"

stick_type 'reboot\n'
shows "the machine starts again when told to" 'the machine starts again' 60
check "... and does" stick_waits_again 'started by BIOS' 300
stick_waits_again 'A shell\.' 60
stick_type 'poweroff\n'
shows "it is switched off when told to" 'Power down' 60
check "... and is" stick_ends 60
is "nobody had to be killed for either" "$(grep -ac 'is killed' "$stick_folder/run/console")" 0
done_testing
