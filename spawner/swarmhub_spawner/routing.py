"""Routes to servers that a restarted hub has found again, while it still looks for others."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from jupyterhub.app import JupyterHub

from swarmhub_spawner.identity import ServerIdentity

EVERY: Final = 2.0  # seconds between two looks at all routes
_SHARE: Final = 0.1  # of the hub's time that these looks may take


class RoutedServer(ServerIdentity):
    """Is routed as soon as it is known to answer.

    A hub that restarts together with its proxy routes all servers once the last one has been found.
    If one of them takes long to start, people whose servers answer are sent round in circles until
    then ("Redirect loop detected"), or until the hub's periodic look at all routes.
    """

    _check_pending: bool
    _routing: asyncio.Task[None] | None = None  # of the class: one for all servers

    def start_polling(self) -> None:
        """Begin to poll; also called for each server that a hub finds when it starts."""
        super().start_polling()  # type: ignore[misc]  # JupyterHub's
        routing = RoutedServer._routing
        if self._check_pending and (routing is None or routing.done()):
            RoutedServer._routing = asyncio.ensure_future(_route_meanwhile(JupyterHub.instance()))


async def _route_meanwhile(hub: Any) -> None:
    """Have missing routes added now and then, until no server is looked for any more."""
    await hub._start_future  # noqa: SLF001 - JupyterHub's own check waits for it, too
    pause = EVERY
    while True:
        await asyncio.sleep(pause)
        if not any(_is_looked_for(user) for user in hub.users.values()):
            return
        began = time.monotonic()
        try:
            await hub.proxy.check_routes(hub.users, hub._service_map)  # noqa: SLF001 - as it does
        except Exception as error:  # noqa: BLE001 - the hub's own look, within a minute, tells more
            hub.log.warning("Routes to servers that answer are not added yet: %s", error)
        pause = max(EVERY, (time.monotonic() - began) / _SHARE)


def _is_looked_for(user: Any) -> bool:
    return any(spawner.pending == "check" for spawner in user.spawners.values())
