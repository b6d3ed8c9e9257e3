"""The health endpoint: GET /healthz answers 200 while the operator does its work, else 503."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from swarmhub_operator.loop.pulse import Pulse


def serve(pulse: Pulse, host: str, port: int) -> ThreadingHTTPServer:
    """Serve in a thread of its own until `shutdown()` is called on what is returned.

    Raises:
        OSError: the address is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/healthz":
                self.send_error(HTTPStatus.NOT_FOUND, "only /healthz is served here")
                return
            summary = pulse.summary()
            status = HTTPStatus.OK if summary["alive"] else HTTPStatus.SERVICE_UNAVAILABLE
            body = json.dumps(summary).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep health checks out of the log."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
