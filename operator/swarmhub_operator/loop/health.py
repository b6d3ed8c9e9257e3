"""The health endpoint.

GET /healthz answers 200 while the operator does its work, else 503. GET /readyz does so only once
it has opened the store: from then on it can take over from another.
"""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from swarmhub_operator.loop.pulse import Pulse

_ASKS = {"/healthz": ("alive",), "/readyz": ("alive", "ready")}


def serve(pulse: Pulse, host: str, port: int) -> ThreadingHTTPServer:
    """Serve in a thread of its own until `shutdown()` is called on what is returned.

    Raises:
        OSError: the address is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in _ASKS:
                self.send_error(HTTPStatus.NOT_FOUND, "only /healthz and /readyz are served here")
                return
            summary = pulse.summary()
            well = all(summary[what] for what in _ASKS[self.path])
            status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
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
