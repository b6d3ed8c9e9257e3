"""What a run has come to, in a form in which two runs can be compared, and when it is over."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from simswarm import lookup, states
from simswarm.raw import Raw
from simulation.driver import Simulation
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_operator.engine import labels

CALM = 10.0  # seconds without any change, once every record has been acted upon
PATIENT = 90.0  # seconds without any change, where a record waits for something: longer than
# any time-out of the operator
_ERRAND = re.compile(r"swarmhub-(errand|move)-")  # in the name of what an errand needs
_DONE = (Phase.RUNNING, Phase.STOPPED, Phase.FAILED)


@dataclass(frozen=True)
class Outcome:
    """The end of a run: ids, times and the history of tasks left out.

    Attributes:
        records: notebooks and homes, by name.
        services: their specs, by name.
        tasks: states of the tasks that live, by service.
        secrets: their names.
        volumes: their names and what is in them, by node.
        counts: how often what was done to the Swarm, by call and name; errands, which are sent
            again after a crash, do not count.
    """

    records: Mapping[str, object]
    services: Mapping[str, object]
    tasks: Mapping[str, object]
    secrets: tuple[str, ...]
    volumes: Mapping[str, object]
    counts: Mapping[str, int]

    def difference(self, other: Outcome) -> list[str]:
        """Return in words what is different in `other`."""
        return [
            problem
            for field in fields(self)
            for problem in _differences(
                field.name, getattr(self, field.name), getattr(other, field.name)
            )
        ]


def _differences(where: str, mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for key in sorted({*mine, *theirs}):
            yield from _differences(f"{where}: {key}", mine.get(key), theirs.get(key))
    elif mine != theirs:
        yield f"{where} is {theirs} in place of {mine}"


def of(sim: Simulation) -> Outcome:
    """Return what the run has come to by now."""
    world = sim.swarm.world
    return Outcome(
        records=_records(sim),
        services={s["Spec"]["Name"]: _service(sim, s) for s in world.services.values()},
        tasks=_tasks(sim),
        secrets=tuple(sorted(s["Spec"]["Name"] for s in world.secrets.values())),
        volumes={
            lookup.name_of(world.nodes[node]): tuple(
                (name, sim.swarm.stock.content(node, name)) for name in sorted(here)
            )
            for node, here in sim.swarm.stock.volumes.items()
            if here
        },
        counts={what: n for what, n in sim.seam.landed.items() if not _ERRAND.search(what)},
    )


def _records(sim: Simulation) -> dict[str, object]:
    found: dict[str, object] = {}
    for record in (*sim.store.list_notebooks(), *sim.store.list_homes()):
        if isinstance(record, Notebook):
            found[record.metadata.name] = _notebook(record)
        elif isinstance(record, Home):
            home = record.status
            found[record.metadata.name] = (home.phase.value, home.node, record.spec.reclaim.value)
        else:
            found[record.name] = "unreadable"
    return found


def _notebook(record: Notebook) -> object:
    meta, status = record.metadata, record.status
    conditions = {c.type: (c.status.value, c.reason) for c in status.conditions}
    return {
        "phase": status.phase.value,
        "desired": record.spec.desired.value,
        "generation": (meta.generation, status.observed_generation),
        "restarts": status.restarts,
        "exit": status.exit_code,
        "deleted": meta.deletion_requested_at is not None,
        "conditions": conditions,
    }


def _service(sim: Simulation, service: Raw) -> object:
    """Return the spec with names in place of ids and uids."""
    uids = {
        r.metadata.uid: f"uid of {r.metadata.name}"
        for r in (*sim.store.list_notebooks(), *sim.store.list_homes())
        if isinstance(r, Notebook | Home)
    }
    return _named(service["Spec"], uids)


def _named(value: Any, uids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        left_out = (labels.SUPERSEDES, "SecretID")
        told = {k: json.loads(v)["spec"] if k == labels.RECORD else v for k, v in value.items()}
        return {k: _named(v, uids) for k, v in told.items() if k not in left_out}
    if isinstance(value, list):
        return [_named(v, uids) for v in value]
    return uids.get(value, value) if isinstance(value, str) else value


def _tasks(sim: Simulation) -> dict[str, object]:
    """Return the tasks that have not ended, but for those of gone services on nodes that are down.

    How far they came there depends on chance, and they stay so until the node is back.
    """
    found: dict[str, list[str]] = {}
    nodes = sim.swarm.world.nodes
    down = {ident for ident, node in nodes.items() if node["Status"]["State"] == "down"}
    for task in sim.swarm.world.tasks.values():
        service = sim.swarm.world.services.get(task["ServiceID"])
        if not states.ended(task) and (service or task.get("NodeID") not in down):
            name = service["Spec"]["Name"] if service else "a service that is gone"
            found.setdefault(name, []).append(f"{states.state(task)}/{task['DesiredState']}")
    return {name: tuple(sorted(tasks)) for name, tasks in found.items()}


def settle(sim: Simulation, within: float) -> int:
    """Run until every record is acted upon and nothing moves; return the looks that it took.

    Raises:
        AssertionError: it still moves after `within` seconds of virtual time; says what.
    """
    end, before = sim.clock.monotonic() + within, sim.looks
    signature, since, looks = _signature(sim), sim.clock.monotonic(), before
    while sim.clock.monotonic() < end:
        sim.run(1.0)
        now = _signature(sim)
        if now != signature:
            signature, since, looks = now, sim.clock.monotonic(), sim.looks
        calm = sim.clock.monotonic() - since
        if sim.operators and calm >= (PATIENT if unfinished(sim) else CALM):
            return looks - before
    waiting = ", ".join(unfinished(sim)) or "the Swarm"
    raise AssertionError(f"After {within:g} s this still moves: {waiting}.")


def without_volumes(refused: Counter[str]) -> Counter[str]:
    """Leave out the removals of volumes: one of a container that has just ended is in use a while.

    What refuses it is the engine, which alone knows.
    """
    return Counter({what: n for what, n in refused.items() if "/volumes/" not in what})


def _signature(sim: Simulation) -> tuple[object, ...]:
    world = sim.swarm.world
    records = [
        (r.metadata.name, r.metadata.resource_version)
        for r in (*sim.store.list_notebooks(), *sim.store.list_homes())
        if isinstance(r, Notebook | Home)
    ]
    return (
        tuple(records),
        world.index,
        *map(len, (world.services, world.tasks, world.secrets, world.nodes)),
    )


def unfinished(sim: Simulation) -> list[str]:
    """Return the notebooks that are on their way, or wait."""
    return [
        f"{r.metadata.name} ({r.status.phase}: {r.status.message})"
        for r in sim.store.list_notebooks()
        if isinstance(r, Notebook)
        and (
            r.status.observed_generation != r.metadata.generation
            or r.status.phase not in _DONE
            or r.metadata.deletion_requested_at is not None
        )
    ]
