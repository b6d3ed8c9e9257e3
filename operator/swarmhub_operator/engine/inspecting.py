"""What only commands for people ask of an engine, over the docker SDK's low-level client.

Nothing of it is asked by the operator's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from swarmhub_operator.engine import decode, shares, surroundings, usage, workloads
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Service, Task
from swarmhub_operator.engine.shares import Share
from swarmhub_operator.engine.surroundings import About, Network
from swarmhub_operator.engine.usage import Sample
from swarmhub_operator.engine.workloads import Workload

_STATS_TIMEOUT: Final = 10  # seconds; with `one-shot` the engine answers at once
# Of GET /info; the rest is long, or could hold a proxy's password.
_INFO: Final = (
    "ServerVersion",
    "OperatingSystem",
    "OSVersion",
    "KernelVersion",
    "Architecture",
    "NCPU",
    "MemTotal",
    "Driver",
    "LoggingDriver",
    "CgroupDriver",
    "CgroupVersion",
    "SecurityOptions",
    "DefaultRuntime",
    "LiveRestoreEnabled",
    "Containers",
    "ContainersRunning",
    "Images",
    "SystemTime",
    "Warnings",
)
_SWARM: Final = (
    "NodeID",
    "NodeAddr",
    "LocalNodeState",
    "ControlAvailable",
    "Error",
    "Nodes",
    "Managers",
)


class Listed(StrEnum):
    """What an engine lists."""

    SERVICES = "services"
    TASKS = "tasks"
    NODES = "nodes"
    NETWORKS = "networks"


class Inspecting:
    """A part of `DockerEngine`."""

    _call: Callable[..., Any]
    _list: Callable[..., Any]

    def essentials(self) -> Mapping[str, Any]:
        """Return the essentials of GET /version and GET /info, in the engine's words.

        Raises:
            EngineError: the engine cannot be asked.
        """
        version = self._call(lambda api: api.version())
        info = self._call(lambda api: api.info())
        return {
            "version": {key: version.get(key) for key in ("Version", "ApiVersion", "MinAPIVersion")}
            | {"components": _components(version)},
            "info": {key: info[key] for key in _INFO if key in info},
            "swarm": {key: (info.get("Swarm") or {}).get(key) for key in _SWARM},
        }

    def raw(self, what: Listed) -> tuple[Mapping[str, Any], ...]:
        """Return all services, tasks, nodes or networks of the Swarm as the engine lists them.

        Environment and all else is in it: nothing of it may be shown as it is.

        Raises:
            EngineError: the engine cannot be asked.
        """
        return tuple(self._call(lambda api: getattr(api, what.value)()))

    def shares(self) -> tuple[Share, ...]:
        """List what the tasks of the whole Swarm may take of their nodes, in one call.

        Raises:
            EngineError: the engine cannot be asked.
        """
        found = self._call(lambda api: tuple(map(shares.read, api.tasks())))
        return tuple(share for share in found if share is not None)

    def sample(self, container: str) -> Sample | None:
        """Read the counters of a container of this engine's own node; None: it does not run here.

        `one-shot` (API 1.41) has the engine answer from one reading instead of waiting a second for
        another one; older engines do not know it and wait.

        Raises:
            EngineError: the engine cannot be asked.
        """

        def request(api: Any) -> Sample | None:
            url = f"{api.base_url}/v{api.api_version}/containers/{container}/stats"
            asked = {"stream": "0", "one-shot": "1"}
            response = api.get(url, params=asked, timeout=_STATS_TIMEOUT)
            api._raise_for_status(response)  # noqa: SLF001 - makes the SDK's own errors of it
            return usage.read(response.json())

        try:
            found: Sample | None = self._call(request)
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise
        return found

    def foreign(self) -> tuple[Workload, ...]:
        """List all services of the Swarm and all containers of this engine's own node.

        Environment is told of one container at a time only, so this is for a person's command.
        """
        services: tuple[Workload, ...] = self._list(
            workloads.of_service, lambda api: api.services()
        )
        listed = self._call(lambda api: [raw["Id"] for raw in api.containers(all=True)])
        found = (self._container(ident) for ident in listed)
        return (*services, *(one for one in found if one is not None))

    def about(self) -> About:
        """Return what the engine says of itself."""
        found: About = self._call(lambda api: surroundings.about(api.info()))
        return found

    def networks(self) -> tuple[Network, ...]:
        """List the networks that this engine knows."""
        found: tuple[Network, ...] = self._list(surroundings.network, lambda api: api.networks())
        return found

    def all_services(self) -> tuple[Service, ...]:
        """List the services of the Swarm, whoever made them."""
        found: tuple[Service, ...] = self._list(decode.service, lambda api: api.services())
        return found

    def all_tasks(self) -> tuple[Task, ...]:
        """List the tasks of the Swarm, whoever made them."""
        found: tuple[Task, ...] = self._list(decode.task, lambda api: api.tasks())
        return found

    def _container(self, ident: str) -> Workload | None:
        try:
            return self._call(  # type: ignore[no-any-return]
                lambda api: workloads.of_container(api.inspect_container(ident))
            )
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise


def _components(version: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of containerd, runc and the like."""
    return {
        str(one.get("Name")): str(one.get("Version")) for one in version.get("Components") or ()
    }
