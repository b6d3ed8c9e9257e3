"""What makes a node no good for a notebook: each check with its explanation beside it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from swarmhub_crds.constraint import ENGINE_LABELS, NODE_LABELS, Constraint

from swarmhub_operator.engine.amounts import CORE, NOTHING, Amounts
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.tally import UNLOADED, Load

_UNITS = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a notebook asks of the node that it is to run on."""

    constraints: tuple[Constraint, ...] = ()
    amounts: Amounts = NOTHING
    holders: frozenset[str] = frozenset()  # ids of the nodes that hold its home; none: any will do


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node and what it has given away."""

    node: Node
    load: Load = UNLOADED

    @property
    def memory(self) -> int:
        """Bytes of memory that are free."""
        return max(0, self.node.memory - self.load.taken.memory)

    @property
    def nano_cpus(self) -> int:
        """Billionths of a core that are free."""
        return max(0, self.node.has.nano_cpus - self.load.taken.nano_cpus)

    def free(self, kind: str) -> int:
        """Return how much of a generic resource is free."""
        return max(0, self.node.generic.get(kind, 0) - self.load.taken.generic.get(kind, 0))


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a node is no good: "worker1: `text`", or "worker1 holds your home but `verb` `text`"."""

    verb: str
    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A check, and why a node that fails it does."""

    passes: Callable[[Wish, Candidate], bool]
    explain: Callable[[Wish, Candidate, datetime], Fault]


def _takes_tasks(_: Wish, on: Candidate) -> bool:
    return on.node.usable


def _why_it_takes_none(_: Wish, on: Candidate, now: datetime) -> Fault:
    node = on.node
    if node.state != "ready":
        since = f" since {clock(node.down_since, now)}" if node.down_since else ""
        return Fault("is", f"{node.state}{since}")
    return Fault("is", {"pause": "paused", "drain": "drained"}.get(node.availability, "not active"))


def _meets_constraints(wish: Wish, on: Candidate) -> bool:
    return all(meets(on.node, constraint) for constraint in wish.constraints)


def _why_it_meets_them_not(wish: Wish, on: Candidate, _: datetime) -> Fault:
    unmet = " and ".join(str(c) for c in wish.constraints if not meets(on.node, c))
    return Fault("is", f"not {unmet}")


def _has_memory(wish: Wish, on: Candidate) -> bool:
    return on.memory >= wish.amounts.memory


def _why_no_memory(wish: Wish, on: Candidate, _: datetime) -> Fault:
    asked = wish.amounts.memory
    unit, name = next((u for u in _UNITS if asked >= u[0]), _UNITS[-1])
    free, of = _down(on.memory / unit), _up(asked / unit)
    return Fault("has", f"{free} {name} free of {of} asked")


def _has_cpus(wish: Wish, on: Candidate) -> bool:
    return on.nano_cpus >= wish.amounts.nano_cpus


def _why_no_cpus(wish: Wish, on: Candidate, _: datetime) -> Fault:
    free, of = _down(on.nano_cpus / CORE), _up(wish.amounts.nano_cpus / CORE)
    return Fault("has", f"{free} CPUs free of {of} asked")


def _has_generic(wish: Wish, on: Candidate) -> bool:
    return all(on.free(kind) >= asked for kind, asked in wish.amounts.generic.items())


def _why_no_generic(wish: Wish, on: Candidate, _: datetime) -> Fault:
    return Fault("has", " and ".join(_missing(wish, on)))


def _missing(wish: Wish, on: Candidate) -> Iterator[str]:
    for kind, asked in sorted(wish.amounts.generic.items()):
        if kind not in on.node.generic:
            yield f"no {kind}"
        elif on.free(kind) < asked:
            yield f"{on.free(kind)} {kind} free of {asked} asked"


def _holds_home(wish: Wish, on: Candidate) -> bool:
    return not wish.holders or on.node.id in wish.holders


def _why_not_home(_wish: Wish, _on: Candidate, _now: datetime) -> Fault:
    return Fault("is", "not where your home lies")


ROOM = (
    Filter(_has_memory, _why_no_memory),
    Filter(_has_cpus, _why_no_cpus),
    Filter(_has_generic, _why_no_generic),
)
FILTERS = (
    Filter(_takes_tasks, _why_it_takes_none),
    Filter(_meets_constraints, _why_it_meets_them_not),
    *ROOM,
    Filter(_holds_home, _why_not_home),
)


def meets(node: Node, constraint: Constraint) -> bool:
    """Return whether Swarm would say that a node meets a constraint."""
    key, wanted = constraint.key, constraint.value
    if key == "node.ip":
        return _is_at(node.address, wanted, constraint.equal)
    return (_property(node, key).lower() == wanted.lower()) is constraint.equal


def _property(node: Node, key: str) -> str:
    if key.startswith(NODE_LABELS):
        return node.labels.get(key.removeprefix(NODE_LABELS), "")
    if key.startswith(ENGINE_LABELS):
        return node.engine_labels.get(key.removeprefix(ENGINE_LABELS), "")
    return {
        "node.id": node.id,
        "node.hostname": node.hostname,
        "node.role": node.role,
        "node.platform.os": node.os,
        "node.platform.arch": node.arch,
    }[key]


def _is_at(address: str, wanted: str, equal: bool) -> bool:
    """An address or a network; what is neither is met by no node, as Swarm sees it."""
    try:
        network = ip_network(wanted, strict=False)
    except ValueError:
        return False
    try:
        return (ip_address(address) in network) is equal
    except ValueError:
        return not equal


def clock(moment: datetime, now: datetime) -> str:
    """Return a time as short as it can be understood: with its date if that is not today's."""
    old = now - moment >= timedelta(days=1)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if old else f"{moment:%H:%M} UTC"


def size(amount: int) -> str:
    """Return so many bytes for a person."""
    unit, name = _UNITS[0] if amount >= _UNITS[0][0] else _UNITS[1]
    return f"{amount / unit:.3g} {name}"


def _down(amount: float) -> str:
    """What is free is never rounded to what is asked."""
    return f"{math.floor(amount * 100) / 100:g}"


def _up(amount: float) -> str:
    return f"{math.ceil(amount * 100) / 100:g}"
