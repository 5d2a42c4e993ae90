#!/bin/bash
# long
# A stick whose initial file system was cut off or damaged: the first program says so, does nothing else, and starts
# the machine again or switches it off when told to.
. tests/vm/stick_tap.sh
stick_small
stick=$TMPDIR/stick.img
stick_copy "$stick"
words="quiet console=ttyS0 mitigations=off nokaslr expunge.unattended=1 $stick_patience"
words+=" expunge.stick=PARTUUID=$(cat "$stick_folder/small/partuuid")"
export VM_MEMORY=512 VM_CPUS=1 VM_TIMEOUT=800
whole=$stick_folder/small/initrd
broken=$TMPDIR/initrd

boot() { stick_start --initrd "$broken" --words "$words" kernel "$stick"; }
# offset TEXT: where it begins in the archive the first time
offset() { LC_ALL=C grep -abom 1 -- "$1" "$whole" | head -n 1 | cut -d : -f 1; }
silent() { ! grep -aqE 'unattended|another console|erased in|data partition' "$stick_folder/run/console"; }

# cut off within the program that erases: the list, which comes last, is gone, too
head -c $(($(offset usr/bin/expunge) + 100000)) "$whole" >"$broken"
boot
shows "what was cut off is told" 'THE SYSTEM WAS NOT READ WHOLE' 300
shows "... and that the list is missing" 'the list of its files, which comes last, is missing' 10
shows "... and how much memory there is" 'it has 4[0-9]+ MiB' 10
shows "... and what can be done" 'r and Enter start the machine again' 10
check "nothing else was begun" silent
stick_type 'x\n'
stick_type 'r\n'
shows "it starts again when told to" 'the machine starts again' 60
check "... and says the same again" stick_waits_again 'p and Enter switch it off' 300
stick_type 'p\n'
shows "it switches itself off when told to" 'Power down' 60
check "... and is off" stick_ends 60

# one byte of a driver is another one; no kernel looks for that
cp "$whole" "$broken"
at=$(($(offset modules/usb-storage.ko) + 5000))
printf '%b' "\\x$(printf %02x $((0x$(od -A n -t x1 -j "$at" -N 1 "$whole" | tr -d " ") ^ 1)))" |
	dd of="$broken" bs=1 seek="$at" conv=notrunc status=none
boot
shows "a driver that is another one is told" 'THE SYSTEM WAS NOT READ WHOLE' 300
shows "... by its name" '1 of its files are missing or damaged: modules/usb-storage.ko' 10
check "... and nothing else is begun" silent
stick_kill
done_testing
