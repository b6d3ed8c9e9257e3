"""The floor: the services that the operator creates, created by a call of the engine alone."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import Any

from bench.site.engine import EngineClient
from bench.site.room import Prober

_RUNS_WITHIN = 180.0  # seconds
_PORT = 8888


@dataclass(frozen=True, slots=True)
class Bare:
    """A service that was created bare.

    Attributes:
        service: its id.
        asked: when the call was sent, in seconds since 1970.
        created: when it was answered.
        running: when its task was seen running.
        answering: when its server answered HTTP.
    """

    service: str
    asked: float
    created: float
    running: float
    answering: float


class Floor:
    """Creates services of the same spec as a notebook that the operator has started.

    Attributes:
        network: id of the network on which they are reached.
    """

    def __init__(self, engine: EngineClient, prober: Prober, template: dict[str, Any]) -> None:
        """Take over a notebook's spec.

        Args:
            engine: where.
            prober: in the notebooks' network.
            template: the spec of its service, as the engine tells it; what its secrets hold must
                stay in the Swarm.
        """
        self._engine = engine
        self._prober = prober
        self._template = template
        networks = template["TaskTemplate"]["Networks"]
        self.network = str(engine.call("GET", f"/networks/{networks[0]['Target']}")["Id"])

    def spec(self, name: str, image: str = "") -> dict[str, Any]:
        """Return the spec of a service: the template's, but for its name, labels and volume.

        Args:
            name: of the service.
            image: in place of the template's, if one is given.
        """
        spec = copy.deepcopy(self._template)
        spec["Name"], spec["Labels"] = f"bare-{name}", {}
        container = spec["TaskTemplate"]["ContainerSpec"]
        container["Labels"] = {"bench.bare": name}
        container["Image"] = image or container["Image"]
        for mount in container.get("Mounts", []):
            mount["Source"] = f"bare-{name}"
            mount.get("VolumeOptions", {}).pop("Labels", None)
        for network in spec["TaskTemplate"]["Networks"]:
            network["Aliases"] = [f"bare-{name}"]
        return spec

    def start(self, name: str, *, every: float = 0.02, image: str = "", node: str = "") -> Bare:
        """Create a service and wait until its server answers.

        Args:
            name: of it.
            every: seconds between two attempts to reach it.
            image: another one than the template's.
            node: host name of the one where it is to run, and to be restarted by Swarm.

        Raises:
            TimeoutError: it does not answer.
            httpx.HTTPError: the engine refuses it.
        """
        spec = self.spec(name, image)
        if node:
            spec["TaskTemplate"]["Placement"] = {"Constraints": [f"node.hostname=={node}"]}
            spec["TaskTemplate"]["RestartPolicy"] = {"Condition": "any"}
        asked = time.time()
        service = self._engine.create_service(spec)
        created = time.time()
        address = self._engine.address_of(service, self.network, _RUNS_WITHIN)
        running = time.time()
        answering = self._answering(name, address, every)
        return Bare(service, asked, created, running, answering)

    def answering(self, service: str, name: str) -> float:
        """Return when the newest task of a service answers.

        Args:
            service: its id.
            name: what this is called, unlike anything before.

        Raises:
            TimeoutError: it does not answer.
        """
        return self._answering(name, self._engine.address_of(service, self.network, _RUNS_WITHIN))

    def _answering(self, name: str, address: str, every: float = 0.02) -> float:
        self._prober.watch(name, address, _PORT, "/", every=every, within=_RUNS_WITHIN)
        return self._prober.answered(name, _RUNS_WITHIN)

    def stop(self, bare: Bare) -> float:
        """Remove a service and return how many seconds the call took."""
        began = time.monotonic()
        self._engine.remove_service(bare.service)
        return time.monotonic() - began
