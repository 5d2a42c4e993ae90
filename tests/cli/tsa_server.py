#!/usr/bin/env python3
"""A timestamp authority on 127.0.0.1, good or hostile: tsa_server.py MODE PORT_FILE DIR."""
import os
import socket
import subprocess
import sys
import time

mode, port_file, folder = sys.argv[1:]
os.chdir(folder)
HEAD = b"HTTP/1.1 200 OK\r\n"
TYPE = b"Content-Type: application/timestamp-reply\r\n"


def request_body(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        data += conn.recv(4096)
    head, body = data.split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /tsa HTTP/1.1\r\n"), head
    assert b"Content-Type: application/timestamp-query" in head, head
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += conn.recv(4096)
    return body


def reply(query):
    with open("net.tsq", "wb") as f:
        f.write(query)
    subprocess.run(["openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "sha256", "-queryfile", "net.tsq",
                    "-out", "net.tsr"], check=True, stderr=subprocess.DEVNULL)
    with open("net.tsr", "rb") as f:
        return f.read()


def serve(conn):
    query = request_body(conn)
    if mode == "hang":
        time.sleep(60)
    elif mode == "silent":
        return
    elif mode == "trickle":
        conn.sendall(HEAD + TYPE + b"\r\n")
        while True:
            conn.sendall(b"0")
            time.sleep(0.05)
    elif mode == "error":
        conn.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    elif mode == "redirect":
        conn.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")
    elif mode == "html":
        conn.sendall(HEAD + b"Content-Type: text/html\r\n\r\n<html>")
    elif mode == "huge":
        conn.sendall(HEAD + TYPE + b"\r\n")
        while True:
            conn.sendall(b"0" * 65536)
    elif mode == "cut":
        answer = reply(query)
        conn.sendall(HEAD + TYPE + b"Content-Length: %d\r\n\r\n" % len(answer) + answer[:-1])
    elif mode == "replay":
        with open("o1.tsr", "rb") as f:
            answer = f.read()
        conn.sendall(HEAD + TYPE + b"Content-Length: %d\r\n\r\n" % len(answer) + answer)
    elif mode == "chunked":
        conn.sendall(HEAD + TYPE + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = reply(query)
        for i in range(0, len(answer), 100):
            part = answer[i:i + 100]
            conn.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
        conn.sendall(b"0\r\n\r\n")
        # a server that keeps the connection open
        time.sleep(60)
    else:
        answer = reply(query)
        conn.sendall(HEAD + TYPE + b"Content-Length: %d\r\n\r\n" % len(answer) + answer)


with socket.create_server(("127.0.0.1", 0)) as listener:
    with open(port_file + ".new", "w", encoding="ascii") as f:
        f.write(str(listener.getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    connection = listener.accept()[0]
    with connection:
        try:
            serve(connection)
        except (BrokenPipeError, ConnectionResetError):
            pass
