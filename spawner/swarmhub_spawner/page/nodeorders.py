"""What can be done to a node from the page, and what that means for who works there.

The hub reaches no engine: the order is written into the store, and the operator carries it out.
Servers are stopped through their records, as the command does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from swarmhub_crds.draining import (
    IDLE_AFTER,
    Fate,
    Guest,
    Wish,
    guests,
    homes_on,
    is_elsewhere,
    to_stop,
)
from swarmhub_crds.errors import Conflict, NotFound
from swarmhub_crds.home import Home
from swarmhub_crds.node import NodeVerb, SeenNode
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken, Store

from swarmhub_spawner.page.orders import Order
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.rows import NodeRow

NODE_ORDERS: Final[Mapping[str, Order]] = MappingProxyType(
    {
        NodeVerb.DRAIN: Order(
            "Drain",
            "It takes no new servers until it is uncordoned. What is idle and has its home there "
            "stops, what nothing ties to it moves to another node, and what is in use stays.",
            "The operator drains the node; what stays can be drained again once it is idle.",
        ),
        NodeVerb.UNCORDON: Order(
            "Uncordon",
            "Its drain ends, and it takes servers again. What has moved stays where it is; what "
            "was stopped is started again by its users.",
            "The operator ends the drain of the node.",
            harms=False,
        ),
    }
)


_MINUTE: Final = timedelta(minutes=1)
MINUTES: Final = IDLE_AFTER // _MINUTE  # without use, after which a server is idle
MOST_MINUTES: Final = 60 * 24 * 7


def minutes_of(text: str) -> int:
    """Return after how many minutes a server is idle; what makes no sense counts as not said."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else MINUTES  # noqa: PLR2004
    return min(number, MOST_MINUTES)


@dataclass(frozen=True)
class Plan:
    """What a drain would do: to each server on the node, and to the homes.

    `minutes` is after how long a server is idle, `unread` are the names of those whose records
    cannot be read: they are left alone.
    """

    minutes: int
    node: SeenNode
    guests: tuple[Guest, ...]
    homes: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def stops(self) -> tuple[str, ...]:
        """The names of those that stop."""
        return tuple(guest.name for guest in self.guests if guest.fate is Fate.STOPS)

    @property
    def stays(self) -> tuple[str, ...]:
        """The names of those that stay unless they are forced."""
        return tuple(guest.name for guest in self.guests if guest.fate is Fate.STAYS)

    @property
    def lost(self) -> int:
        """How many lose what runs in them."""
        return len(self.guests) - len(self.stays)


@dataclass(frozen=True)
class Told:
    """What a person was told before they said yes: which servers stop, and which stay.

    With `force` they want those stopped, too, that stay otherwise. `minutes` is as in `Plan`.
    """

    stops: frozenset[str]
    stays: frozenset[str] = frozenset()
    minutes: int = MINUTES
    force: bool = False

    @property
    def stopping(self) -> frozenset[str]:
        """The names of those that they want stopped."""
        return self.stops | self.stays if self.force else self.stops


def may(row: NodeRow, rights: Rights) -> dict[str, bool]:
    """Return which buttons a node has for somebody; what stayed can be drained once more."""
    drained, left = row.node.drained, row.node.usable or row.servers > 0
    return {
        NodeVerb.DRAIN: rights.steers and (not drained or left),
        NodeVerb.UNCORDON: rights.steers and drained,
    }


def plan(
    store: Store, node_id: str, now: datetime, minutes: int = MINUTES, *, force: bool = False
) -> Plan:
    """Return what a drain would do now.

    Raises:
        NotFound: there is no such node.
        StoreError: the store cannot be read.
    """
    nodes, records = store.list_nodes(), store.list_notebooks()
    node = next((one for one in nodes if one.id == node_id), None)
    if node is None:
        raise NotFound("There is no such node.")
    homes = {h.metadata.name: h for h in store.list_homes() if isinstance(h, Home)}
    wish = Wish(minutes * _MINUTE, force=force, elsewhere=is_elsewhere(node_id, nodes))
    readable = [record for record in records if isinstance(record, Notebook)]
    broken = [record for record in records if isinstance(record, Broken)]
    return Plan(
        minutes,
        node,
        guests(node_id, readable, homes, store.last_activity(), wish, now),
        homes_on(node_id, homes.values()),
        tuple(one.name for one in broken if getattr(one.status, "node_id", None) == node_id),
    )


def drain(store: Store, node_id: str, told: Told, by: str, now: datetime) -> tuple[str, ...]:
    """Order a drain, stop what was told to stop and still may be; return what was stopped.

    Raises:
        NotFound: there is no such node.
        StoreError: the store, or a record, cannot be read or written. To drain once more is enough.
    """
    store.order_node(node_id, NodeVerb.DRAIN, by)
    stopped, found = [], plan(store, node_id, now, told.minutes, force=told.force)
    for name in to_stop(told.stopping, found.guests):
        with suppress(Conflict, NotFound):  # it is being deleted, and leaves by itself
            store.set_desired(name, Desired.STOPPED)
            stopped.append(name)
    return tuple(stopped)


def uncordon(store: Store, node_id: str, by: str) -> None:
    """Order that a node takes servers again.

    Raises:
        NotFound: there is no such node.
        StoreError: the store cannot be written.
    """
    store.order_node(node_id, NodeVerb.UNCORDON, by)
