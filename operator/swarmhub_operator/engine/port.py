"""What the operator asks of an engine: one request a method, every failure an `EngineError`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from swarmhub_operator.engine.observed import Node, Secret, Service, Task


class Engine(Protocol):
    """What the operator asks of an engine; the tests' simulator implements it too."""

    def services(self, store: str) -> tuple[Service, ...]:
        """List the services that carry the store's uid."""

    def tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks whose service carried the store's uid when they were made."""

    def secrets(self, store: str) -> tuple[Secret, ...]:
        """List the secrets that carry the store's uid."""

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""

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

    def resolve_image(self, image: str) -> str | None:
        """Return `image` pinned to its digest, or None when no registry knows it."""

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""

    def volume_labels(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of a volume of this engine's own node, or None."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume of this engine's own node."""

    def events(self, seconds: float) -> Iterator[None]:
        """Yield once per event that may concern us, for at most `seconds`."""
