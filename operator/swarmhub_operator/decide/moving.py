"""Moving a home to another node: what an administrator's order comes to. Pure.

A home is copied, the copy is verified, and only then is it the home; what it was before is removed
later, as a leftover. Until the copy is verified it is a leftover itself: at no time can a crash
leave two homes, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from swarmhub_crds.home import Home, HomePhase, HomeStatus, Place

from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.decide.homes import is_held
from swarmhub_operator.engine.observed import Node

MIB = 2**20


def is_ordered(home: Home) -> bool:
    """Whether there is an order to move that has not been dealt with, or a move under way."""
    ordered = home.spec.orders.moves > home.status.moves
    return home.status.phase is HomePhase.MOVING or (
        ordered and home.status.phase in (HomePhase.BOUND, HomePhase.PENDING)
    )


def pointless(home: Home, nodes: Mapping[str, Node]) -> str | None:
    """Return why an order to move a home that is at rest comes to nothing, or None."""
    target = home.spec.orders.move_to
    if not home.node_local:
        return "It was not moved: every node reaches it where it is."
    if home.status.node_id is None:
        return "It was not moved: it has no volume on any node yet."
    if target is None or home.status.node_id == target:
        return ""
    if target not in nodes:
        return f"It was not moved: the node {target} has left the Swarm."
    return None


def obstacle(home: Home, nodes: Mapping[str, Node], now: datetime, *, in_use: bool) -> str | None:
    """Return what an order to move waits for, or None."""
    target = nodes[home.spec.orders.move_to or ""]
    if is_held(home, now):
        return f"It is moved to {target.hostname} once it is {home.spec.orders.held_for}."
    if in_use:
        return f"It is moved to {target.hostname} once its server is stopped."
    if any(place.node_id == target.id for place in home.status.leftovers):
        return f"It is moved to {target.hostname} once an older copy there is removed."
    source = nodes.get(home.status.node_id or "")
    for node in (source, target):
        if node is None or not node.usable:
            name = node.hostname if node else home.status.node
            return f"It is moved to {target.hostname} once the node {name} takes tasks."
    return None


def begun(home: Home, target: Node) -> HomeStatus:
    """Return the status of a home that is going to be copied: nobody mounts it now."""
    message = f"It is being moved to {target.hostname}."
    return home.status.model_copy(update={"phase": HomePhase.MOVING, "message": message})


def has_room(home: Home, target: Node) -> bool:
    """Whether it is known that the target has no volume of this name but our own copy."""
    return any(place.node_id == target.id for place in home.status.leftovers)


def with_room(home: Home, target: Node) -> HomeStatus:
    """Return the status of a home that is about to be copied; the copy is a leftover for now."""
    place = Place(node_id=target.id, node=target.hostname)
    return home.status.model_copy(update={"leftovers": (*home.status.leftovers, place)})


def copied(home: Home, target: Node, size: int) -> HomeStatus:
    """Return the status of a home of which so many bytes have been copied."""
    message = f"It is being moved to {target.hostname}: {size // MIB} MiB copied."
    return home.status.model_copy(update={"message": message})


def arrived(home: Home, target: Node, outcome: Outcome) -> HomeStatus:
    """Return the status of a home whose copy was verified; where it was is a leftover now."""
    status = home.status
    others = tuple(place for place in status.leftovers if place.node_id != target.id)
    former = Place(node_id=status.node_id or "", node=status.node or "")
    message = (
        f"It was moved from {status.node}: {outcome.entries} files and folders, "
        f"{outcome.size} bytes, verified by checksum."
    )
    return status.model_copy(
        update={
            "phase": HomePhase.BOUND,
            "node_id": target.id,
            "node": target.hostname,
            "leftovers": (*others, former),
            "adopted": False,
            "size": outcome.size,
            "moves": home.spec.orders.moves,
            "message": message,
        }
    )


def ended(home: Home, message: str) -> HomeStatus:
    """Return the status of a home whose order to move is dealt with; it is where it was."""
    phase = HomePhase.BOUND if home.status.phase is HomePhase.MOVING else home.status.phase
    update = {"phase": phase, "moves": home.spec.orders.moves, "message": message}
    return home.status.model_copy(update=update)


def waiting(home: Home, message: str) -> HomeStatus:
    """Return the status of a home that is to be moved, but not yet."""
    update = {"phase": HomePhase.BOUND, "message": message}
    return home.status.model_copy(update=update)
