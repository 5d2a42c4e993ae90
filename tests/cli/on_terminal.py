#!/usr/bin/env python3
"""Runs a command on a terminal of its own and prints what it would have shown.

on_terminal.py COLUMNS ROWS [--answer PROMPT TEXT]... [--key TEXT CTRL]... -- COMMAND...

--answer: TEXT and a newline are typed each time that PROMPT is shown. --key: the control character of
that letter is typed, once, after TEXT was shown. The exit code is the command's; 128 and the signal's number
where one ended it.
"""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios


def parse(argv):
    columns, rows, rest = int(argv[0]), int(argv[1]), argv[2:]
    answers, keys = [], []
    while rest and rest[0] != "--":
        {"--answer": answers, "--key": keys}[rest[0]].append((rest[1].encode(), rest[2].encode()))
        rest = rest[3:]
    return columns, rows, answers, keys, rest[1:]


def main():
    columns, rows, answers, keys, command = parse(sys.argv[1:])
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = os.environ.get("TERM_FOR_TEST", "xterm")
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(command[0], command)
    shown = b""
    looked = {prompt: 0 for prompt, _ in answers}
    while True:
        signal.alarm(300)  # a prompt that nobody answers
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        for prompt, text in answers:
            at = shown.find(prompt, looked[prompt])
            if at >= 0:
                looked[prompt] = at + len(prompt)
                os.write(fd, text + b"\n")
        for pair in list(keys):
            if pair[0] in shown:
                keys.remove(pair)
                os.write(fd, bytes([pair[1][0] & 0x1F]))
    echo_is_on = bool(termios.tcgetattr(fd)[3] & termios.ECHO)
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(shown)
    if not echo_is_on:
        sys.stdout.buffer.write(b"\n(the echo was left off)\n")
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


sys.exit(main())
