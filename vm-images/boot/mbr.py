#!/usr/bin/env python3
"""Writes the first sectors of the stick: boot code, partition table, and the boot loader behind them.

    mbr.py IMAGE BOOT.IMG CORE.IMG DISK-ID (TYPE,ACTIVE,START,SECTORS)...

An MBR, no GPT: its second table stands at the end of a disk, and a stick is larger than the image."""
import struct
import sys

SECTOR = 512


def main():
    image, boot, core, disk_id = sys.argv[1:5]
    with open(boot, "rb") as f:
        code = f.read(440)
    with open(core, "rb") as f:
        loader = f.read()
    table = b""
    first = None
    for text in sys.argv[5:]:
        kind, active, start, sectors = (int(word, 0) for word in text.split(","))
        first = min(start, first or start)
        # no cylinders and heads: whoever reads this counts blocks
        table += struct.pack("<B3sB3sII", 0x80 if active else 0, b"\xfe\xff\xff", kind,
                             b"\xfe\xff\xff", start, sectors)
    if len(loader) > (first - 1) * SECTOR:
        sys.exit("mbr: the boot loader does not fit before the first partition")
    sector = code.ljust(440, b"\0") + struct.pack("<IH", int(disk_id, 16), 0)
    sector += table.ljust(64, b"\0") + b"\x55\xaa"
    with open(image, "r+b") as f:
        f.write(sector + loader)


main()
