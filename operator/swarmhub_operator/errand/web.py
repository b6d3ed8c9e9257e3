"""What the servers of both directions share: the token, chunks, and an end."""

from __future__ import annotations

import hmac
import json
import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from threading import Event, Lock, Thread

from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.errand.failure import CopyError

LINGER = 10.0  # seconds in which the outcome can be asked for after a failure
_CHUNK = 1 << 18  # bytes
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
_LINE = 1024  # bytes; of a chunk's head, and of a trailer


class Office(ThreadingHTTPServer):
    """A server for one asker who knows the token; it serves until `done` or nobody asks any more.

    Attributes:
        outcome: how it went; None as long as it goes on.
    """

    daemon_threads = True
    address_family = socket.AF_INET

    def __init__(
        self, address: tuple[str, int], handler: type[Desk], token: str, idle: float
    ) -> None:
        super().__init__(address, handler)
        self.token = token
        self.idle = idle
        self.outcome: Outcome | None = None
        self._over = Event()
        self._touched = time.monotonic()
        self._answering = 0
        self._lock = Lock()

    def touch(self) -> None:
        """Note that the asker is still there."""
        self._touched = time.monotonic()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Be at work for the asker, who waits for the answer, as long as a block lasts."""
        with self._lock:
            self._answering += 1
        try:
            yield
        finally:
            with self._lock:
                self._answering -= 1
            self.touch()

    def close_down(self, outcome: Outcome) -> None:
        """Note how it went; the first word counts."""
        self.outcome = self.outcome or outcome

    def leave(self) -> None:
        """End: the asker knows all that he wants to know."""
        self._over.set()

    def run(self) -> Outcome:
        """Serve to the end, and return how it went."""
        thread = Thread(target=self.serve_forever, args=(0.1,), name="office", daemon=True)
        thread.start()
        while not self._over.wait(0.2):
            silent = time.monotonic() - self._touched
            if self.outcome is not None and self.outcome.error and silent > LINGER:
                break
            if silent > self.idle and not self._answering:
                self.close_down(Outcome(f"Nobody asked for anything within {self.idle:g} s."))
                break
        self.shutdown()
        self.server_close()
        return self.outcome or Outcome("It was ended before anything was copied.")


class Desk(BaseHTTPRequestHandler):
    """One request. A subclass says what is answered in `answer`."""

    protocol_version = "HTTP/1.1"
    server: Office

    def setup(self) -> None:
        """Bound every read and write."""
        super().setup()
        self.connection.settimeout(self.server.idle)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Keep standard output for the report."""

    def answer(self, request: str) -> None:
        """Answer a request of one who knows the token, as "GET /size"."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Answer a question."""
        self._serve()

    def do_PUT(self) -> None:
        """Take something."""
        self._serve()

    def do_POST(self) -> None:
        """Take note of something."""
        self._serve()

    def _serve(self) -> None:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            self.close_connection = True
            self.tell({"error": "The token is wrong."}, HTTPStatus.FORBIDDEN)
            return
        self.server.touch()
        request = f"{self.command} {self.path}"
        try:
            if request == "POST /done":
                self.tell({})
                self.server.leave()
            elif request == "GET /outcome":
                self.tell(self.server.outcome.document() if self.server.outcome else {})
            else:
                with self.server.answering():
                    self.answer(request)
        except (CopyError, OSError) as error:
            self.server.close_down(Outcome(sentence(error)))
            self.close_connection = True

    def unknown(self) -> None:
        """Answer that nothing of this name is here."""
        self.close_connection = True
        self.tell({"error": "There is nothing of this name here."}, HTTPStatus.NOT_FOUND)

    def tell(self, document: object, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Answer with one JSON document."""
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self, chunks: Iterable[bytes]) -> None:
        """Answer with chunks. If making them fails, the answer has no end, which is noticed."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n" % len(chunk))
            self.wfile.write(chunk)
            self.wfile.write(b"\r\n")
            self.server.touch()
        self.wfile.write(b"0\r\n\r\n")

    def body(self) -> Iterator[bytes]:
        """Yield what a request brings.

        Raises:
            CopyError: it breaks off.
        """
        for chunk in read_chunks(self.rfile):
            self.server.touch()
            yield chunk


def read_chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """Yield a body in HTTP's chunked encoding.

    Raises:
        CopyError: it breaks off, or is no such body.
    """
    while size := _size(stream.readline(_LINE)):
        while size:
            part = stream.read(min(size, _CHUNK))
            if not part:
                raise CopyError("The archive broke off on its way; try again.")
            size -= len(part)
            yield part
        stream.readline(_LINE)
    while stream.readline(_LINE).strip():
        pass  # trailers


def _size(head: bytes) -> int:
    size = head.split(b";")[0].strip()
    if not _SIZE.fullmatch(size):
        raise CopyError("The archive broke off on its way; try again.")
    return int(size, 16)


def sentence(error: Exception) -> str:
    """Return what a person is told of a failure."""
    if isinstance(error, ConnectionError | TimeoutError):
        return f"The connection broke off ({error.strerror or error}); try again."
    if isinstance(error, OSError):
        where = f" ({error.filename!r})" if error.filename else ""
        return f"The volume cannot be used: {error.strerror or error}{where}."
    return str(error)
