"""The page under `internal_ssl`: who gets in, and whom the proxy takes it for."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.utils import make_ssl_context
from swarmhub_spawner.page.service import CERTIFICATES, services
from swarmhub_spawner.page.tls import certificate, listening
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the authorities and certificates of a hub by the name of `hub`."""
    made = tmp_path_factory.mktemp("hub") / "internal-ssl"

    async def make() -> None:
        app = JupyterHub(log_level="WARN")
        app.internal_ssl = True
        app.internal_certs_location = str(made)
        app.trusted_alt_names = ["DNS:hub", "DNS:proxy"]
        app.init_internal_ssl()

    asyncio.run(make())
    return made


def of_proxy(folder: Path) -> ssl.SSLContext:
    """Return how the proxy connects to what it forwards to."""
    own = folder / "proxy-client" / "proxy-client"
    trusted = folder / "proxy-client-ca_trust.crt"
    context: ssl.SSLContext = make_ssl_context(f"{own}.key", f"{own}.crt", cafile=f"{trusted}")
    return context


def of_nobody(folder: Path) -> ssl.SSLContext:
    """Return how somebody connects who trusts as the proxy does, and has no certificate."""
    return ssl.create_default_context(cafile=f"{folder / 'proxy-client-ca_trust.crt'}")


async def status(port: int, context: ssl.SSLContext | None) -> str:
    """Ask a server that goes by the name of `hub`, and return how its answer begins, if at all."""
    name = "hub" if context else None
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=context, server_hostname=name
            )
            with closing(writer):
                writer.write(b"GET / HTTP/1.0\r\n\r\n")
                return (await reader.readline()).decode()
    except (ssl.SSLError, ConnectionError):
        return ""


async def test_the_proxy_gets_in_and_nobody_without_a_certificate(folder: Path) -> None:
    """It believes that this is `hub`; plain HTTP and strangers get no answer."""
    (listener,) = bind_sockets(0, "127.0.0.1")
    port = listener.getsockname()[1]
    server = HTTPServer(Application(), ssl_options=listening(certificate(f"{folder}")))
    server.add_sockets([listener])
    try:
        assert "404" in await status(port, of_proxy(folder))
        assert await status(port, None) == ""
        assert await status(port, of_nobody(folder)) == ""
    finally:
        server.stop()
        await server.close_all_connections()


def test_without_internal_ssl_all_is_plain() -> None:
    """As the service is told by the hub's configuration."""
    assert certificate("") == {}
    assert listening({}) is None
    process, _ = services("sqlite:////state.db", certificates="/srv/internal-ssl")
    assert process["environment"][CERTIFICATES] == "/srv/internal-ssl"
    assert services("sqlite:////state.db")[0]["environment"][CERTIFICATES] == ""
