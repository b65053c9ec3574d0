#!/usr/bin/env python3
"""A web server on loopback to which everything happens that may happen to one.

It makes certificate authorities in a folder of its own; `announce.py` tells where that is. What a path does is said at `Handler.do`.
"""
import http.server, json, socket, ssl, struct, threading, time, warnings
from announce import announce
from authority import Authority

counts = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    skew = 0

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Date", self.date_time_string(time.time() + self.skew))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        words = self.path.strip("/").split("/")
        self.skew = 0
        # What follows the last slash counts a test's own requests.
        with lock:
            count = counts[self.path] = counts.get(self.path, 0) + 1
        match words:
            case ["echo", *_]:
                self.answer(200, json.dumps({"method": self.command, "path": self.path, "body": body.decode(),
                                             "connection": self.client_address[1], "count": count,
                                             "headers": list(map(list, self.headers.items()))}).encode())
            case ["count", *rest]:
                self.answer(200, str(counts.get("/" + "/".join(rest), 0)).encode())
            case ["status", status, *_]:
                self.answer(int(status), b"the body of an error")
            # Goes well at the third try.
            case ["third", status, *_]:
                self.answer(200 if count == 3 else int(status), b"well")
            case ["wait", seconds, _]:
                self.answer(200 if count > 1 else 429, b"well", [("Retry-After", seconds)])
            case ["wait-date", seconds, _]:
                self.answer(200 if count > 1 else 429, b"well",
                            [("Retry-After", self.date_time_string(time.time() + self.skew + int(seconds)))])
            case ["redirect", *_]:
                self.answer(302, b"", [("Location", "https://elsewhere.example/login?state=canary")])
            case ["skewed"]:
                self.skew = 7200
                self.answer(200, b"well")
            case ["slow"]:
                time.sleep(5)
                self.answer(200, b"late")
            case ["trickle"]:
                self.send_response_only(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                for _ in range(100):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            case ["size", size]:
                self.answer(200, b"x" * int(size))
            case ["chunks", size]:
                self.send_response_only(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for _ in range(int(size) // 1024):
                    self.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
            # What the path has, letter for letter turned around in the alphabet.
            case ["mirror", text]:
                self.answer(200, bytes(0x61 + 0x7a - ord(letter) for letter in text))
            case ["short"]:
                self.send_response_only(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"not all of it")
                self.close_connection = True
            case ["nothing", *_]:
                self.close_connection = True
            case ["reset", *_]:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                socket.socket.close(self.connection)
                self.close_connection = True
            case ["garbage"]:
                self.wfile.write(b"\x00\x01\x02 canary canary canary\r\n\r\n")
                self.close_connection = True
            case _:
                self.answer(404, b"the body of an error")

    do_GET = do_POST = do_PUT = do

    def do_CONNECT(self):
        """A proxy through which secrets.example is this same server."""
        with lock:
            counts["proxied"] = counts.get("proxied", 0) + 1
        upstream = socket.create_connection(("127.0.0.1", listening["https"]))
        self.send_response_only(200)
        self.end_headers()
        def pump(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
            except OSError:
                pass
            for end in source, target:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        back = threading.Thread(target=pump, args=(upstream, self.connection), daemon=True)
        back.start()
        pump(self.connection, upstream)
        back.join()
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def listen(context=None):
    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def old(context):
    """Speaks nothing newer than TLS 1.1."""
    warnings.simplefilter("ignore")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


authority = Authority()
authority.make("other-ca")
names = "DNS:localhost,DNS:secrets.example,IP:127.0.0.1"
listening = {
    "folder": authority.folder,
    "https": listen(authority.context("good", names)),
    "http": listen(),
    "expired": listen(authority.context("expired", names, days=-1)),
    "other-name": listen(authority.context("other-name", "DNS:elsewhere.example")),
    "old-tls": listen(old(authority.context("old-tls", names))),
}
# A port where nobody listens, as long as nobody else takes it.
with socket.socket() as nobody:
    nobody.bind(("127.0.0.1", 0))
    listening["closed"] = nobody.getsockname()[1]
announce(listening, authority.remove)
