#!/usr/bin/env python3
"""The files of kernel modules and of what they need, one a line, in an order in which they can be
inserted.

    module_order.py MODULES-FOLDER NAME...

A name with a question mark behind it may be absent; what is built into the kernel is left out."""
import sys


def plain(path):
    return path.rsplit("/", 1)[-1].split(".ko")[0].replace("-", "_")


def main():
    base, names = sys.argv[1], sys.argv[2:]
    path, deps = {}, {}
    for line in open(base + "/modules.dep"):
        head, _, rest = line.partition(":")
        path[plain(head)], deps[plain(head)] = head, rest.split()
    built_in = {plain(line.strip()) for line in open(base + "/modules.builtin")}
    seen = []
    for name in names:
        optional, name = name.endswith("?"), plain(name.rstrip("?"))
        if name in built_in:
            continue
        if name not in path:
            if optional:
                continue
            sys.exit("no module " + name)
        for f in list(reversed(deps[name])) + [path[name]]:
            if f not in seen:
                seen.append(f)
    print("\n".join(seen))


main()
