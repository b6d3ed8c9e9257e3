"""Ready means answering: the probe, with a pretended and with a real server."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from support.signing import Authority
from support.waiting import wait_for
from swarmhub_operator.loop.probe import TIMEOUT, Prober, Target, answers


def target(task: str = "t1", notebook: str = "ada") -> Target:
    """Return a task to ask."""
    return Target(notebook, task, f"http://{task}")


@contextmanager
def probing(ask: Callable[[str], bool]) -> Iterator[tuple[Prober, Queue[str]]]:
    """Run a prober; the queue gets each notebook that is told to be ready."""
    ready: Queue[str] = Queue()
    prober = Prober(ready.put, ask)
    thread = threading.Thread(target=prober.run)
    thread.start()
    try:
        yield prober, ready
    finally:
        prober.close()
        thread.join(5)
        assert not thread.is_alive()


def test_a_task_is_asked_until_it_answers_and_told_once() -> None:
    """Then it is left alone."""
    asked: list[str] = []

    def ask(url: str) -> bool:
        asked.append(url)
        return len(asked) >= 3

    with probing(ask) as (prober, ready):
        prober.watch(target())
        assert ready.get(timeout=5) == "ada"
        assert prober.is_ready("ada", "t1")
        prober.watch(target())
        with pytest.raises(Empty):
            ready.get(timeout=0.3)
    assert asked == ["http://t1"] * 3


def test_readiness_belongs_to_one_task() -> None:
    """The next task must answer itself."""
    with probing(lambda _: True) as (prober, ready):
        prober.watch(target("t1"))
        ready.get(timeout=5)
        assert not prober.is_ready("ada", "t2")
        prober.watch(target("t2"))
        ready.get(timeout=5)
        assert prober.is_ready("ada", "t2")
        assert not prober.is_ready("ada", "t1")


def test_a_late_answer_of_an_old_task_does_not_count() -> None:
    """It was asked before the new task took its place."""
    began, go = threading.Event(), threading.Event()

    def ask(url: str) -> bool:
        if url == "http://t1":
            began.set()
            return go.wait(5)
        return False

    with probing(ask) as (prober, ready):
        prober.watch(target("t1"))
        assert began.wait(5)
        prober.watch(target("t2"))
        go.set()
        with pytest.raises(Empty):
            ready.get(timeout=0.3)
        assert not prober.is_ready("ada", "t1")


def test_what_is_forgotten_is_asked_no_more() -> None:
    """A notebook that stopped leaves nothing behind."""
    asked: Queue[str] = Queue()

    def ask(url: str) -> bool:
        asked.put(url)
        return False

    with probing(ask) as (prober, _):
        prober.watch(target())
        asked.get(timeout=5)
        prober.forget("ada")
        time.sleep(0.2)
        while not asked.empty():
            asked.get()
        with pytest.raises(Empty):
            asked.get(timeout=0.3)


def test_one_slow_server_delays_no_other() -> None:
    """Each is asked at most once at a time."""
    stuck = threading.Event()
    slow: list[str] = []

    def ask(url: str) -> bool:
        if url == "http://slow":
            slow.append(url)
            stuck.wait(5)
            return False
        return True

    with probing(ask) as (prober, ready):
        prober.watch(target("slow", "eve"))
        wait_for("the slow one to be asked", lambda: bool(slow), timeout=5)
        prober.watch(target("t1"))
        assert ready.get(timeout=5) == "ada"
        assert len(slow) == 1
        stuck.set()


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that stands in the path."""

    def do_GET(self) -> None:
        """Answer."""
        status = int(self.path.strip("/"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/500")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Serve on a free port."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("status", "ready"),
    [(200, True), (302, True), (403, True), (404, True), (500, False), (503, False)],
)
def test_any_answer_below_500_is_an_answer(server: str, status: int, ready: bool) -> None:
    """As the hub's own wait has it; a redirect is not followed."""
    assert answers(f"{server}/{status}") is ready


def test_nobody_there_is_no_answer() -> None:
    """A port that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert not answers(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("words", [b"", b"garbage\r\n\r\n"])
def test_one_who_accepts_and_speaks_no_http_is_no_answer(words: bytes) -> None:
    """And does not hold the probe for longer than its time-out."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(words)
                time.sleep(TIMEOUT + 8 if not words else 0)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        began = time.monotonic()
        assert not answers(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert time.monotonic() - began < TIMEOUT + 4
        thread.join(5)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 ", b"200\r\n\r\n"])
def test_one_who_lets_headers_drip_holds_no_worker(start: bytes) -> None:
    """A hostile notebook could else keep everybody's start from being seen."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(start)
                while not over.wait(0.2):
                    connection.sendall(b"1")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        began = time.monotonic()
        answered = answers(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert answered is start.endswith(b"X: ")
        assert time.monotonic() - began < TIMEOUT + 4
        over.set()
        thread.join(5)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a\r\nb", "http://127.0.0.1:99999/", "http://[/"]
)
def test_an_address_that_is_none_is_no_answer(url: str) -> None:
    """Whatever a record holds, the probe goes on."""
    assert not answers(url)


def test_threads_that_cannot_be_had_delay_the_question() -> None:
    """The prober goes on, as threads may be had a moment later."""
    asked = threading.Event()

    def ask(_: str) -> bool:
        asked.set()
        return True

    with probing(ask) as (prober, ready):
        submit = prober._pool.submit
        failures = iter([RuntimeError("can't start new thread")])

        def refuse_once(*args: Any) -> Any:
            for failure in failures:
                raise failure
            return submit(*args)

        prober._pool.submit = refuse_once  # type: ignore[assignment]
        prober.watch(target())
        assert ready.get(timeout=5) == "ada"


@contextmanager
def tls_server(folder: Path, *, mutual: bool, newest: ssl.TLSVersion) -> Iterator[int]:
    """Shake hands on a free port, until the caller is done; yield the port."""
    authority = Authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("server"))
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE
    context.maximum_version = newest

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.settimeout(5)
                with suppress(OSError), context.wrap_socket(connection, server_side=True) as inner:
                    inner.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("mutual", [True, False])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_tls_server_answers_by_shaking_hands(
    tmp_path: Path, mutual: bool, newest: ssl.TLSVersion
) -> None:
    """Also one that then asks for a certificate of the hub's, which the operator has not."""
    with tls_server(tmp_path, mutual=mutual, newest=newest) as port:
        assert answers(f"https://127.0.0.1:{port}/user/ada/api")


def test_one_who_speaks_no_tls_is_no_answer_to_https(server: str) -> None:
    """A server that ignored its certificate would be refused by hub and proxy."""
    assert not answers(server.replace("http:", "https:") + "/200")


@pytest.mark.parametrize("drips", [True, False])
def test_one_who_never_ends_the_handshake_holds_no_worker(drips: bool) -> None:
    """Be it that its event loop has not begun or that it is hostile."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                # A record of a handshake that is longer than what ever comes of it.
                connection.sendall(b"\x16\x03\x03\x3f\xff" if drips else b"")
                while not over.wait(0.2):
                    connection.sendall(b"\x02" if drips else b"")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        began = time.monotonic()
        assert not answers(f"https://127.0.0.1:{listening.getsockname()[1]}/")
        assert time.monotonic() - began < TIMEOUT + 4
        over.set()
        thread.join(5)


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "https://127.0.0.1:99999/", "https://[/"])
def test_an_https_address_where_nobody_is_gives_no_answer(url: str) -> None:
    """Whatever a record holds, the probe goes on."""
    assert not answers(url)
