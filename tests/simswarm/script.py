"""A script of engine calls as data, played on a simulated or a real engine, call by call."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simswarm.normal import Normal


@dataclass(frozen=True)
class Call:
    """One request; "{name}" in its path stands for a kept id, which `keep` names."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    keep: str = ""


@dataclass(frozen=True)
class Update:
    """Change a service: dotted paths and their new values."""

    service: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Until:
    """Wait until the service's tasks, oldest first, are in these (state, desired state)."""

    service: str
    tasks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tasks:
    """Read a service's tasks, oldest first."""

    service: str


@dataclass(frozen=True)
class NodeIs:
    """Wait until a node has a state."""

    node: str
    state: str


@dataclass(frozen=True)
class Do:
    """Let something happen: off, on (a node), drain, active (a node), kill (a service's task)."""

    what: str
    whom: str


@dataclass(frozen=True)
class Pause:
    """Let seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Events:
    """Read the events of some types since the script began, in their order."""

    types: tuple[str, ...]


Step = Call | Update | Until | Tasks | NodeIs | Do | Pause | Events


class Backend(Protocol):
    """An engine on which a script can be played."""

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        """Send a request; return the status and the JSON, None if there is none."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def now(self) -> float:
        """Return the time in seconds since 1970."""

    def power(self, node: str, *, on: bool) -> None:
        """Take a node's power away, or give it back."""

    def kill(self, task: Mapping[str, Any]) -> None:
        """Kill the process of a task that runs on the manager's node."""


PATIENCE = 60.0  # seconds


class Player:
    """Plays one script on one engine, and writes down what comes back."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._normal = Normal()
        self._ids: dict[str, str] = {}
        self._specs: dict[str, Any] = {}
        self._began = backend.now()
        self.transcript: list[tuple[str, Any]] = []

    def play(self, script: Sequence[Step]) -> list[tuple[str, Any]]:
        """Play all of it; each entry of the transcript is a step and what it brought."""
        for step in script:
            brought = self._one(step)
            if brought is not None:
                self.transcript.append((_title(step), self._normal.of(brought)))
        return self.transcript

    def _ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()}
        return self._backend.request(method, path, texts, body)

    def _one(self, step: Step) -> Any:
        match step:
            case Call():
                return self._call(step)
            case Update(service, changes):
                return self._update(service, changes)
            case Tasks(service):
                return self._tasks(service)
            case Events(types):
                return self._events(types)
            case Do(what, whom):
                self._do(what, whom)
            case Pause(seconds):
                self._backend.wait(seconds)
            case Until(service, wanted):
                self._until(
                    f"{service}'s tasks to be {wanted}", lambda: self._states(service), wanted
                )
            case NodeIs(node, state):
                self._until(
                    f"{node} to be {state}", lambda: self._node(node)["Status"]["State"], state
                )
        return None

    def _call(self, step: Call) -> Any:
        path, body = self._filled(step.path), self._filled_body(step.body)
        query = {k: self._filled_body(v) for k, v in step.query.items()}
        status, answer = self._ask(step.method, path, body, **query)
        if step.keep:
            self._ids[step.keep] = answer.get("ID") or answer["Id"]
            self._specs[step.keep] = body
        if isinstance(answer, list):
            answer = sorted(answer, key=lambda a: a.get("CreatedAt") or a.get("Created"))
        return {"status": status, "answer": answer}

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda m: self._ids[m[1]], text)

    def _filled_body(self, body: Any) -> Any:
        return None if body is None else json.loads(self._filled(json.dumps(body)))

    def _update(self, service: str, changes: Mapping[str, Any]) -> Any:
        spec = copy.deepcopy(self._specs[service])
        for path, value in changes.items():
            *way, last = path.split(".")
            place = spec
            for key in way:
                place = place[key]
            place[last] = value
        ident = self._ids[service]
        _, found = self._ask("GET", f"/services/{ident}")
        version = str(found["Version"]["Index"])
        status, answer = self._ask("POST", f"/services/{ident}/update", spec, version=version)
        if status == 200:
            self._specs[service] = spec
        return {"status": status, "answer": answer}

    def _tasks(self, service: str) -> list[Any]:
        _, found = self._ask("GET", "/tasks")
        mine = (t for t in found if t["ServiceID"] == self._ids[service])
        return sorted(mine, key=lambda t: t["CreatedAt"])

    def _states(self, service: str) -> tuple[tuple[str, str], ...]:
        return tuple((t["Status"]["State"], t["DesiredState"]) for t in self._tasks(service))

    def _node(self, name: str) -> Any:
        return self._ask("GET", f"/nodes/{name}")[1]

    def _until(self, what: str, look: Any, wanted: object) -> None:
        deadline = self._backend.now() + PATIENCE
        while (seen := look()) != wanted:
            if self._backend.now() > deadline:
                raise TimeoutError(f"Waited {PATIENCE:g} s in vain for {what}; last seen: {seen}.")
            self._backend.wait(0.05)

    def _do(self, what: str, whom: str) -> None:
        if what == "kill":
            self._backend.kill(self._tasks(whom)[-1])
        elif what in ("off", "on"):
            self._backend.power(whom, on=what == "on")
        else:
            node = self._node(whom)
            spec = {**node["Spec"], "Availability": what}
            version = str(node["Version"]["Index"])
            self._ask("POST", f"/nodes/{node['ID']}/update", spec, version=version)

    def _events(self, types: tuple[str, ...]) -> list[Any]:
        until = self._backend.now()
        query = {"since": f"{self._began:.6f}", "until": f"{until:.6f}"}
        _, found = self._ask("GET", "/events", None, filters={"type": list(types)}, **query)
        return [{k: e[k] for k in ("Type", "Action", "Actor", "scope")} for e in found]


def _title(step: Step) -> str:
    match step:
        case Call(method, path):
            return f"{method} {path}"
        case _:
            return str(step)
