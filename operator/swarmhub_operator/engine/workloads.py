"""Services and containers, whoever made them, and for which user of a hub they run.

Of their environment only the names of user and server are kept: it holds API tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from swarmhub_operator.engine import labels

_USER: Final = "JUPYTERHUB_USER"
_SERVER: Final = "JUPYTERHUB_SERVER_NAME"
_OF_SERVICE: Final = "com.docker.swarm.service.id"


class WorkloadKind(StrEnum):
    """What runs."""

    SERVICE = "service"
    CONTAINER = "container"


@dataclass(frozen=True, slots=True)
class Workload:
    """A service, or a container of the engine's own node.

    Attributes:
        kind: which of them.
        id: the engine's.
        name: the engine's, without a slash.
        running: whether it may write; a service counts as running as long as it is there.
        user: that a hub started it for; "": no hub did.
        server: name of the user's server; "": the default one.
        volumes: names of those that it mounts.
        paths: of the node, that it mounts.
        service: id of the service that a container belongs to, or "".
        ours: whether swarmhub made it.
    """

    kind: WorkloadKind
    id: str
    name: str
    running: bool = True
    user: str = ""
    server: str = ""
    volumes: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    service: str = ""
    ours: bool = False

    @property
    def title(self) -> str:
        """What a person calls it, as in "container jupyter-ada"."""
        return f"{self.kind} {self.name}"


def of_service(raw: Mapping[str, Any]) -> Workload:
    """Read a service as the engine lists it."""
    spec = raw.get("Spec", {})
    container = spec.get("TaskTemplate", {}).get("ContainerSpec") or {}
    environment, mounts = _environment(container.get("Env")), container.get("Mounts") or ()
    return Workload(
        kind=WorkloadKind.SERVICE,
        id=raw["ID"],
        name=spec.get("Name", ""),
        user=environment.get(_USER, ""),
        server=environment.get(_SERVER, ""),
        volumes=_sources(mounts, "volume", "Source"),
        paths=_sources(mounts, "bind", "Source"),
        ours=_is_ours(spec.get("Labels") or {}),
    )


def of_container(raw: Mapping[str, Any]) -> Workload:
    """Read a container as the engine inspects it."""
    config, mounts = raw.get("Config", {}), raw.get("Mounts") or ()
    environment, about = _environment(config.get("Env")), config.get("Labels") or {}
    return Workload(
        kind=WorkloadKind.CONTAINER,
        id=raw["Id"],
        name=raw.get("Name", "").removeprefix("/"),
        running=bool(raw.get("State", {}).get("Running")),
        user=environment.get(_USER, ""),
        server=environment.get(_SERVER, ""),
        volumes=_sources(mounts, "volume", "Name"),
        paths=_sources(mounts, "bind", "Source"),
        service=about.get(_OF_SERVICE, ""),
        ours=_is_ours(about),
    )


def _environment(given: Iterable[str] | None) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in given or ())
    return {name: value for name, _, value in pairs if name in (_USER, _SERVER)}


def _sources(mounts: Iterable[Mapping[str, Any]], kind: str, key: str) -> frozenset[str]:
    found = (str(mount.get(key, "")) for mount in mounts if mount.get("Type") == kind)
    return frozenset(found) - {""}


def _is_ours(about: Mapping[str, str]) -> bool:
    return any(name in about for name in (labels.STORE, labels.NOTEBOOK, labels.ERRAND))
