"""What `doctor` sees from where it runs: files, the disk of the state, and certificates."""

from __future__ import annotations

import socket
import ssl
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from swarmhub_operator.decide.probes import Disk
from swarmhub_operator.disks import disk_of
from swarmhub_operator.doctor import x509
from swarmhub_operator.doctor.facts import Certificate, FileFact, Missing, Swarm, container_of
from swarmhub_operator.engine.observed import Service, Task, TaskState
from swarmhub_operator.settings import Settings

_WITHIN: Final = 3.0  # seconds for one handshake
_PUBLIC_PORT: Final = 8000  # of the proxy, in its container
_HUB_PORT: Final = 8081
_TLS: Final = "SWARMHUB_TLS="  # a variable of the proxy that speaks TLS (images/tls.yml)
_INTERNAL: Final = "-ssl-"  # in the names of the proxy's secrets with `internal_ssl`
_DIRECT: Final = (  # of the services as `make up` names them
    ("_proxy", _PUBLIC_PORT, "the certificate of the login page",
     "Run `make up` with the renewed files (docs/hub.md)."),
    ("_hub", _HUB_PORT, "the certificate of the hub (internal_ssl)",
     "Stop the running servers, then `make up INTERNAL_SSL=renew`."),
)  # fmt: skip


def files(state: Path, settings: Settings) -> tuple[FileFact, ...]:
    """Look at the files that should be closed to others; those that are not there are left out."""
    wanted = [
        (state, "the state database", True),
        (state.with_name(state.name + "-wal"), "the last changes of the state", True),
        (state.parent, "the folder of the state", False),
    ]
    if settings.policy_file is not None:
        wanted.append((settings.policy_file, "the policy", False))
    if settings.registry_auth_file is not None:
        wanted.append((settings.registry_auth_file, "the logins at registries", True))
    return tuple(_files(wanted))


def _files(wanted: Iterable[tuple[Path, str, bool]]) -> Iterator[FileFact]:
    for path, what, secret in wanted:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        yield FileFact(str(path), what, mode, secret)


def state_disk(state: Path) -> Disk | Missing:
    """Ask for the room on the disk of the state."""
    try:
        found = disk_of(state.parent)
    except OSError as error:
        return Missing(f"{state.parent} cannot be looked at ({error.strerror})")
    return found or Missing(f"the file system of {state.parent} tells of no room")


def certificates(swarm: Swarm, network: str) -> tuple[Certificate, ...] | Missing:
    """Ask those who speak TLS for their certificates, and read the Swarm's own authority."""
    if isinstance(swarm.about, Missing):
        return Missing("the engine does not answer")
    found = list(_authority(swarm.about.root_ca))
    if not isinstance(swarm.services, Missing) and not isinstance(swarm.tasks, Missing):
        for service, port, name, renewal in _speaking(swarm.services):
            until = _asked(service, swarm.tasks, network, port)
            found.append(Certificate(name, until, renewal))
    return tuple(found)


def _authority(pem: str) -> Iterator[Certificate]:
    ends = [until for der in x509.from_pem(pem) if (until := x509.good_until(der))]
    if ends:
        renewal = "`docker swarm ca --rotate` makes a new one, while all nodes are up."
        yield Certificate("the Swarm's own authority", min(ends), renewal)


def _speaking(services: Iterable[Service]) -> Iterator[tuple[Service, int, str, str]]:
    """Give the parts that speak TLS, as their specs tell."""
    listed = tuple(services)
    public = any(_has_tls(s) for s in listed)
    internal = any(s.name.endswith("_proxy") and _has_internal(s) for s in listed)
    for end, port, name, renewal in _DIRECT:
        wanted = public if end == "_proxy" else internal
        found = next((s for s in listed if s.name.endswith(end)), None)
        if wanted and found is not None:
            yield found, port, name, renewal


def _has_tls(service: Service) -> bool:
    given = container_of(service).get("Env") or ()
    return service.name.endswith("_proxy") and any(v.startswith(_TLS) for v in given)


def _has_internal(service: Service) -> bool:
    secrets = container_of(service).get("Secrets") or ()
    return any(_INTERNAL in s.get("SecretName", "") for s in secrets)


def _asked(service: Service, tasks: Iterable[Task], network: str, port: int) -> datetime | Missing:
    """Shake hands with the task of a service, at its own address."""
    own = (t for t in tasks if t.service_id == service.id and t.state is TaskState.RUNNING)
    address = next((t.addresses[network] for t in own if network in t.addresses), None)
    if address is None:
        return Missing(f"nothing of the service {service.name} runs on {network}")
    try:
        der = shown_by(address, port)
    except OSError as error:
        return Missing(f"{address}:{port} shows none here ({error})")
    return x509.good_until(der) or Missing(f"what {address}:{port} shows cannot be read")


def shown_by(address: str, port: int) -> bytes:
    """Return the certificate that a server shows, in DER, whoever signed it.

    Raises:
        OSError: it cannot be reached, or speaks no TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is only looked at, and nothing is told
    with (
        socket.create_connection((address, port), timeout=_WITHIN) as plain,
        context.wrap_socket(plain) as line,
    ):
        return line.getpeercert(binary_form=True) or b""
