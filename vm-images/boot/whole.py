#!/usr/bin/env python3
"""Lists what an initial file system is made of, so that the first program can tell whether the machine unpacked
it whole: hash, size and name of each file (of a link: of where it leads to), and at the end how many there are.

    whole.py FOLDER..."""
import hashlib
import os
import sys


def main():
    lines = []
    for top in sys.argv[1:]:
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    data = os.readlink(path).encode()
                elif os.path.isfile(path):
                    with open(path, "rb") as f:
                        data = f.read()
                else:
                    continue
                inside = os.path.relpath(path, top)
                if len(inside) > 255 or any(c.isspace() for c in inside):
                    sys.exit("whole: %s is no name for the list" % inside)
                lines.append((inside, "%s %d %s" % (hashlib.sha256(data).hexdigest(), len(data), inside)))
    for _, line in sorted(lines):
        print(line)
    print("end %d" % len(lines))


main()
