"""The engine's HTTP API as a function: method, path, query and body in, status and JSON out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simswarm import listing, lookup
from simswarm.raw import Raw
from simswarm.refusal import NO_LEADER, NO_SWARM, Refusal
from simswarm.swarm import Swarm

VERSION = "20.10.24"
API_VERSION = "1.41"
_PREFIX = re.compile(r"^/v\d+\.\d+(?=/)")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its path split into what the route left open."""

    reference: str
    query: Mapping[str, str]
    body: Any

    @property
    def filters(self) -> dict[str, list[str]]:
        """Return the filters, each with its values."""
        given = json.loads(self.query.get("filters") or "{}")
        return {key: list(values) for key, values in given.items()}

    @property
    def version(self) -> int:
        """Return the version of the object that the request is about.

        Raises:
            Refusal: it is no number.
        """
        text = self.query.get("version", "")
        if not text.isdigit():
            problem = f'strconv.ParseUint: parsing "{text}": invalid syntax'
            raise Refusal(400, f"invalid service version '{text}': {problem}")
        return int(text)


class Api:
    """Answers requests about a simulated Swarm."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        world, tables = swarm.world, listing
        routes: dict[str, Callable[[Request], tuple[int, Any]]] = {
            "GET /version": lambda _: (200, _version()),
            "GET /info": lambda _: (200, self._info()),
            "GET /services": lambda r: (200, tables.services(world, r.filters, r.query)),
            "POST /services/create": self._create_service,
            "GET /services/ID": lambda r: (200, self._find("service", world.services, r)),
            "POST /services/ID/update": self._update_service,
            "DELETE /services/ID": self._remove_service,
            "GET /tasks": lambda r: (200, tables.tasks(world, r.filters, swarm.own_node)),
            "GET /tasks/ID": lambda r: (200, self._find("task", world.tasks, r)),
            "GET /secrets": lambda r: (200, tables.secrets(world, r.filters)),
            "POST /secrets/create": self._create_secret,
            "GET /secrets/ID": lambda r: (200, self._find("secret", world.secrets, r)),
            "DELETE /secrets/ID": self._remove_secret,
            "GET /nodes": lambda r: (200, tables.nodes(world, r.filters)),
            "GET /nodes/ID": lambda r: (200, self._find("node", world.nodes, r)),
            "POST /nodes/ID/update": self._update_node,
            "GET /networks": lambda r: (200, tables.networks(world, r.filters)),
            "POST /networks/create": self._create_network,
            "GET /networks/ID": self._inspect_network,
            "DELETE /networks/ID": self._remove_network,
            "GET /volumes": lambda _: (200, self._volumes()),
            "GET /volumes/ID": lambda r: (200, swarm.stock.volume(r.reference).raw()),
            "DELETE /volumes/ID": self._remove_volume,
            "GET /containers/ID/stats": lambda r: (200, swarm.stats(r.reference)),
            "GET /distribution/ID/json": self._distribution,
        }
        self._routes = [(_pattern(route), answer) for route, answer in routes.items()]

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> tuple[int, Any]:
        """Answer one request; the JSON is shared with the simulation and must not be changed."""
        asked = f"{method} {_PREFIX.sub('', path)}"
        try:
            for pattern, answer in self._routes:
                match = pattern.fullmatch(asked)
                if match:
                    if re.match(r".* /(services|tasks|secrets|nodes)", asked):
                        self._swarm.require_manager()
                    reference = match.groupdict().get("ID") or ""
                    return answer(Request(reference, query or {}, body))
        except Refusal as refusal:
            return refusal.status, {"message": refusal.message}
        return 404, {"message": "page not found"}

    def _find(self, kind: str, table: Mapping[str, Raw], request: Request) -> Raw:
        return lookup.find(kind, table, request.reference)

    def _info(self) -> Raw:
        nodes = self._swarm.world.nodes
        own = nodes[self._swarm.own_node]
        refusal = self._swarm.refusal
        swarm = {
            "NodeID": own["ID"] if refusal is not NO_SWARM else "",
            "NodeAddr": own["Status"]["Addr"] if refusal is not NO_SWARM else "",
            "LocalNodeState": "active" if refusal is not NO_SWARM else "inactive",
            "ControlAvailable": refusal in (None, NO_LEADER),
            "Error": NO_LEADER.message if refusal is NO_LEADER else "",
            "Nodes": len(nodes),
            "Managers": 1,
        }
        return {"Name": lookup.name_of(own), "ServerVersion": VERSION, "Swarm": swarm}

    def _create_service(self, request: Request) -> tuple[int, Any]:
        return 201, {"ID": self._swarm.services.create(request.body)["ID"]}

    def _update_service(self, request: Request) -> tuple[int, Any]:
        self._swarm.services.update(request.reference, request.version, request.body)
        return 200, {"Warnings": None}

    def _remove_service(self, request: Request) -> tuple[int, Any]:
        self._swarm.services.remove(request.reference)
        return 200, None

    def _create_secret(self, request: Request) -> tuple[int, Any]:
        return 201, {"ID": self._swarm.secrets.create(request.body)["ID"]}

    def _remove_secret(self, request: Request) -> tuple[int, Any]:
        self._swarm.secrets.remove(request.reference)
        return 204, None

    def _update_node(self, request: Request) -> tuple[int, Any]:
        self._swarm.nodes.update(request.reference, request.version, request.body)
        return 200, None

    def _create_network(self, request: Request) -> tuple[int, Any]:
        configs = (request.body.get("IPAM") or {}).get("Config") or [{}]
        subnet = configs[0].get("Subnet")
        made = self._swarm.networks.create(request.body["Name"], subnet)
        return 201, {"Id": made["ID"], "Warning": ""}

    def _inspect_network(self, request: Request) -> tuple[int, Any]:
        return 200, listing.network(self._find("network", self._swarm.world.networks, request))

    def _remove_network(self, request: Request) -> tuple[int, Any]:
        self._swarm.networks.remove(self._find("network", self._swarm.world.networks, request))
        return 204, None

    def _volumes(self) -> Raw:
        here = self._swarm.stock.volumes.get(self._swarm.own_node, {})
        return {"Volumes": [here[name].raw() for name in sorted(here)], "Warnings": None}

    def _remove_volume(self, request: Request) -> tuple[int, Any]:
        self._swarm.stock.remove_volume(request.reference)
        return 204, None

    def _distribution(self, request: Request) -> tuple[int, Any]:
        image, images = request.reference, self._swarm.world.images
        if not images.registry:
            host = image.partition("/")[0]
            text = f'Get "http://{host}/v2/": dial tcp {host}: connect: connection refused'
            raise Refusal(500, text)
        digest = images.digest(image)
        if digest is None:
            raise Refusal(404, "manifest unknown: manifest unknown")
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        return 200, {"Descriptor": {"mediaType": kind, "digest": digest, "size": 527}}


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.escape(route).replace("ID", "(?P<ID>.+?)").replace(r"\ ", " "))


def _version() -> Raw:
    return {
        "Version": VERSION,
        "ApiVersion": API_VERSION,
        "MinAPIVersion": "1.12",
        "Os": "linux",
        "Arch": "amd64",
    }
