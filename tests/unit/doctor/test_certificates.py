"""Certificates are seen as servers show them: whoever signed them, whoever they ask for."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as library
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from swarmhub_operator.cli import doctor_host
from swarmhub_operator.doctor.facts import Missing
from swarmhub_operator.doctor.x509 import good_until
from unit.doctor.site import ABOUT, NETWORK, SWARM, service, swarm, task

UNTIL = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate that is good until `UNTIL`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = library.Name([library.NameAttribute(NameOID.COMMON_NAME, "hub")])
    begin = UNTIL - timedelta(days=365 * 10)
    made = library.CertificateBuilder(name, name, key.public_key(), 7, begin, UNTIL)
    certificate = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(certificate + private)
    return file


@contextmanager
def server(pem: Path, *, asks: bool) -> Iterator[int]:
    """Serve one handshake at a port; `asks` wants a certificate of the other side, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pem)

    def shake() -> None:
        plain, _ = listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as line:
                line.recv(1)
        except OSError:
            plain.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=shake, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize("asks", [False, True])
def test_a_server_shows_its_certificate(pem: Path, asks: bool) -> None:
    """Also one that wants ours, as with `internal_ssl`: it has shown its own by then."""
    with server(pem, asks=asks) as port:
        assert good_until(doctor_host.shown_by("127.0.0.1", port)) == UNTIL


def test_who_speaks_no_tls_shows_none() -> None:
    """That is an error of the socket, whatever it is."""
    with socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            doctor_host.shown_by("127.0.0.1", shut.getsockname()[1])


def test_the_swarms_own_authority_is_read(pem: Path) -> None:
    """It is what a manager tells."""
    (found,) = doctor_host._authority(pem.read_text())
    assert found.good_until == UNTIL
    assert not list(doctor_host._authority(ABOUT.root_ca))


def test_who_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy if it speaks TLS, the hub with `internal_ssl`, each at its task's address."""
    proxy = service("swarmhub_proxy", container={"Env": ["SWARMHUB_TLS=/both.pem"]})
    secrets = {"Secrets": [{"SecretName": "swarmhub-proxy-api-ssl-0123"}]}
    inner = service("swarmhub_proxy", container=secrets)
    hub = service("swarmhub_hub")
    asked: list[tuple[str, int]] = []

    def refuse(address: str, port: int) -> bytes:
        asked.append((address, port))
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(doctor_host, "shown_by", refuse)
    tasks = tuple(
        task(s, "manager", addresses={NETWORK: address})
        for s, address in ((proxy, "10.0.9.3"), (hub, "10.0.9.4"))
    )
    for services in ((proxy, hub), (inner, hub), (hub,)):
        facts = swarm(services=services, tasks=tasks)
        found = doctor_host.certificates(facts.swarm, NETWORK)
        assert not isinstance(found, Missing)
        assert all(isinstance(c.good_until, Missing) for c in found)
    assert asked == [("10.0.9.3", 8000), ("10.0.9.4", 8081)]
    assert doctor_host.certificates(SWARM, NETWORK) == ()
