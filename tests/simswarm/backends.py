"""The two engines on which scripts are played."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from simswarm.api import API_VERSION, Api
from simswarm.journal import passes
from simswarm.swarm import Swarm

TIMEOUT = 30  # seconds


class Simulated:
    """A simulated Swarm in virtual time."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        self._api = Api(swarm)

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        """Answer from the simulation."""
        self.wait(0.001)
        if path == "/events":
            told = self._swarm.journal.since(float(query["since"]), float(query["until"]))
            filters = json.loads(query["filters"])
            return 200, [e for e in told if passes(e, filters)]
        return self._api.request(method, path, query, body)

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._swarm.clock.advance(seconds)

    def now(self) -> float:
        """Return the virtual time of day."""
        return self._swarm.clock.utc().timestamp()

    def power(self, node: str, *, on: bool) -> None:
        """Switch a simulated node."""
        nodes = self._swarm.nodes
        (nodes.power_on if on else nodes.power_off)(node)

    def kill(self, task: Mapping[str, Any]) -> None:
        """End a simulated process."""
        self._swarm.kill(task["ID"])


class _Line(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


class Real:
    """A real engine, asked over its socket without any library in between."""

    def __init__(
        self,
        socket_path: str,
        power: Callable[[str, bool], None],
        kill: Callable[[str], None],
    ) -> None:
        self._path = socket_path
        self._power = power
        self._kill = kill

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        """Send the request to the engine."""
        line = _Line(self._path)
        text = None if body is None else json.dumps(body)
        head = {} if body is None else {"Content-Type": "application/json"}
        target = f"/v{API_VERSION}{quote(path)}?{urlencode(query)}"
        try:
            line.request(method, target, text, head)
            response = line.getresponse()
            content = response.read()
        finally:
            line.close()
        if path == "/events":
            return response.status, [json.loads(event) for event in content.splitlines()]
        return response.status, json.loads(content) if content else None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def now(self) -> float:
        """Return the time of day."""
        return time.time()

    def power(self, node: str, *, on: bool) -> None:
        """Switch a node's machine."""
        self._power(node, on)

    def kill(self, task: Mapping[str, Any]) -> None:
        """Kill a container."""
        self._kill(task["Status"]["ContainerStatus"]["ContainerID"])
