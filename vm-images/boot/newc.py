#!/usr/bin/env python3
"""Writes a folder as an initial file system (cpio, newc) to standard output: sorted, everything owned by
root, one time for all, so that the same folder gives the same bytes anywhere.

    newc.py FOLDER SECONDS-SINCE-1970"""
import os
import stat
import sys


def entry(out, inode, name, mode, mtime, data):
    raw = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(raw), 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + raw
    out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def main():
    top, mtime = sys.argv[1], int(sys.argv[2])
    names = []
    for folder, folders, files in os.walk(top):
        names += [os.path.relpath(os.path.join(folder, n), top) for n in folders + files]
    out = sys.stdout.buffer
    inode = 0
    for inode, name in enumerate(sorted(names), 1):
        path = os.path.join(top, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            data, mode = os.readlink(path).encode(), stat.S_IFLNK | 0o777
        elif stat.S_ISDIR(mode):
            data = b""
        elif stat.S_ISREG(mode):
            with open(path, "rb") as f:
                data = f.read()
        else:
            sys.exit("newc: %s is no file, folder or link" % name)
        entry(out, inode, name, mode, mtime, data)
    entry(out, 0, "TRAILER!!!", 0, 0, b"")


main()
