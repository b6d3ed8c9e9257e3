"""The Docker adapter against a pretended engine: odd answers and hostile names."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
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


@pytest.mark.parametrize("image", ["a/../../containers", "./lab", "lab/..", "no-such"])
def test_a_name_that_is_no_image_asks_nothing_else(engine: DockerEngine, image: str) -> None:
    """A user who chooses the image must not choose the path of the engine."""
    assert engine.resolve_image(image) is None
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
