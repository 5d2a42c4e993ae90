#!/usr/bin/env python3
"""A screen with a QR code (tmux capture-pane -e, on standard input) as a picture (PBM, on standard output).

Light are full and half blocks, and blanks in reverse. A module is one column of half blocks, or two columns
of blanks.
"""
import re
import sys

SCALE = 6


def cells(text):
    """Lines of (character, is in reverse); what is switched on holds over the end of a line."""
    reverse = False
    lines = [[]]
    for m in re.finditer(r"\x1b\[([0-9;]*)m|\x1b[()][0-9A-B]|[\x0e\x0f]|(\n)|(.)", text):
        if m.group(1) is not None:
            for code in (m.group(1) or "0").split(";"):
                reverse = True if code == "7" else False if code in ("", "0", "27") else reverse
        elif m.group(2):
            lines.append([])
        elif m.group(3) is not None:
            lines[-1].append((m.group(3), reverse))
    return lines


def main():
    lines = cells(sys.stdin.read())
    blocks = any(ch in "\u2580\u2584\u2588" for line in lines for ch, _ in line)
    width = max(len(line) for line in lines)
    rows = []
    for line in lines:
        line += [(" ", False)] * (width - len(line))
        if blocks:
            rows.append([ch in "\u2580\u2588" for ch, _ in line])
            rows.append([ch in "\u2584\u2588" for ch, _ in line])
        else:
            rows.append([r for _, r in line[::2]])
    print("P1", len(rows[0]) * SCALE, len(rows) * SCALE)
    for row in rows:
        text = " ".join("0" if light else "1" for light in row for _ in range(SCALE))
        print("\n".join([text] * SCALE))


main()
