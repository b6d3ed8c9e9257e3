"""What volumes a node holds: taken now and then, since a manager cannot see those of others."""

from __future__ import annotations

from swarmhub_crds.base import Tolerant, UtcTime


class FoundVolume(Tolerant):
    """One volume of a node, whoever made it."""

    name: str
    driver: str = "local"
    store: str = ""  # uid of the store that it is labelled with
    uid: str = ""  # of the home record that it was made for
    user: str = ""
    shared: bool = False  # any node can mount it
    created_at: UtcTime | None = None
    size: int | None = None  # bytes; only when it was asked for, since measuring reads every file


class Inventory(Tolerant):
    """The volumes of one node at one time."""

    node_id: str
    node: str  # hostname
    taken_at: UtcTime
    volumes: tuple[FoundVolume, ...] = ()
