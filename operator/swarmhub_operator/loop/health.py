"""The health endpoint, which tells the metrics too.

GET /healthz answers 200 while the operator does its work, else 503. GET /readyz does so only once
it has opened the store: from then on it can take over from another. GET /metrics is Prometheus'.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network, ip_address
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from swarmhub_operator.loop.pulse import Pulse

METRICS = "/metrics"
SILENCE = 10.0  # seconds after which one that asks for nothing is let go
_ASKS = {"/healthz": ("alive",), "/readyz": ("alive", "ready")}


def serve(
    pulse: Pulse,
    registry: CollectorRegistry,
    host: str,
    port: int,
    scrapers: Sequence[IPv4Network] = (),
) -> ThreadingHTTPServer:
    """Serve in a thread of its own until `shutdown()` is called on what is returned.

    Args:
        pulse: what is known of the health.
        registry: the metrics.
        host: the address to listen at.
        port: the port; 0: any that is free.
        scrapers: networks whose machines may ask for the metrics alone; who is in none of them,
            nor on this machine, is not listened to. Without any, all may ask for all.

    Raises:
        OSError: the address is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = SILENCE

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == METRICS:
                encode, kind = choose_encoder(self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, kind, encode(registry))
            elif path in _ASKS and (not scrapers or _is_here(self.client_address)):
                summary = pulse.summary()
                well = all(summary[what] for what in _ASKS[path])
                status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, "application/json", json.dumps(summary).encode())
            else:
                said = f"only /healthz, /readyz and {METRICS} are served, and not to everybody"
                self.send_error(HTTPStatus.NOT_FOUND, said)

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep health checks out of the log."""

    class Server(ThreadingHTTPServer):
        def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
            """Let go of strangers before they cost a thread."""
            if not scrapers or _is_here(client_address):
                return True
            return any(ip_address(client_address[0]) in network for network in scrapers)

    server = Server((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def _is_here(client: Any) -> bool:
    """Whether who asks is on this machine, or in this container."""
    return ip_address(client[0]).is_loopback
