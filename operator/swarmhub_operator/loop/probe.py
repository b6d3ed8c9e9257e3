"""Asks a starting notebook's own address over HTTP or HTTPS until it answers."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlsplit, urlunsplit

from swarmhub_operator.logs import get_logger

# Seconds between two questions to one notebook: the fewer are asked, the more often.
QUICKEST, INTERVAL = 0.025, 0.075
PER_TARGET = 0.02  # seconds
TIMEOUT = 1.0  # seconds for one answer, from the connection to the status line
WORKERS = 8
SERVER_ERROR = 500
LONGEST_LINE = 1024  # bytes of the answer that are looked at
_IN_PATHS = "%/?:@!$&'()*+,;=~"  # and so kept as they are
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)\b")
log = get_logger()


@dataclass(frozen=True, slots=True)
class Target:
    """One task to ask."""

    notebook: str
    task_id: str
    url: str


def answers(url: str) -> bool:
    """Return whether a server answers at `url`, within `TIMEOUT` altogether."""
    return _shakes_hands(url) if url.startswith("https:") else _answers_http(url)


def _shakes_hands(url: str) -> bool:
    """Return whether a TLS server answers, be it by asking for a certificate that we have not.

    Who it is need not be proved, as nothing is said to it: the address is the task's own. That the
    handshake ends tells that the server is up: its event loop has to take part.
    """
    deadline = time.monotonic() + TIMEOUT
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        asked = urlsplit(url)
        with socket.create_connection((asked.hostname or "", asked.port or 443), TIMEOUT) as plain:
            plain.settimeout(max(0.001, deadline - time.monotonic()))
            context.wrap_socket(plain).close()
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # up to TLS 1.2 the handshake ends so
    except (OSError, ValueError):
        return False
    return True


def _answers_http(url: str) -> bool:
    """Return whether `url` gives any answer below 500, which is what the hub itself waits for.

    Only the status line is read: a notebook that lets its headers or its body drip must not hold
    the worker that asks it.
    """
    deadline = time.monotonic() + TIMEOUT
    try:
        asked = urlsplit(url)
        path = quote(urlunsplit(("", "", asked.path or "/", asked.query, "")), safe=_IN_PATHS)
        with closing(HTTPConnection(asked.hostname or "", asked.port, TIMEOUT)) as connection:
            connection.request("GET", path, headers={"Connection": "close"})
            line = _first_line(connection.sock, deadline)
    except (HTTPException, OSError, ValueError):
        return False
    found = _STATUS_LINE.match(line)
    return found is not None and int(found[1]) < SERVER_ERROR


def _first_line(answer: socket.socket, deadline: float) -> bytes:
    line = b""
    while b"\n" not in line and len(line) < LONGEST_LINE:
        answer.settimeout(max(0.001, deadline - time.monotonic()))
        more = answer.recv(LONGEST_LINE)
        if not more:
            break
        line += more
    return line


class Prober:
    """Watches starting tasks; calls `on_ready(notebook)` when one answers. Thread-safe."""

    def __init__(
        self, on_ready: Callable[[str], None], ask: Callable[[str], bool] = answers
    ) -> None:
        self._on_ready = on_ready
        self._ask = ask
        self._lock = threading.Lock()
        self._targets: dict[str, Target] = {}  # by notebook: only its newest task counts
        self._ready: dict[str, str] = {}  # notebook -> task that answered
        self._asking: set[str] = set()
        self._stop = threading.Event()
        self._work = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="probe")

    def run(self) -> None:
        """Ask until `close` is called; for a thread of its own."""
        while not self._stop.is_set():
            self._work.wait()
            with self._lock:
                targets = [t for t in self._targets.values() if t.task_id not in self._asking]
                self._asking.update(t.task_id for t in targets)
                if not self._targets:
                    self._work.clear()
            for target in targets:
                try:
                    self._pool.submit(self._probe, target)
                except RuntimeError as error:
                    if self._stop.is_set():
                        return
                    log.warning("probe", outcome="postponed", error=str(error))  # no more threads
                    with self._lock:
                        self._asking.discard(target.task_id)
            time.sleep(min(INTERVAL, max(QUICKEST, len(targets) * PER_TARGET)))

    def watch(self, target: Target) -> None:
        """Ask this task until it answers, in place of any earlier task of the notebook."""
        with self._lock:
            if self._ready.get(target.notebook) == target.task_id:
                return
            self._targets[target.notebook] = target
        self._work.set()

    def is_ready(self, notebook: str, task_id: str) -> bool:
        """Return whether this very task has answered."""
        with self._lock:
            return self._ready.get(notebook) == task_id

    def forget(self, notebook: str) -> None:
        """Stop asking for a notebook that is no longer starting."""
        with self._lock:
            self._targets.pop(notebook, None)
            self._ready.pop(notebook, None)

    def close(self) -> None:
        """Stop asking."""
        self._stop.set()
        self._work.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _probe(self, target: Target) -> None:
        ready = False
        try:
            ready = self._ask(target.url)
        finally:
            with self._lock:
                self._asking.discard(target.task_id)
        with self._lock:
            ready = ready and self._targets.get(target.notebook) == target
            if ready:
                del self._targets[target.notebook]
                self._ready[target.notebook] = target.task_id
        if ready:
            self._on_ready(target.notebook)
