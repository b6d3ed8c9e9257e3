"""Holds a home while a command works on its content: no notebook that mounts it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from swarmhub_crds.errors import Conflict, StoreError
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.cli.text import safe

HELD = timedelta(seconds=120)  # so long after a command has died nothing starts
RENEWED = 30.0  # seconds between two renewals


class Hold:
    """A hold on a home, renewed until `release`."""

    def __init__(self, store: Store, home: str, what: str) -> None:
        self._store = store
        self._home = home
        self._what = what
        self._until = datetime.min.replace(tzinfo=UTC)
        self._over = Event()
        self._thread = Thread(target=self._renew, name="hold", daemon=True)

    def begin(self) -> None:
        """Hold the home from now on.

        Raises:
            Conflict: it is being moved or deleted.
            StoreError: that cannot be written.
        """
        self._write()
        self._thread.start()

    def check(self) -> None:
        """Make sure that the home is still held.

        Raises:
            Conflict: the hold could not be renewed in time.
        """
        if datetime.now(UTC) >= self._until:
            raise Conflict(f"The home {self._home} could not be held any longer; try again.")

    def release(self) -> None:
        """Let notebooks start again.

        Raises:
            StoreError: that cannot be written; the hold then runs out by itself.
        """
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()
        home = self._store.get_home(self._home)
        if isinstance(home, Home) and home.spec.orders.held_until == self._until:
            self._store.order_home(self._home, held_for="", held_until=None)

    def _renew(self) -> None:
        while not self._over.wait(RENEWED):
            try:
                self._write()
            except StoreError:
                continue  # `check` tells, if it goes on

    def _write(self) -> None:
        until = datetime.now(UTC) + HELD
        home = self._store.order_home(self._home, held_for=self._what, held_until=until)
        self._until = until
        if home.status.phase in (HomePhase.MOVING, HomePhase.DELETING):
            doing = home.status.phase.lower()
            raise Conflict(f"The home {self._home} is {doing}; try again when that is done.")


@contextmanager
def held(store: Store, home: Home, what: str) -> Iterator[Hold]:
    """Hold a home for a block; `what` completes "it is being …".

    Raises:
        Conflict: somebody else holds it.
        StoreError: that cannot be written.
    """
    orders = home.spec.orders
    if orders.held_until is not None and datetime.now(UTC) < orders.held_until:
        raise Conflict(
            f"The home {home.metadata.name} is being {safe(orders.held_for) or 'worked on'}; "
            "try again when that is done."
        )
    hold = Hold(store, home.metadata.name, what)
    try:
        hold.begin()
        yield hold
    finally:
        hold.release()


def users(store: Store, home: str) -> list[str]:
    """Return the names of the notebooks that mount a home and run, or are to run.

    One whose record cannot be read is among them, unless it is known to have no service.

    Raises:
        StoreError: the store cannot be read.
    """
    return [_name(one) for one in store.list_notebooks() if _uses(one, home)]


def _uses(notebook: Notebook | Broken, home: str) -> bool:
    if isinstance(notebook, Broken):
        return notebook.status is None or _service(notebook) is not None
    if home not in {mount.volume for mount in notebook.spec.mounts}:  # as a home or otherwise
        return False
    return notebook.spec.desired is Desired.RUNNING or notebook.status.service_id is not None


def _service(notebook: Broken) -> str | None:
    return getattr(notebook.status, "service_id", None)


def _name(notebook: Notebook | Broken) -> str:
    return notebook.name if isinstance(notebook, Broken) else notebook.metadata.name
