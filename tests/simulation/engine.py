"""The operator's `Engine` over a simulated Swarm, in this process and in virtual time."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from simulation.api import Api
from simulation.swarm import Swarm
from swarmhub_operator.engine import decode, labels
from swarmhub_operator.engine.errors import EngineError, Kind, classify
from swarmhub_operator.engine.observed import Node, Secret, Service, Task


class SimulatedEngine:
    """Implements `swarmhub_operator.engine.port.Engine`.

    `latency` is how many seconds of virtual time a call takes: the Swarm goes on meanwhile, half
    of it before and half of it after the call does its work.
    """

    def __init__(self, swarm: Swarm, latency: float = 0.002) -> None:
        self._swarm = swarm
        self._api = Api(swarm)
        self._latency = latency

    def _call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        filters = {k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in query.items()}
        self._swarm.clock.advance(self._latency / 2)
        status, answer = self._api.request(method, path, filters, body)
        self._swarm.clock.advance(self._latency / 2)
        if status >= 400:
            raise classify(status, answer["message"])
        return answer

    def _ours(self, path: str, store: str) -> Any:
        return self._call("GET", path, filters={"label": [f"{labels.STORE}={store}"]})

    def services(self, store: str) -> tuple[Service, ...]:
        """List the services that carry the store's uid."""
        return tuple(decode.service(raw) for raw in self._ours("/services", store))

    def tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks whose service carried the store's uid when they were made."""
        return tuple(decode.task(raw) for raw in self._ours("/tasks", store))

    def secrets(self, store: str) -> tuple[Secret, ...]:
        """List the secrets that carry the store's uid."""
        return tuple(decode.secret(raw) for raw in self._ours("/secrets", store))

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""
        return tuple(decode.node(raw) for raw in self._call("GET", "/nodes"))

    def find_service(self, name: str) -> Service | None:
        """Find a service by its exact name, whoever owns it."""
        found = self._call("GET", "/services", filters={"name": [name]})
        return next((decode.service(s) for s in found if s["Spec"]["Name"] == name), None)

    def create_service(self, spec: Mapping[str, Any]) -> str:
        """Create a service and return its id."""
        return str(self._call("POST", "/services/create", spec)["ID"])

    def update_service(self, service_id: str, version: int, spec: Mapping[str, Any]) -> None:
        """Replace a service's spec if it still has `version`."""
        self._call("POST", f"/services/{service_id}/update", spec, version=version)

    def remove_service(self, service_id: str) -> None:
        """Remove a service by its full id."""
        self._call("DELETE", f"/services/{service_id}")

    def create_secret(self, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Create a secret and return its id."""
        body = {"Name": name, "Data": base64.b64encode(data).decode(), "Labels": dict(labels)}
        return str(self._call("POST", "/secrets/create", body)["ID"])

    def find_secret(self, name: str) -> Secret | None:
        """Find a secret by its exact name, whoever owns it."""
        found = self._call("GET", "/secrets", filters={"name": [name]})
        return next((decode.secret(s) for s in found if s["Spec"]["Name"] == name), None)

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret by its full id."""
        self._call("DELETE", f"/secrets/{secret_id}")

    def task_log(self, task_id: str, lines: int) -> tuple[str, ...]:
        """Return the last lines that a task wrote."""
        self._call("GET", f"/tasks/{task_id}")
        return tuple(text for _, text in self._swarm.log(task_id))[-lines:]

    def resolve_image(self, image: str) -> str | None:
        """Return `image` pinned to its digest, or None when no registry knows it."""
        if "@sha256:" in image:
            return image
        try:
            found = self._call("GET", f"/distribution/{image}/json")
        except EngineError:
            return None
        return f"{image}@{found['Descriptor']['digest']}"

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""
        return str(self._call("GET", "/info")["Swarm"]["NodeID"])

    def volume_labels(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of a volume of this engine's own node, or None."""
        try:
            return self._call("GET", f"/volumes/{name}")["Labels"] or {}
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise

    def remove_volume(self, name: str) -> None:
        """Remove a volume of this engine's own node."""
        self._call("DELETE", f"/volumes/{name}")

    def events(self, seconds: float) -> Iterator[None]:
        """Yield once per event that falls into the next `seconds` of virtual time."""
        told: list[object] = []
        stop = self._swarm.journal.listen(told.append)
        try:
            self._swarm.clock.advance(seconds)
        finally:
            stop()
        for _ in told:
            yield None
