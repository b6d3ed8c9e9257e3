"""A wire-tap between one client and an engine: what was asked, when, and held back on demand."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)
_VERSION = re.compile(r"^/v[\d.]+")
_CHUNK = 65536


@dataclass(frozen=True)
class Request:
    """One request that arrived whole.

    Attributes:
        at: `time.monotonic` when its last byte came.
        method: GET, POST, ...
        path: without the version of the API.
        body: as it was sent.
    """

    at: float
    method: str
    path: str
    body: bytes

    @property
    def changes(self) -> bool:
        """Whether it asks for a change."""
        return self.method not in {"GET", "HEAD"}


class Recorder:
    """Listens on a unix socket and passes each request on to an engine.

    Attributes:
        url: for the client.
        requests: all that arrived, in that order.
        answers: the status of what the engine has answered, by request.
        hold: called with each request before it is passed on, in a thread of its own; it may
            wait. The request is passed on in the end even if its client is gone.
    """

    def __init__(self, engine: str, path: Path) -> None:
        """Listen at `path`, for the engine at the URL `engine`."""
        self.url = f"unix://{path}"
        self.requests: list[Request] = []
        self.answers: dict[Request, int] = {}
        self.hold: Callable[[Request], None] = lambda _: None
        self._engine = engine.removeprefix("unix://")
        self._open: set[socket.socket] = set()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(128)
        threading.Thread(target=self._take, daemon=True).start()

    def changes(self, since: float = 0.0) -> list[Request]:
        """Return what asked for a change since a time of `time.monotonic`."""
        return [r for r in self.requests if r.changes and r.at >= since]

    def close(self) -> None:
        """Listen no more, and cut every connection."""
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Serve the one request of a connection; the answer says that it is the last."""
        self._open.add(client)
        with client, suppress(OSError):
            read = _read(client)
            if read is not None:
                head, body = read
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                request = Request(time.monotonic(), method, _VERSION.sub("", target), body)
                self.requests.append(request)
                self.hold(request)
                data = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body
                self._pass_on(request, data, client)
        self._open.discard(client)

    def _pass_on(self, request: Request, data: bytes, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self._engine)
            self._open.add(engine)
            engine.sendall(data)
            while answer := engine.recv(_CHUNK):
                if request not in self.answers:
                    self.answers[request] = int(answer[9:12])
                with suppress(OSError):  # the client may be gone; the engine shall not notice
                    client.sendall(answer)
            self._open.discard(engine)


def _read(client: socket.socket) -> tuple[bytes, bytes] | None:
    """Return head and body of a request, or None if it breaks off."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = client.recv(_CHUNK)
        if not got:
            return None
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    length = int(found[1]) if found else 0
    while len(body) < length:
        got = client.recv(_CHUNK)
        if not got:
            return None
        body += got
    return re.sub(rb"\r\nConnection:[^\r]*", b"", head) + b"\r\n\r\n", body
