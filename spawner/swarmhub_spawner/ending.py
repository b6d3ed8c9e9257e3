"""Stopping and deleting a server."""

from __future__ import annotations

from typing import Any, Final

from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.names import notebook_name

from swarmhub_spawner.debts import Debt, pay
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.identity import ServerIdentity
from swarmhub_spawner.messages import sentence
from swarmhub_spawner.waits import until_removed, until_stopped
from swarmhub_spawner.writing import HTTP_UNAVAILABLE

_HTTP_CONFLICT: Final = 409
_STOP_PATIENCE: Final = 10.0  # seconds that a stop waits out an unavailable store
_DELETE_WAIT: Final = 3.0  # seconds that the hub's delete waits for the operator


class EndingServer(ServerIdentity):
    """JupyterHub's `stop`, `delete_forever` and `rename`."""

    stop_timeout: Any

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002  # JupyterHub's signature
        """Record that the notebook should stop, and wait until it has.

        After `stop_timeout` the operator goes on alone. `now` changes nothing: the operator
        always gives a notebook the same grace.

        Raises:
            SpawnError: the store cannot be written (the stop is then remembered and done later)
                or refuses.
        """
        hub = self._hub()
        name = self.record_name
        try:
            stopped = await hub.state.write(
                lambda s: pay(s, name, Debt.STOP), patience=_STOP_PATIENCE
            )
        except StoreUnavailable as error:
            hub.debts.owe(name, Debt.STOP)
            raise SpawnError(
                f"{sentence(str(error))} The server is stopped as soon as this is over.",
                status_code=HTTP_UNAVAILABLE,
            ) from error
        except StoreError as error:
            raise SpawnError(str(error)) from error
        if stopped is not None:
            self._tell_request("stop", stopped)
        if not await until_stopped(hub.state, name, self.stop_timeout):
            self.log.warning(
                "%s has not stopped within %s seconds; the operator goes on stopping it, "
                "see `swarmhub describe notebook %s`",
                self._log_name,
                self.stop_timeout,
                name,
            )

    async def delete_forever(self) -> None:
        """Ask the operator to remove the notebook for good; never fails the hub's own delete.

        The default server goes with its user alone.
        """
        hub = self._hub()
        name = self.record_name
        user = None if self.name else self.user.name
        try:
            found = await hub.state.write(lambda s: s.request_deletion(name, last_of=user))
            if found is None:
                return
        except StoreUnavailable as error:
            hub.debts.owe(name, Debt.DELETE, user)
            self.log.warning("Record %s is deleted later: %s", name, error)
            return
        if not await until_removed(hub.state, name, _DELETE_WAIT):
            self.log.info("The operator goes on deleting record %s", name)

    async def rename(self, old_name: str, new_name: str) -> None:
        """Refuse to rename a server that has a record: its record and volumes carry the name.

        Raises:
            SpawnError: there is such a record.
        """
        record = await self._hub().state.fresh(notebook_name(self.user.name, old_name))
        if record is not None:
            raise SpawnError(
                f"The server {old_name!r} has been started and its volumes carry its name; "
                f"make a new server {new_name!r} instead, or change the display name.",
                status_code=_HTTP_CONFLICT,
            )
