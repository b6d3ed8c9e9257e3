"""What the operator asks of an engine: one request a method, every failure an `EngineError`.

Before each request that changes something, at the last moment, an implementation calls the guard
that it was made with; what that raises is no failure of the engine and passes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from swarmhub_operator.engine.inspecting import Listed
from swarmhub_operator.engine.news import News
from swarmhub_operator.engine.observed import Node, Reservation, Secret, Service, Task, Volume
from swarmhub_operator.engine.shares import Share
from swarmhub_operator.engine.surroundings import About, Network
from swarmhub_operator.engine.usage import Sample
from swarmhub_operator.engine.workloads import Workload


class Engine(Protocol):
    """What the operator asks of an engine; the tests' simulator implements it too."""

    def services(self, store: str, notebook: str = "") -> tuple[Service, ...]:
        """List the services that carry the store's uid, or with "" those of any store.

        With the name of a notebook, only those that carry that, too; likewise below.
        """

    def tasks(self, store: str, notebook: str = "") -> tuple[Task, ...]:
        """List the tasks whose service carried the store's uid when they were made."""

    def ending_tasks(self, store: str) -> tuple[Task, ...]:
        """List those of `tasks` that are to end or have ended, as long as Swarm remembers them."""

    def secrets(self, store: str, notebook: str = "") -> tuple[Secret, ...]:
        """List the secrets that carry the store's uid."""

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""

    def errands(self, store: str) -> tuple[Service, ...]:
        """List the one-off services of a store."""

    def errand_tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks of a store's one-off services."""

    def reservations(self) -> tuple[Reservation, ...]:
        """List what the tasks of the whole Swarm hold of their nodes, whoever owns them."""

    def update_node(
        self, node_id: str, version: int, availability: str, labels: Mapping[str, str]
    ) -> None:
        """Set a node's availability and labels if it still has `version`; its role stays."""

    def find_service(self, name: str) -> Service | None:
        """Find a service by its exact name, whoever owns it."""

    def create_service(self, spec: Mapping[str, Any]) -> str:
        """Create a service and return its id."""

    def update_service(self, service_id: str, version: int, spec: Mapping[str, Any]) -> None:
        """Replace a service's spec if it still has `version`."""

    def remove_service(self, service_id: str) -> None:
        """Remove a service by its full id."""

    def create_secret(self, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Create a secret and return its id."""

    def find_secret(self, name: str) -> Secret | None:
        """Find a secret by its exact name, whoever owns it."""

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret by its full id."""

    def task_log(self, task_id: str, lines: int) -> tuple[str, ...]:
        """Return the last lines that a task wrote."""

    def task_output(self, task_id: str) -> str:
        """Return all that a task wrote to its standard output."""

    def resolve_image(self, image: str) -> str:
        """Return `image` pinned to the digest that its registry knows it by.

        Of the error GONE means that the registry does not know it, REFUSED that it wants another
        login, UNAVAILABLE that it cannot be asked.
        """

    def own_image(self, image: str) -> str | None:
        """Return the id by which this engine's own node has an image, or None if it has not."""

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""

    def find_volume(self, name: str) -> Volume | None:
        """Return a volume of this engine's own node, or None."""

    def own_volumes(self) -> tuple[Volume, ...]:
        """List the volumes of this engine's own node, whoever made them."""

    def measured_volumes(self) -> tuple[Volume, ...]:
        """List the volumes of this engine's own node with their sizes: every file is read."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume of this engine's own node."""

    def events(self, seconds: float) -> Iterator[News]:
        """Yield once per event that may concern us, for at most `seconds`."""


class LogSource(Engine, Protocol):
    """An engine that gives the logs of tasks as they come."""

    def stream_log(self, task_id: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """Give what a task writes, to either output, as it comes; see `DockerEngine`."""


class Neighbours(Engine, Protocol):
    """An engine that tells of what others run there, too, as a migration needs it."""

    def foreign(self) -> tuple[Workload, ...]:
        """List all services of the Swarm and all containers of this engine's own node."""


class Surroundings(Engine, Protocol):
    """An engine that tells of itself and of all that runs on the Swarm, as a doctor needs it."""

    def about(self) -> About:
        """Return what the engine says of itself; any engine does, in a Swarm or not."""

    def registry_digest(self, image: str) -> str:
        """Return the digest by which its registry knows an image, also if it is named by digest.

        The errors are those of `resolve_image`.
        """

    def networks(self) -> tuple[Network, ...]:
        """List the networks that this engine knows."""

    def all_services(self) -> tuple[Service, ...]:
        """List the services of the Swarm, whoever made them."""

    def all_tasks(self) -> tuple[Task, ...]:
        """List the tasks of the Swarm, whoever made them."""


class Measuring(Protocol):
    """An engine that tells how much is used, as `swarmhub top` needs it."""

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""

    def shares(self) -> tuple[Share, ...]:
        """List what the tasks of the whole Swarm may take of their nodes, whoever owns them."""

    def sample(self, container: str) -> Sample | None:
        """Read the counters of a container of this engine's own node; None: it runs not here."""


class Reporting(LogSource, Protocol):
    """An engine that tells all that a bug report holds of it."""

    def essentials(self) -> Mapping[str, Any]:
        """Return the essentials of its version and of its own information."""

    def raw(self, what: Listed) -> tuple[Mapping[str, Any], ...]:
        """List services, tasks, nodes or networks of the Swarm in its own words."""
