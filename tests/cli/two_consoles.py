#!/usr/bin/env python3
"""Runs a command with two terminals beside it: two_consoles.py TEXT COMMAND...

"@1" and "@2" in COMMAND become the terminals' names. Once TEXT was shown on both, a key is pressed on the second;
with --no-key in front of TEXT none is.
Prints what each showed, behind "1: " and "2: "; exits as the command did, 99 where TEXT did not come.
"""
import os
import pty
import select
import subprocess
import sys
import time

presses = sys.argv[1] != "--no-key"
if not presses:
    del sys.argv[1]
text = sys.argv[1].encode()
pairs = [pty.openpty() for _ in range(2)]
names = [os.ttyname(slave) for _, slave in pairs]
command = [w.replace("@1", names[0]).replace("@2", names[1]) for w in sys.argv[2:]]
process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
shown = [b"", b""]
pressed = False
end = time.monotonic() + 300
while process.poll() is None and time.monotonic() < end:
    ready, _, _ = select.select([m for m, _ in pairs], [], [], 0.1)
    for i, (master, _) in enumerate(pairs):
        if master in ready:
            shown[i] += os.read(master, 65536)
    if not pressed and all(text in s for s in shown):
        if presses:
            os.write(pairs[1][0], b"x")
        pressed = True
if process.poll() is None:
    process.kill()
    process.wait()
for i, (master, _) in enumerate(pairs):
    while select.select([master], [], [], 0.1)[0]:
        shown[i] += os.read(master, 65536)
    for line in shown[i].decode(errors="replace").splitlines():
        print("%d: %s" % (i + 1, line))
sys.exit(process.returncode if pressed else 99)
