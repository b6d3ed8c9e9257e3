"""Writing a start into the store, with patience for what passes by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from swarmhub_crds.errors import Conflict, HomeTaken, StoreError, StoreUnavailable
from swarmhub_crds.home import Home
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store
from tornado.log import app_log

from swarmhub_spawner.building.spec import Wanted
from swarmhub_spawner.debts import Debt, pay
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.shared import Hub

HTTP_REFUSED: Final = 403
HTTP_UNAVAILABLE: Final = 503

# Seconds that a start waits out ...
_PATIENCE: Final[dict[type[StoreError], float]] = {
    StoreUnavailable: 30.0,  # ... a store that cannot be used,
    Conflict: 60.0,  # ... an earlier deletion that the operator has not finished
}
_PAUSE: Final = 0.2  # seconds


async def write_record(
    hub: Hub, wanted: Wanted, *, seconds: float, on_trouble: Callable[[str], None]
) -> tuple[Notebook, str]:
    """Write a record that should run; return it and the store's uid.

    What is waited out, at most `seconds`, is told to `on_trouble`.

    Raises:
        SpawnError: the store refuses, or still cannot be used.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    write = _writer(hub, wanted)
    while True:
        try:
            return await hub.state.write(write)
        except (StoreUnavailable, Conflict) as error:
            if loop.time() - began > min(seconds, _PATIENCE[type(error)]):
                raise SpawnError(str(error), status_code=HTTP_UNAVAILABLE) from error
            on_trouble(str(error))
        except HomeTaken as error:
            app_log.error("%s cannot start: %s", wanted.spec.user, error)  # names the other user
            raise SpawnError(
                "A volume of this server is already the home of another user; ask an "
                "administrator to choose other names in the option volumes.",
                status_code=HTTP_REFUSED,
            ) from error
        except StoreError as error:
            raise SpawnError(str(error)) from error
        await asyncio.sleep(_PAUSE)


def _writer(hub: Hub, wanted: Wanted) -> Callable[[Store], tuple[Notebook, str]]:
    """Return the write; a deletion that is still owed comes first, a stop is pointless then."""
    name = notebook_name(wanted.spec.user, wanted.spec.server)

    def write(store: Store) -> tuple[Notebook, str]:
        if hub.debts.owed(name) is Debt.DELETE:
            pay(store, name, Debt.DELETE)
            hub.debts.settle(name)
        _refuse_an_empty_home(store, wanted)
        notebook = store.apply_notebook(
            wanted.spec, homes=wanted.homes, secrets=wanted.secrets, name=name
        )
        hub.debts.settle(name)
        return notebook, store.uid

    return write


def _refuse_an_empty_home(store: Store, wanted: Wanted) -> None:
    """Make no new home for one whose home was brought along under another name and not used yet.

    Raises:
        SpawnError: so it would be.
    """
    if not wanted.homes or any(store.get_home(volume) is not None for volume in wanted.homes):
        return
    whose = {(home.user, home.server) for home in wanted.homes.values()}
    waiting = {
        home.metadata.name
        for home in store.list_homes()
        if isinstance(home, Home)
        and home.status.adopted
        and (home.spec.user, home.spec.server) in whose
    }
    if not waiting:
        return
    user = wanted.spec.user
    records = (r for r in store.list_notebooks() if isinstance(r, Notebook) and r.spec.user == user)
    waiting -= {mount.volume for record in records for mount in record.spec.mounts}
    if waiting:
        raise SpawnError(
            f"The home {min(waiting)} was brought along for this user, but the options name a "
            f"new and empty one, {min(wanted.homes)}; an administrator must set volumes, "
            "slug_scheme or escape as the old hub had them, or mount that home as well."
        )
