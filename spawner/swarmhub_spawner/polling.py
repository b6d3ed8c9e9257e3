"""Whether a server runs, and where it answers."""

from __future__ import annotations

from swarmhub_crds.errors import StoreError
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken

from swarmhub_spawner.building.environment import ALWAYS_SECRET
from swarmhub_spawner.debts import Debt, pay
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.hubstate import HubState
from swarmhub_spawner.messages import failure_text
from swarmhub_spawner.telling import TellingServer
from swarmhub_spawner.verdict import exit_code, failed
from swarmhub_spawner.waits import until_ready


class PolledServer(TellingServer):
    """JupyterHub's `poll` and `get_url`."""

    _said_unknown = False
    _token_asked = False
    _ended_with: int | None = None  # the exit code that poll has found; the hub asks twice

    async def poll(self) -> int | None:
        """Return None while the notebook should run, else its exit code.

        A notebook in back-off counts as running, and so does one whose record cannot be read.
        Whatever else is answered, the record then says "stopped": the hub will not call `stop`.
        """
        if self._starting:
            return None
        try:
            state = self._hub().state
            known = state.latest(self.record_name)
            if isinstance(known, Notebook) and exit_code(known) is None:
                await self._learn(state, known)
                state.activity.note(self.record_name, self.orm_spawner.last_activity)
                return None
            return await self._confirmed_exit(state)
        except (StoreError, SpawnError) as error:
            self._warn_unknown(str(error))
            return None

    async def _confirmed_exit(self, state: HubState) -> int | None:
        """Answer `poll` from the store itself: the cache alone must not end a server."""
        record = await state.fresh(self.record_name, after_writes=True)
        if isinstance(record, Broken):
            self._warn_unknown(record.message)
            return None
        if record is None and await self._is_other_store(state):
            self._warn_unknown("The state database is not the one that this server is in.")
            return None
        code = exit_code(record)
        if record is not None and code is None:
            await self._learn(state, record)
        elif record is not None and record.spec.desired is Desired.RUNNING:
            await self._record_end(state, record)
            self._ended_with = code
        return self._ended_with or code

    async def _record_end(self, state: HubState, record: Notebook) -> None:
        """Record that what has ended should not run, so that nothing revives it."""
        name = record.metadata.name
        await state.write(lambda store: pay(store, name, Debt.STOP))
        if failed(record):
            self._keep_reason_for_page(failure_text(record.status))

    async def _is_other_store(self, state: HubState) -> bool:
        """Whether the store was replaced since the start: then a missing record says nothing."""
        return bool(self._store_uid) and self._store_uid != await state.read(lambda s: s.uid)

    def _warn_unknown(self, reason: str) -> None:
        """Say once why "running" is answered: that is kinder than cutting somebody off."""
        if not self._said_unknown:
            self._said_unknown = True
            self.log.warning(
                "Whether %s runs is not known, so it counts as running: %s", self._log_name, reason
            )

    async def _learn(self, state: HubState, record: Notebook) -> None:
        """Learn what a restarted hub has forgotten of a running server.

        With the API token known again, a later stop revokes it.
        """
        self._record_name = record.metadata.name
        self._said_unknown = False
        if self.api_token or self._token_asked:
            return
        uid = record.metadata.uid
        secrets = await state.read(lambda store: store.secret_environment(uid))
        self._token_asked = True
        self.api_token = secrets.get(ALWAYS_SECRET[0], "")

    async def get_url(self) -> str:
        """Return where the server answers; waits for one whose start outlived the hub.

        Never raises: the hub, which asks while it starts, would not get over it.
        """
        known = str(self.server.url)
        try:
            state = self._hub().state
            if self._store_uid:  # its start was over, so what the hub knows will do
                await state.fresh(self.record_name)
            address = await until_ready(state, self.record_name, self.start_timeout)
        except (StoreError, SpawnError) as error:
            self.log.warning("Where %s answers cannot be read: %s", self._log_name, error)
            return known
        if address is None:
            seconds = self.start_timeout
            self.log.warning("%s was not ready after %s seconds", self._log_name, seconds)
            return known
        return address.rstrip("/") + str(self.server.base_url)
