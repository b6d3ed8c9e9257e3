"""What the parts that look after homes read and write of them."""

from __future__ import annotations

from collections.abc import Container, Iterator

from swarmhub_crds.errors import Conflict
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.recorder import Recorder

log = get_logger()


class HomeRecords:
    """The records of homes, and of the notebooks that mount them. Thread-safe."""

    def __init__(self, store: Store, leadership: Leadership, events: Recorder) -> None:
        self._store = store
        self._leadership = leadership
        self._events = events

    def all(self) -> list[Home]:
        """Return the homes that can be read."""
        return [home for home in self._store.list_homes() if isinstance(home, Home)]

    def get(self, name: str) -> Home | None:
        """Return a home as it is now, if it can be read."""
        home = self._store.get_home(name)
        return home if isinstance(home, Home) else None

    def put(self, home: Home, status: HomeStatus) -> Home:
        """Write a status, if it is news.

        Raises:
            Conflict: the record has changed since it was read, or cannot be read any more.
            LeaseLost: another operator acts now.
        """
        if status == home.status:
            return home
        meta, fence = home.metadata, self._leadership.fence
        written = self._store.put_home_status(
            meta.name, meta.uid, meta.resource_version, status, fence=fence
        )
        if not isinstance(written, Home):
            raise Conflict(written.message)
        self._events.home(home, status)
        return written

    def remove(self, home: Home) -> None:
        """Remove a record whose volume is gone. Raises as `put`."""
        meta, fence = home.metadata, self._leadership.fence
        self._store.remove_home(meta.name, meta.uid, meta.resource_version, fence=fence)
        self._events.home_removed(home)
        log.info("home", home=meta.name, outcome="removed")

    def may_be_mounted(self, volume: str) -> bool:
        """Whether a record mounts the volume, or cannot be read."""
        return self._any_unread(volume) or any(True for _ in self._mounting(volume))

    def may_be_in_use(self, volume: str) -> bool:
        """Whether a notebook that mounts the volume should or does run, or cannot be read."""
        return self._any_unread(volume) or any(
            record.spec.desired is Desired.RUNNING or record.status.service_id is not None
            for record in self._mounting(volume)
        )

    def is_mounted_by(self, volume: str, notebooks: Container[str]) -> bool:
        """Whether one of these notebooks mounts the volume."""
        return any(record.metadata.name in notebooks for record in self._mounting(volume))

    def _any_unread(self, volume: str) -> bool:
        if not any(isinstance(record, Broken) for record in self._store.list_notebooks()):
            return False
        log.warning("home", home=volume, outcome="waiting", error="A record cannot be read.")
        return True

    def _mounting(self, volume: str) -> Iterator[Notebook]:
        for record in self._store.list_notebooks():
            if isinstance(record, Notebook) and any(
                mount.volume == volume for mount in record.spec.mounts
            ):
                yield record
