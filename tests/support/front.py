"""A proxy before a hub and its page: one address, and answers are passed on as they come."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})
_TIMEOUT = 60.0  # seconds


class Front:
    """Passes `/services/` on to the page, all else to the hub.

    Attributes:
        url: where it listens.
    """

    def __init__(self, hub: str, page: str) -> None:
        hosts = {True: urlsplit(page).netloc, False: urlsplit(hub).netloc}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = hosts[self.path.startswith("/services/")]
                length = int(self.headers.get("Content-Length", 0))
                connection = HTTPConnection(host, timeout=_TIMEOUT)
                try:
                    body = self.rfile.read(length) or None
                    connection.request(self.command, self.path, body, dict(self.headers))
                    told = connection.getresponse()
                    self.send_response(told.status)
                    for key, value in told.getheaders():
                        if key.lower() not in _HOP:
                            self.send_header(key, value)
                    self.send_header("Connection", "close")
                    self.end_headers()
                    while chunk := told.read1():
                        self.wfile.write(chunk)
                except OSError:
                    pass  # either side has gone away
                finally:
                    connection.close()
                self.close_connection = True

            do_POST = do_GET  # noqa: N815 - the name that the class looks for

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
