"""What the parts of the spawner share: whose server it is, its record, and the hub's state."""

from __future__ import annotations

import asyncio
from typing import Any

from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Notebook

from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.shared import Hub, hub_for


class ServerIdentity:
    """One server of one user, as JupyterHub's Spawner and our options describe it."""

    user: Any
    name: str
    server: Any
    orm_spawner: Any
    log: Any
    api_token: str
    state_url: Any
    start_timeout: Any
    _log_name: str
    _spawn_pending: bool
    _spawn_future: asyncio.Future[None] | None

    _record_name = ""  # empty: not known from this start or a saved state
    _store_uid = ""
    _starting = False  # start() runs in this process
    _trouble = ""  # why the record cannot be written yet

    @property
    def record_name(self) -> str:
        """The name of this server's record."""
        return self._record_name or notebook_name(self.user.name, self.name)

    def _tell_request(self, what: str, notebook: Notebook) -> None:
        """Log under which name the operator's log goes on with this."""
        request = notebook.metadata.request
        self.log.info("Asked the operator to %s %s (request %s)", what, self._log_name, request)

    def _hub(self) -> Hub:
        if not self.state_url:
            raise SpawnError(
                "state_url: no state database is configured; "
                "set c.SwarmHubSpawner.state_url or SWARMHUB_STATE_URL."
            )
        return hub_for(self.state_url)
