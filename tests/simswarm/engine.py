"""The operator's `Engine` over a simulated Swarm, in this process and in virtual time."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from simswarm.api import Api
from simswarm.raw import Raw
from simswarm.swarm import Swarm
from swarmhub_operator.engine import decode, labels, news
from swarmhub_operator.engine.errors import EngineError, Kind, classify
from swarmhub_operator.engine.news import News
from swarmhub_operator.engine.observed import Node, Reservation, Secret, Service, Task, Volume


class SimulatedEngine:
    """Implements `swarmhub_operator.engine.port.Engine`.

    `latency` is how many seconds of virtual time a call takes: the Swarm goes on meanwhile, half
    of it before and half of it after the call does its work. `guard` is called before each call
    that changes something, where the real one is: when nothing but the wire lies in between.
    """

    def __init__(
        self,
        swarm: Swarm,
        latency: float = 0.002,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self._swarm = swarm
        self._api = Api(swarm)
        self._latency = latency
        self.guard = guard

    def _call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        filters = {k: json.dumps(v) if isinstance(v, dict) else str(v) for k, v in query.items()}
        self._pass(self._latency / 2)
        if method != "GET":
            self.guard()
        status, answer = self._arrive(method, path, filters, body)
        self._pass(self._latency / 2)
        if status >= 400:
            raise classify(status, answer["message"])
        return answer

    def _pass(self, seconds: float) -> None:
        """Let time pass."""
        self._swarm.clock.advance(seconds)

    def _arrive(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        return self._api.request(method, path, query, body)

    def _ours(self, path: str, store: str, notebook: str) -> Any:
        return self._call("GET", path, filters={"label": labels.of_store(store, notebook)})

    def services(self, store: str, notebook: str = "") -> tuple[Service, ...]:
        """List the services that carry the store's uid, or with "" those of any store."""
        return tuple(decode.service(raw) for raw in self._ours("/services", store, notebook))

    def tasks(self, store: str, notebook: str = "") -> tuple[Task, ...]:
        """List the tasks whose service carried the store's uid when they were made."""
        return tuple(decode.task(raw) for raw in self._ours("/tasks", store, notebook))

    def ending_tasks(self, store: str) -> tuple[Task, ...]:
        """List those of `tasks` that are to end or have ended, as long as Swarm remembers them."""
        filters = {"label": labels.of_store(store), "desired-state": ["shutdown"]}
        return tuple(decode.task(raw) for raw in self._call("GET", "/tasks", filters=filters))

    def errands(self, store: str) -> tuple[Service, ...]:
        """List the one-off services of a store."""
        return tuple(map(decode.service, self._errands("/services", store)))

    def errand_tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks of a store's one-off services."""
        return tuple(map(decode.task, self._errands("/tasks", store)))

    def _errands(self, path: str, store: str) -> Any:
        return self._call("GET", path, filters={"label": [f"{labels.ERRAND_STORE}={store}"]})

    def secrets(self, store: str, notebook: str = "") -> tuple[Secret, ...]:
        """List the secrets that carry the store's uid."""
        return tuple(decode.secret(raw) for raw in self._ours("/secrets", store, notebook))

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""
        return tuple(decode.node(raw) for raw in self._call("GET", "/nodes"))

    def reservations(self) -> tuple[Reservation, ...]:
        """List what the tasks of the whole Swarm hold of their nodes, whoever owns them."""
        found = (decode.reservation(raw) for raw in self._call("GET", "/tasks"))
        return tuple(held for held in found if held is not None)

    def update_node(
        self, node_id: str, version: int, availability: str, labels: Mapping[str, str]
    ) -> None:
        """Set a node's availability and labels if it still has `version`; its role stays."""
        spec = self._call("GET", f"/nodes/{node_id}")["Spec"]
        wanted = {**spec, "Availability": availability, "Labels": dict(labels)}
        self._call("POST", f"/nodes/{node_id}/update", wanted, version=version)

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

    def task_output(self, task_id: str) -> str:
        """Return all that a task wrote to its standard output."""
        self._call("GET", f"/tasks/{task_id}")
        return "".join(f"{text}\n" for stream, text in self._swarm.log(task_id) if stream == 1)

    def resolve_image(self, image: str) -> str:
        """Return `image` pinned to the digest that its registry knows it by."""
        if "@sha256:" in image:
            return image
        found = self._call("GET", f"/distribution/{image}/json")
        return f"{image}@{found['Descriptor']['digest']}"

    def own_image(self, image: str) -> str | None:
        """Have no image: the simulated Swarm keeps none on its nodes."""
        return None

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""
        return str(self._call("GET", "/info")["Swarm"]["NodeID"])

    def find_volume(self, name: str) -> Volume | None:
        """Return a volume of this engine's own node, or None."""
        try:
            return decode.volume(self._call("GET", f"/volumes/{name}"))
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise

    def own_volumes(self) -> tuple[Volume, ...]:
        """List the volumes of this engine's own node, whoever made them."""
        return tuple(map(decode.volume, self._call("GET", "/volumes")["Volumes"]))

    def measured_volumes(self) -> tuple[Volume, ...]:
        """List the volumes of this engine's own node; nothing is in them."""
        return tuple(replace(volume, size=0) for volume in self.own_volumes())

    def remove_volume(self, name: str) -> None:
        """Remove a volume of this engine's own node."""
        self._call("DELETE", f"/volumes/{name}")

    def events(self, seconds: float) -> Iterator[News]:
        """Yield once per event of the next `seconds` of virtual time."""
        told: list[Raw] = []
        stop = self._swarm.journal.listen(told.append)
        try:
            self._swarm.clock.advance(seconds)
        finally:
            stop()
        for event in told:
            yield news.read(event)
