"""What services take, kept by what is asked of it: whose volumes, and how much of which node. Pure.

A start asks for both. Counting them anew each time would make each start the longer the more
notebooks there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from immutables import Map, MapMutation

from swarmhub_operator.engine.amounts import NOTHING, Amounts
from swarmhub_operator.engine.observed import UNPLACED, Service, Task

Tasks = Mapping[str, tuple[Task, ...]]  # by service id, newest first


@dataclass(frozen=True, slots=True)
class Load:
    """What a node has given away, and to how many notebooks of ours."""

    taken: Amounts = NOTHING
    notebooks: int = 0

    def plus(self, amounts: Amounts) -> Load:
        """Return the load with one more notebook."""
        return Load(self.taken + amounts, self.notebooks + 1)

    def minus(self, amounts: Amounts) -> Load:
        """Return the load with one notebook less."""
        return Load(self.taken - amounts, self.notebooks - 1)


UNLOADED = Load()


@dataclass(frozen=True, slots=True)
class Tally:
    """What some services take together.

    Attributes:
        services: by id.
        mounting: by volume, the services that mount it, by id.
        loads: by node id, what their tasks hold of it.
    """

    services: Mapping[str, Service] = field(default_factory=dict)
    mounting: Mapping[str, Mapping[str, Service]] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)

    def mounts_of(self, volumes: Iterable[str]) -> tuple[Service, ...]:
        """Return the services that mount any of some volumes."""
        found: dict[str, Service] = {}
        for volume in volumes:
            found |= self.mounting.get(volume, {})
        return tuple(found.values())


def tally(services: Iterable[Service], tasks: Tasks) -> Tally:
    """Count what services take, with their tasks."""
    return changed(Tally(), (), {}, services, tasks)


def changed(
    whole: Tally,
    gone: Iterable[Service],
    their_tasks: Tasks,
    come: Iterable[Service],
    tasks: Tasks,
) -> Tally:
    """Return a tally in which some services no longer count, and others do.

    Args:
        whole: the tally, which stays as it is.
        gone: services that count in it.
        their_tasks: with which they count.
        come: services that are to count.
        tasks: with which they are to.
    """
    services = Map(whole.services).mutate()
    mounting = Map(whole.mounting).mutate()
    loads = Map(whole.loads).mutate()
    for service in gone:
        del services[service.id]
        for volume in service.volumes:
            mounting[volume] = {i: s for i, s in mounting[volume].items() if i != service.id}
            if not mounting[volume]:
                del mounting[volume]
        for node_id in places(service, their_tasks):
            _take_from(loads, node_id, service.reserved)
    for service in come:
        services[service.id] = service
        for volume in service.volumes:
            mounting[volume] = {**mounting.get(volume, {}), service.id: service}
        for node_id in places(service, tasks):
            loads[node_id] = loads.get(node_id, UNLOADED).plus(service.reserved)
    return Tally(services.finish(), mounting.finish(), loads.finish())


def without(loads: Mapping[str, Load], service: Service, tasks: Tasks) -> dict[str, Load]:
    """Return the loads without what a service holds that counts in them."""
    left = dict(loads)
    for node_id in places(service, tasks):
        _take_from(left, node_id, service.reserved)
    return left


def _take_from(
    loads: dict[str, Load] | MapMutation[str, Load], node_id: str, amounts: Amounts
) -> None:
    loads[node_id] = loads[node_id].minus(amounts)
    if not loads[node_id].notebooks:
        del loads[node_id]


def places(service: Service, tasks: Tasks) -> tuple[str, ...]:
    """Return the nodes on which a service's tasks are, or the one where its first is to be."""
    of_it = tasks.get(service.id, ())
    on = tuple(t.node_id for t in of_it if t.node_id and not t.ended)
    if on or service.pin is None:
        return on
    return (service.pin,) if all(t.state in UNPLACED for t in of_it[:1]) else ()
