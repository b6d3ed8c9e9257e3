"""A simulated Swarm behind a unix socket, as a Docker engine; the wall clock drives it.

with serve(swarm, path) as served:
docker.APIClient(base_url=served.url, version="auto")
"""

from __future__ import annotations

import contextlib
import json
import queue
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simswarm.api import API_VERSION, VERSION, Api
from simswarm.doors import Doors
from simswarm.journal import passes
from simswarm.swarm import Swarm

LOOPBACK_POOL = "127.77.0.0/16"  # for the addresses of tasks that are to be probed
PORT = 8888
TICK = 0.01  # seconds


class Served:
    """A Swarm in real time: everything that touches it holds its lock.

    Attributes:
        lock: held while the Swarm is touched.
        url: what a Docker client connects to.
        port: where containers answer.
    """

    def __init__(self, swarm: Swarm, path: Path, port: int = PORT) -> None:
        self.swarm = swarm
        self.lock = threading.RLock()
        self.url = f"unix://{path}"
        self.port = port
        self._api = Api(swarm)
        self._doors = Doors(port)
        self._began = time.monotonic() - swarm.clock.monotonic()
        self._stop = threading.Event()
        self._server = _Server(path, self)
        for job in (self._server.serve_forever, self._tick):
            threading.Thread(target=job, daemon=True).start()

    @property
    def stopping(self) -> bool:
        """Whether streams should end."""
        return self._stop.is_set()

    def catch_up(self) -> None:
        """Let as much virtual time pass as real time has."""
        clock = self.swarm.clock
        clock.advance(max(0.0, time.monotonic() - self._began - clock.monotonic()))

    def _tick(self) -> None:
        while not self._stop.wait(TICK):
            with self.lock:
                self.catch_up()
                addresses = (a["Addresses"][0] for a in self._attachments())
                answering = {a.split("/")[0] for a in addresses}
                answering = {a for a in answering if self.swarm.answers(a)}
            if all(a.startswith("127.") for a in answering):
                self._doors.keep_open(answering)

    def _attachments(self) -> list[dict[str, Any]]:
        tasks = self.swarm.running()
        return [a for t in tasks for a in t.get("NetworksAttachments") or ()]

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, bytes]:
        """Answer a request with a status and JSON text."""
        with self.lock:
            self.catch_up()
            status, answer = self._api.request(method, path, query, body)
            return status, b"" if answer is None else json.dumps(answer).encode()

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._doors.close()


@contextlib.contextmanager
def serve(swarm: Swarm, path: Path, port: int = PORT) -> Iterator[Served]:
    """Serve a Swarm at a socket; `port` is where its containers answer if they are on loopback."""
    served = Served(swarm, path, port)
    try:
        yield served
    finally:
        served.close()
        path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, served: Served) -> None:
        self.served = served
        super().__init__(str(path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a Docker client."""

    protocol_version = "HTTP/1.1"
    server: _Server
    server_version = f"Docker/{VERSION}"

    def do_GET(self) -> None:
        """Answer, or stream."""
        self._answer()

    do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def address_string(self) -> str:
        """Return who asks; a unix socket has no addresses."""
        return "client"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        path = unquote(parts.path)
        if path.endswith("/_ping"):
            self._send(200, b"OK", "text/plain")
        elif path.endswith("/events"):
            self._events(query)
        elif path.endswith("/logs"):
            self._logs(path)
        else:
            body = json.loads(text) if text else None
            status, answer = self.server.served.request(self.command, path, query, body)
            self._send(status, answer)

    def _head(self, status: int, kind: str, **more: str) -> None:
        self.send_response(status)
        self.send_header("Api-Version", API_VERSION)
        self.send_header("Ostype", "linux")
        self.send_header("Content-Type", kind)
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _send(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self._head(status, kind, Content_Length=str(len(content)))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def _logs(self, path: str) -> None:
        served, ident = self.server.served, path.split("/")[-2]
        status, answer = served.request("GET", f"/tasks/{ident}", {}, None)
        if status != 200:
            self._send(status, answer)
            return
        with served.lock:
            lines = served.swarm.log(json.loads(answer)["ID"])
        frames = [(stream, f"{text}\n".encode()) for stream, text in lines]
        raw = b"".join(bytes([s, 0, 0, 0]) + len(t).to_bytes(4, "big") + t for s, t in frames)
        self._send(200, raw, "application/vnd.docker.raw-stream")

    def _events(self, query: Mapping[str, str]) -> None:
        served = self.server.served
        filters = json.loads(query.get("filters") or "{}")
        since = float(query["since"]) if "since" in query else None
        until = float(query["until"]) if "until" in query else None
        told: queue.Queue[dict[str, Any]] = queue.Queue()
        with served.lock:
            served.catch_up()
            for event in served.swarm.journal.since(since, until):
                told.put(event)
            stop = served.swarm.journal.listen(told.put)
        self._head(200, "application/json", Transfer_Encoding="chunked")
        try:
            self._stream(told, filters, until)
        except OSError:
            self.close_connection = True  # nobody listens any more
        finally:
            with served.lock:
                stop()

    def _stream(self, told: queue.Queue[dict[str, Any]], filters: Any, until: float | None) -> None:
        served = self.server.served
        while not served.stopping:
            try:
                event = told.get(timeout=0.1)
            except queue.Empty:
                if until is not None and served.swarm.clock.utc().timestamp() >= until:
                    break
                continue
            if passes(event, filters):
                self._chunk(json.dumps(event).encode() + b"\n")
        self._chunk(b"")
