#!/usr/bin/env python3
"""An https server that keeps what is PUT and gives it back, and fails on purpose.

put_server.py FOLDER CERT KEY MODE-FILE [ADDRESS [old]]: prints its port, keeps files below FOLDER. MODE-FILE is read
at each request: a line "WORD [METHOD [PART-OF-PATH]]"; the words are

ok       as it should be
500      answers 500                     forbidden   answers 403
hang     answers nothing                 cut         closes in the middle of its answer
short    keeps less than it was sent     lie         keeps other bytes
redirect sends to another place          chunked     answers in chunks, as it should be
garbage  answers what is no HTTP         endless     answers without end
gone     has lost what it took          once        takes a file, but no second version of it

Requests are written to FOLDER/../requests: METHOD PATH HEADER-OF-OURS AUTHORIZATION.
"""
import hashlib
import http.server
import os
import ssl
import sys
import time

folder, cert, key, mode_file = sys.argv[1:5]
address = sys.argv[5] if len(sys.argv) > 5 else "127.0.0.1"


def mode_of(method, path):
    try:
        with open(mode_file, encoding="ascii") as f:
            words = f.read().split()
    except OSError:
        words = []
    if not words or (len(words) > 1 and words[1] != method) or (len(words) > 2 and words[2] not in path):
        return "ok"
    return words[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def place(self):
        return os.path.join(folder, os.path.normpath("/" + self.path.split("?")[0]).lstrip("/"))

    def answer(self, status, body=b"", chunked=False):
        self.send_response(status)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 1000):
                piece = body[at : at + 1000]
                self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = True

    def fails(self, mode, body):
        if mode in ("500", "forbidden"):
            self.answer(500 if mode == "500" else 403, b"no")
        elif mode == "hang":
            time.sleep(30)
        elif mode == "redirect":
            self.send_response(307)
            self.send_header("Location", "https://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif mode == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + body[:10])
        elif mode == "garbage":
            self.wfile.write(b"220 mail.example ESMTP\r\n\r\n")
        elif mode == "endless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
        else:
            return False
        self.close_connection = True
        return True

    def note(self):
        with open(os.path.join(folder, "..", "requests"), "a", encoding="utf-8") as f:
            f.write("%s %s %s %s\n" % (self.command, self.path, self.headers.get("Expunge-SHA256", "-"),
                                       self.headers.get("Authorization", "-")))

    def do_PUT(self):
        self.note()
        mode = mode_of("PUT", self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.fails(mode, b""):
            return
        if self.headers["Expunge-SHA256"] != hashlib.sha256(body).hexdigest():
            self.answer(400)
            return
        if mode == "once" and os.path.exists(self.place()):
            self.answer(507)
            return
        if mode == "short":
            body = body[: len(body) // 2]
        if mode == "lie" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        if mode != "gone":
            os.makedirs(os.path.dirname(self.place()), exist_ok=True)
            with open(self.place() + ".new", "wb") as f:
                f.write(body)
            os.rename(self.place() + ".new", self.place())
        self.answer(201)

    def do_GET(self):
        self.note()
        mode = mode_of("GET", self.path)
        try:
            with open(self.place(), "rb") as f:
                body = f.read()
        except OSError:
            self.answer(404)
            return
        if not self.fails(mode, body):
            self.answer(200, body, mode == "chunked")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # a client that goes is no news
        pass

    def finish_request(self, request, client_address):
        request.settimeout(60)
        super().finish_request(request, client_address)


os.makedirs(folder, exist_ok=True)
server = Server((address, 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
if len(sys.argv) > 6:  # what must not be spoken any more
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
context.load_cert_chain(cert, key)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
