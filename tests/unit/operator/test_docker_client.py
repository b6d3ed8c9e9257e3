"""The Docker adapter against a pretended engine: odd answers and hostile names."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from support.waiting import wait_for
from swarmhub_operator.engine.credentials import Credentials
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.engine.errors import EngineError, Kind

ASKED: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Knows its version and one image; any other answer is of no use."""

    def do_GET(self) -> None:
        """Answer."""
        ASKED.append(self.path)
        answer: object = [{}]
        if self.path == "/version":
            answer = {"ApiVersion": "1.41"}
        elif self.path.endswith("/distribution/127.0.0.1:5000/lab:1/json"):
            answer = {"Descriptor": {"digest": "sha256:aa"}}
        elif self.path.endswith("/distribution/127.0.0.1:5000/lab%40sha256:bb/json"):
            answer = {"Descriptor": {"digest": "sha256:bb"}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    """Yield an adapter to the pretended engine."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    ASKED.clear()
    yield DockerEngine(f"tcp://127.0.0.1:{httpd.server_address[1]}")
    httpd.shutdown()
    httpd.server_close()
    thread.join(5)


def test_an_image_is_pinned(engine: DockerEngine) -> None:
    """To the digest that the registry tells."""
    assert engine.resolve_image("127.0.0.1:5000/lab:1") == "127.0.0.1:5000/lab:1@sha256:aa"


def test_a_digest_is_asked_for_only_by_who_wants_to_know(engine: DockerEngine) -> None:
    """A start that names one costs no question; doctor has the registry asked for it."""
    image = "127.0.0.1:5000/lab@sha256:bb"
    assert engine.resolve_image(image) == image
    assert not ASKED
    assert engine.registry_digest(image) == "sha256:bb"
    assert ASKED[-1].endswith("/distribution/127.0.0.1:5000/lab%40sha256:bb/json")


@pytest.mark.parametrize("image", ["a/../../containers", "./lab", "lab/..", "no-such"])
def test_a_name_that_is_no_image_asks_nothing_else(engine: DockerEngine, image: str) -> None:
    """A user who chooses the image must not choose the path of the engine."""
    with pytest.raises(EngineError):
        engine.resolve_image(image)
    assert all(path == "/version" or "/distribution/" in path for path in ASKED)


def test_answers_of_an_unknown_form_are_an_engine_error(engine: DockerEngine) -> None:
    """So that they are retried and told, like any other trouble of the engine."""
    for ask in (
        engine.own_node_id,
        engine.nodes,
        lambda: engine.services("s"),
        lambda: engine.find_service("s"),
        lambda: engine.find_secret("s"),
    ):
        with pytest.raises(EngineError, match="of a form that is not known here") as caught:
            ask()
        assert caught.value.kind is Kind.UNAVAILABLE


class Silenced(Exception):  # noqa: N818 - says what is the case
    """What the guard of these tests raises."""


class Listener:
    """Takes connections and keeps what arrives; answers whatever was asked, once it is whole."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/engine.sock"
        self.arrived: list[bytes] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(f"{folder}/engine.sock")
        self._listening.listen()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        self.arrived.append(b"")
        own = len(self.arrived) - 1
        with connection:
            while got := connection.recv(65536):
                self.arrived[own] += got
                if self._is_whole(self.arrived[own]):
                    body = b'{"ApiVersion": "1.41", "ID": "x", "Name": "x"}'
                    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                    connection.sendall(head % len(body) + body)
                    return

    def _is_whole(self, request: bytes) -> bool:
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        return bool(end) and len(body) == int(length[1] if length else 0)

    def close(self) -> None:
        """Take no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """Yield an engine that only listens."""
    made = Listener(tmp_path)
    yield made
    made.close()


SPEC: dict[str, Any] = {
    "Name": "x",
    "Labels": {},
    "TaskTemplate": {"ContainerSpec": {"Image": "lab"}},
    "Mode": {},
    "EndpointSpec": {},
}
WRITES: dict[str, Callable[[DockerEngine], object]] = {
    "create_service": lambda e: e.create_service(SPEC),
    "update_service": lambda e: e.update_service("x", 1, SPEC),
    "remove_service": lambda e: e.remove_service("x"),
    "create_secret": lambda e: e.create_secret("x", b"secret", {}),
    "remove_secret": lambda e: e.remove_secret("x"),
    "remove_volume": lambda e: e.remove_volume("x"),
}


def login_sent(request: bytes) -> dict[str, str] | None:
    """Return the login that went along with a request."""
    found = re.search(rb"X-Registry-Auth: (\S+)", request)
    return dict(json.loads(base64.urlsafe_b64decode(found[1]))) if found else None


@pytest.mark.parametrize("write", ["create_service", "update_service"])
def test_a_service_takes_along_the_login_of_its_registry_alone(
    listener: Listener, tmp_path: Path, write: str
) -> None:
    """In a header, of which the spec that is read back tells nothing; a new login is taken up."""
    file = tmp_path / "logins.json"
    engine = DockerEngine(listener.url, credentials=Credentials(file))
    for password in ("first", "the second"):
        login = {"username": "ada", "password": password}
        file.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": login}}))
        WRITES[write](engine)
        sent = login_sent(listener.arrived[-1])
        assert sent == {**login, "serveraddress": "https://index.docker.io/v1/"}
        assert password.encode() not in listener.arrived[-1].partition(b"\r\n\r\n")[2]
    file.write_text(json.dumps({"auths": {"r.example": login}}))
    WRITES[write](engine)
    assert login_sent(listener.arrived[-1]) is None


def test_a_file_in_the_home_directory_counts_for_nothing(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub can write there, and in Docker's own settings a program can be named."""
    program = tmp_path / "docker-credential-evil"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\necho {{}}\n")
    program.chmod(0o755)
    (tmp_path / ".docker").mkdir()
    settings = {
        "credsStore": "evil",
        "auths": {"https://index.docker.io/v1/": {"auth": "YWRhOmFkYQ=="}},
        "HttpHeaders": {"X-Registry-Auth": "evil"},
    }
    (tmp_path / ".docker" / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    engine = DockerEngine(listener.url)
    WRITES["create_service"](engine)
    assert b"X-Registry-Auth" not in listener.arrived[-1]
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("write", WRITES)
def test_nothing_of_a_write_that_the_guard_forbids_is_sent(listener: Listener, write: str) -> None:
    """Reading goes on; what the guard raises is not taken for the engine's answer."""

    def forbid() -> None:
        raise Silenced

    engine = DockerEngine(listener.url, forbid)
    with pytest.raises(Silenced):
        WRITES[write](engine)
    assert engine.find_volume("x") is not None
    assert all(request.startswith(b"GET ") for request in listener.arrived)


@pytest.mark.parametrize("write", ["create_service", "update_service", "create_secret"])
def test_a_write_that_pauses_after_its_headers_is_never_completed(
    listener: Listener, write: str
) -> None:
    """The guard is asked again before the body, without which the engine does nothing."""
    answers = iter([None, Silenced()])

    def once() -> None:
        found = next(answers)
        if found is not None:
            raise found

    with pytest.raises(Silenced):
        WRITES[write](DockerEngine(listener.url, once))
    wait_for("the headers", lambda: _is_head_of_post(listener.arrived[-1]), timeout=5)
    time.sleep(0.2)
    assert _is_head_of_post(listener.arrived[-1])


def _is_head_of_post(request: bytes) -> bool:
    return request.startswith(b"POST ") and request.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_the_guard_allows_arrives_whole(listener: Listener, write: str) -> None:
    """With a length that is known, as the engine had it before."""
    asked: list[None] = []
    WRITES[write](DockerEngine(listener.url, lambda: asked.append(None)))
    request = listener.arrived[-1]
    head, _, body = request.partition(b"\r\n\r\n")
    assert asked
    assert b"chunked" not in head
    if body:
        assert b"Content-Length: %d" % len(body) in head
        assert json.loads(body)


def test_a_node_keeps_what_is_not_to_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update replaces its whole spec: its role and its name are sent along."""
    api = Mock()
    api.inspect_node.return_value = {
        "Spec": {"Role": "manager", "Name": "x", "Availability": "active", "Labels": {"a": "b"}}
    }
    own = DockerEngine("unix:///nowhere")
    monkeypatch.setattr(own, "_client", lambda _: api)
    own.update_node("n1", 7, "pause", {"c": "d"})
    wanted = {"Role": "manager", "Name": "x", "Availability": "pause", "Labels": {"c": "d"}}
    api.update_node.assert_called_once_with("n1", 7, wanted)
