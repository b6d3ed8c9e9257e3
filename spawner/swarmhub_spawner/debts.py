"""Stops and deletions that the store could not take: remembered and done when it can.

JupyterHub forgets a server even when its stop raises, so somebody must remember that it is owed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import IntEnum
from typing import Final

from swarmhub_crds.errors import Conflict, NotFound, StoreError, StoreUnavailable
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken, Store
from tornado.log import app_log

from swarmhub_spawner.hubstate import HubState

_FIRST_PAUSE: Final = 0.5  # seconds, doubling
_LONGEST_PAUSE: Final = 30.0  # seconds


class Debt(IntEnum):
    """What is owed to a record; the greater one includes the lesser."""

    STOP = 1
    DELETE = 2


class Debts:
    """The debts of one hub process."""

    def __init__(self, state: HubState) -> None:
        self._state = state
        self._owed: dict[str, Debt] = {}
        self._last_of: dict[str, str] = {}  # the user who is deleted with a record
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._owed)

    def owe(self, name: str, debt: Debt, last_of: str | None = None) -> None:
        """Remember a debt and pay it as soon as the store allows.

        `last_of` is the user, if that is deleted with this record.
        """
        if last_of is not None:
            self._last_of[name] = last_of
        self._owed[name] = max(debt, self._owed.get(name, debt))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._pay_all())

    def owed(self, name: str) -> Debt | None:
        """Return what is owed to a record."""
        return self._owed.get(name)

    def settle(self, name: str) -> None:
        """Forget a record's debt: it has been paid, or a new start has made it pointless."""
        self._owed.pop(name, None)
        self._last_of.pop(name, None)

    async def _pay_all(self) -> None:
        pause = _FIRST_PAUSE
        while self._owed:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            for name, debt in list(self._owed.items()):
                await self._pay(name, debt)

    async def _pay(self, name: str, debt: Debt) -> None:
        def act(store: Store) -> None:
            if self._owed.get(name) == debt:  # a start may have taken it over meanwhile
                pay(store, name, debt, self._last_of.get(name))

        try:
            await self._state.write(act)
        except StoreUnavailable:
            return
        except StoreError:
            app_log.exception("What was owed to record %s (%s) cannot be done", name, debt.name)
        if self._owed.get(name) == debt:
            self.settle(name)


def pay(store: Store, name: str, debt: Debt, last_of: str | None = None) -> Notebook | None:
    """Write what is owed; a record that is gone or being deleted is owed no stop.

    Returns the record as it is then, if it is there and can be read.

    Raises:
        StoreError: what the store said.
    """
    found: Notebook | Broken | None = None
    if debt is Debt.DELETE:
        found = store.request_deletion(name, last_of=last_of)
    else:
        with suppress(NotFound, Conflict):
            found = store.set_desired(name, Desired.STOPPED)
    return found if isinstance(found, Notebook) else None
