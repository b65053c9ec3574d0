"""What the fakes of secret managers have in common: each checks every request, and refuses what it was not made for."""
import http.server, json, threading, time
from urllib.parse import parse_qsl, urlsplit


class Refused(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ahead = 0

    def log_message(self, *_):
        pass

    def handle_one(self):
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length).decode()
        parts = urlsplit(self.path)
        self.query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        self.ahead = 0
        try:
            status, body = self.answer(self.command, parts.path)
        except Refused as refused:
            status, body = refused.status, refused.body
        except Exception:
            status, body = 400, {"canary": "a request that was not foreseen"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(time.time() + self.ahead))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = handle_one

    def form(self):
        """The fields of a form, each once."""
        if self.headers["Content-Type"] != "application/x-www-form-urlencoded":
            raise Refused(415, {"canary": "no form"})
        fields = parse_qsl(self.body, keep_blank_values=True, strict_parsing=True)
        if len(dict(fields)) != len(fields):
            raise Refused(400, {"canary": "a field twice"})
        return dict(fields)

    def bearer(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or len(self.headers.get_all("Authorization")) != 1:
            raise Refused(401, {"canary": "no token"})
        return token


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def listen(handler, context=None):
    """Where it listens: an address without a slash at its end."""
    server = Server(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "%s://127.0.0.1:%d" % ("https" if context else "http", server.server_address[1])
