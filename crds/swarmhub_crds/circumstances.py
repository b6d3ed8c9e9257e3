"""The store's part in what is no record: nodes, images, events, and how busy notebooks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.image import SeenImage
from swarmhub_crds.node import SeenNode
from swarmhub_crds.sqlstore import circumstances, eventing, imaging, statusside
from swarmhub_crds.sqlstore.database import Database


class Circumstances:
    """What the store tells of the world around its records; a part of `Store`.

    None of it takes a revision, so it wakes nobody who watches the store.
    """

    _database: Database

    def list_nodes(self) -> list[SeenNode]:
        """Return the nodes that an operator saw last, in the order of their hostnames."""
        with self._database.read() as connection:
            return circumstances.nodes_now(connection)

    def put_nodes(self, seen: Sequence[SeenNode], *, fence: int) -> None:
        """Say which nodes there are.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            circumstances.replace_nodes(connection, seen)

    def last_activity(self) -> dict[str, datetime]:
        """Return when each notebook was last in use; one that is missing is not known."""
        with self._database.read() as connection:
            return circumstances.activity_now(connection)

    def note_activity(self, seen: Mapping[str, datetime]) -> None:
        """Write down when these notebooks were last in use; names that are none are left out."""
        with self._database.write() as connection:
            circumstances.note_activity(connection, seen)

    def announced_images(self) -> list[str]:
        """Return the images that the hub would have on every node, the most wanted first."""
        with self._database.read() as connection:
            return imaging.announced(connection)

    def announce_images(self, images: Sequence[str]) -> None:
        """Replace the images that the hub would have on every node; the operator judges them."""
        with self._database.write() as connection:
            if imaging.announced(connection) != list(images):
                imaging.announce(connection, images)

    def list_images(self) -> list[SeenImage]:
        """Return the images that nodes are to have, as an operator saw them last."""
        with self._database.read() as connection:
            return imaging.seen(connection)

    def put_images(self, seen: Sequence[SeenImage], *, fence: int) -> None:
        """Say which images nodes are to have, and which have them.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            imaging.replace_seen(connection, seen)

    def list_events(
        self, kind: Concerned | None = None, name: str = "", *, after: int = 0
    ) -> list[Event]:
        """Return what operators have decided, the newest last.

        Args:
            kind: with `name`, the one object to tell about; None tells of all.
            name: of that object.
            after: only those whose position is higher.
        """
        with self._database.read() as connection:
            return eventing.listed(connection, kind, name, after)

    def put_events(self, events: Sequence[Event], *, fence: int) -> None:
        """Add what was decided; what is there already is counted, and too old ones go.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            eventing.add(connection, events)
