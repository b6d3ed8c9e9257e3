"""The health endpoint: who may ask for what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from ipaddress import IPv4Network
from typing import Any

import httpx
import pytest
from swarmhub_operator.loop import health
from swarmhub_operator.loop.metrics import Metrics
from swarmhub_operator.loop.pulse import Pulse

ELSEWHERE = IPv4Network("192.0.2.0/24")
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Yield a function that serves and returns the URL; it ends with the test."""
    made: list[ThreadingHTTPServer] = []

    def start(*scrapers: IPv4Network) -> str:
        pulse = Pulse()
        pulse.ready = True
        made.append(health.serve(pulse, Metrics().registry, "127.0.0.1", 0, scrapers))
        return f"http://127.0.0.1:{made[-1].server_address[1]}"

    yield start
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no client pass for one of this machine."""
    monkeypatch.setattr(health, "_is_here", lambda _client: False)


@pytest.mark.parametrize(
    ("accept", "kind", "end"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", "\n"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "# EOF\n"),
    ],
)
def test_metrics_in_the_form_that_is_asked_for(
    serve: Serve, accept: str, kind: str, end: str
) -> None:
    """Prometheus' own text, or OpenMetrics; a query changes nothing."""
    answer = httpx.get(f"{serve()}/metrics?x=1", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert 'swarmhub_build_info{version="' in answer.text
    assert answer.text.endswith(end)


@pytest.mark.parametrize("scrapers", [(), (ELSEWHERE,)])
def test_this_machine_may_ask_for_all(serve: Serve, scrapers: tuple[IPv4Network, ...]) -> None:
    """As the health check of the container does."""
    url = serve(*scrapers)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(url + path).status_code == 200
    assert httpx.get(f"{url}/other").status_code == 404


@pytest.mark.usefixtures("stranger")
def test_a_scraper_gets_the_metrics_alone(serve: Serve) -> None:
    """What /healthz tells has sentences with paths and names in it."""
    url = serve(IPv4Network("127.0.0.0/8"))
    assert httpx.get(f"{url}/metrics").status_code == 200
    assert httpx.get(f"{url}/healthz").status_code == 404
    assert httpx.get(f"{url}/readyz").status_code == 404


@pytest.mark.usefixtures("stranger")
def test_others_are_let_go_before_they_cost_a_thread(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebooks share a network with the operator."""
    handled: list[Any] = []
    monkeypatch.setattr(
        ThreadingHTTPServer, "process_request", lambda *given: handled.append(given)
    )
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{serve(ELSEWHERE)}/metrics")
    assert handled == []
