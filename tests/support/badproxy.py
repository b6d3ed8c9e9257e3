"""A proxy before a hub whose notebooks do not answer, which it shows as the real one does."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit

_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})
_TIMEOUT = 30.0  # seconds


class BadProxy:
    """Passes everything on to the hub, but for what is a notebook's.

    Attributes:
        url: where it listens.
        answering: whether notebooks answer; else the hub's page about it is shown, which is asked
            for without the browser's headers.
    """

    def __init__(self, hub: str) -> None:
        self.answering = False
        hub_host = urlsplit(hub).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.startswith("/user/"):
                    self._pass(self.path, dict(self.headers))
                elif proxy.answering:
                    self._answer(200, [("Content-Type", "text/html")], b"<h1>The notebook</h1>")
                else:
                    page = "/hub/error/503?" + urlencode({"url": self.path})
                    self._pass(page, {}, status=503)

            def do_POST(self) -> None:
                self.do_GET()

            def _pass(self, path: str, headers: dict[str, str], status: int | None = None) -> None:
                length = int(self.headers.get("Content-Length", 0))
                connection = HTTPConnection(hub_host, timeout=_TIMEOUT)
                connection.request(self.command, path, self.rfile.read(length) or None, headers)
                told = connection.getresponse()
                kept = [(k, v) for k, v in told.getheaders() if k.lower() not in _HOP]
                self._answer(status or told.status, kept, told.read())
                connection.close()

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
