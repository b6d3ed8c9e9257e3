"""What the nodes' volumes say of homes: where one is, which are missing or left over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError
from swarmhub_crds.home import Home, HomePhase, is_node_local
from swarmhub_crds.inventory import FoundVolume, Inventory

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Volume


class _End(BaseModel):
    """The last line of an inventory that is whole."""

    volumes: int


def found_volume(volume: Volume) -> FoundVolume:
    """Return what is kept of a volume: never its labels and options as a whole."""
    return FoundVolume(
        name=volume.name,
        driver=volume.driver,
        store=volume.labels.get(labels.STORE, ""),
        uid=volume.labels.get(labels.UID, ""),
        user=volume.labels.get(labels.USER, ""),
        shared=not is_node_local(volume.driver, volume.options),
        created_at=volume.created_at,
        size=volume.size,
    )


def lines(found: list[FoundVolume]) -> Iterator[str]:
    """Write an inventory as lines that `parse` reads; the last one says how many came before."""
    for volume in found:
        yield volume.model_dump_json(exclude_defaults=True)
    yield _End(volumes=len(found)).model_dump_json()


def parse(text: str) -> tuple[FoundVolume, ...] | None:
    """Read what `lines` wrote; None if it is not whole, for half an inventory tells of losses."""
    *rest, last = text.strip("\n").split("\n")  # a name may hold what splitlines() splits at
    try:
        found = tuple(FoundVolume.model_validate_json(line) for line in rest)
        whole = _End.model_validate_json(last).volumes == len(found)
    except ValidationError:
        return None
    return found if whole else None


@dataclass(frozen=True, slots=True)
class Found:
    """Where a volume is that has no node yet.

    Attributes:
        nodes: that hold a volume of this name; the one alone that holds the home's very own.
        own: those of them where it is labelled with the home's own uid.
        asked: hostnames of the nodes that are going to tell soon.
        silent: hostnames of the nodes that have never told, and do not tell soon.
    """

    nodes: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    asked: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


def find(
    home: Home,
    inventories: Mapping[str, Inventory],
    nodes: Iterable[Node],
    silent: AbstractSet[str] = frozenset(),
) -> Found:
    """Find the volume of a home that is bound to no node.

    Args:
        home: the record.
        inventories: what is known, by node.
        nodes: of the Swarm.
        silent: ids of the nodes that cannot tell, though they may be up.
    """
    nodes = sorted(nodes, key=lambda n: n.hostname)
    given_up = set(home.spec.orders.forgotten)
    held = {
        node.id: volume.uid == home.metadata.uid
        for node in nodes
        if node.id in inventories and node.id not in given_up
        for volume in inventories[node.id].volumes
        if volume.name == home.metadata.name
    }
    own = frozenset(ident for ident, is_own in held.items() if is_own)
    unknown = [n for n in nodes if n.id not in inventories and n.id not in given_up]
    return Found(
        tuple(own) if len(own) == 1 else tuple(held),
        own,
        tuple(n.hostname for n in unknown if n.usable and n.id not in silent),
        tuple(n.hostname for n in unknown if not n.usable or n.id in silent),
    )


def missing(homes: Iterable[Home], inventory: Inventory) -> frozenset[str]:
    """Return the names of the homes whose volume should be on this node and is not there."""
    there = {volume.name for volume in inventory.volumes}
    return frozenset(
        home.metadata.name
        for home in homes
        if home.node_local
        and home.status.node_id == inventory.node_id
        and home.status.phase is HomePhase.BOUND
        and home.metadata.name not in there
    )


def unrecorded(
    homes: Mapping[str, Home], inventory: Inventory, store: str
) -> tuple[FoundVolume, ...]:
    """Return the volumes of a node that carry the store's uid and are no home's, or not there.

    One that a move left behind, and that is going to be removed, is none of them.
    """
    return tuple(
        volume
        for volume in inventory.volumes
        if volume.store == store and not _is_home(homes.get(volume.name), inventory.node_id)
    )


def _is_home(home: Home | None, node: str) -> bool:
    if home is None:
        return False
    places = {home.status.node_id, *(place.node_id for place in home.status.leftovers)}
    return node in places or not home.node_local
