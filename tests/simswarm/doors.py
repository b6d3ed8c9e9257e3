"""Answers HTTP at the addresses of simulated containers: those of this machine's loopback.

Linux takes every address of 127.0.0.0/8 for its own, so that a probe of a container's address
arrives here.
"""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Door(BaseHTTPRequestHandler):
    """A notebook that wants a login."""

    def do_GET(self) -> None:
        """Answer as a notebook that wants a login."""
        self.send_response(302)
        self.send_header("Location", "/hub/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


class Doors:
    """One listener for each address that answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: dict[str, ThreadingHTTPServer] = {}

    def keep_open(self, addresses: set[str]) -> None:
        """Listen at these addresses and at no other."""
        for address in set(self._open) - addresses:
            self._close(address)
        for address in addresses - set(self._open):
            with contextlib.suppress(OSError):  # tried again soon
                server = ThreadingHTTPServer((address, self._port), Door)
                threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
                self._open[address] = server

    def _close(self, address: str) -> None:
        server = self._open.pop(address)
        server.shutdown()
        server.server_close()

    def close(self) -> None:
        """Listen no more."""
        for address in tuple(self._open):
            self._close(address)
