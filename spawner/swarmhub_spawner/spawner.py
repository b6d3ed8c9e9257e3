"""The JupyterHub spawner that writes what should run into the store and waits for the operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Final

from jupyterhub.spawner import Spawner
from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken

from swarmhub_spawner.build_spec import ALWAYS_SECRET, Request, Wanted, build_spec
from swarmhub_spawner.debts import Debt, pay
from swarmhub_spawner.errors import OptionError, SpawnError
from swarmhub_spawner.hubstate import HubState
from swarmhub_spawner.messages import (
    Event,
    Text,
    failure_text,
    sentence,
    store_trouble_event,
    timed_out_text,
    waiting_events,
)
from swarmhub_spawner.options import SwarmHubOptions
from swarmhub_spawner.shared import Hub, hub_for
from swarmhub_spawner.verdict import exit_code, failed
from swarmhub_spawner.waits import until_ready, until_removed, until_stopped, wait
from swarmhub_spawner.writing import HTTP_UNAVAILABLE, write_record

_HTTP_CONFLICT: Final = 409
_HTTP_TIMED_OUT: Final = 504

_STOP_PATIENCE: Final = 10.0  # seconds that a stop waits out an unavailable store
_DELETE_WAIT: Final = 3.0  # seconds that the hub's delete waits for the operator
_PROGRESS_LOOK: Final = 1.0  # seconds; for what no change announces: an operator that is silent


class SwarmHubSpawner(SwarmHubOptions, Spawner):  # type: ignore[misc]  # JupyterHub has no types
    """Writes a record for each server; the operator makes the Swarm agree with it."""

    api_token: str
    _spawn_future: asyncio.Future[None] | None

    _record_name = ""  # empty: not known from this start or a saved state
    _store_uid = ""
    _starting = False  # start() runs in this process
    _trouble = ""  # why the record cannot be written yet
    _said_unknown = False
    _token_asked = False
    _ended_with: int | None = None  # the exit code that poll has found; the hub asks twice

    # -- identity and saved state

    @property
    def record_name(self) -> str:
        """The name of this server's record."""
        return self._record_name or notebook_name(self.user.name, self.name)

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` saved."""
        super().load_state(state)
        self._record_name = state.get("record", "")
        self._store_uid = state.get("store_uid", "")

    def get_state(self) -> dict[str, Any]:
        """Return what must survive a restart of the hub; it holds no secret."""
        state: dict[str, Any] = super().get_state()
        if self._record_name:
            state |= {"record": self._record_name, "store_uid": self._store_uid}
        return state

    def clear_state(self) -> None:
        """Forget the last run; the record in the store stays."""
        super().clear_state()
        self._record_name = ""
        self._store_uid = ""
        self._trouble = ""
        self._said_unknown = False
        self._token_asked = False
        self._ended_with = None

    def _hub(self) -> Hub:
        if not self.state_url:
            raise SpawnError(
                "state_url: no state database is configured; "
                "set c.SwarmHubSpawner.state_url or SWARMHUB_STATE_URL."
            )
        return hub_for(self.state_url)

    # -- start

    async def start(self) -> str:
        """Write the record and wait until the notebook answers.

        Returns:
            Its address, "http://NAME:PORT".

        Raises:
            SpawnError: it was refused, has failed, or was not ready in time.
        """
        loop = asyncio.get_running_loop()
        # Give up just before the hub does: its own time-out tells the user no reason.
        seconds = max(self.start_timeout - 1.0, self.start_timeout * 0.9)
        deadline = loop.time() + seconds
        self._starting = True
        try:
            hub = self._hub()
            await self._write(hub, seconds)
            address = await until_ready(hub.state, self.record_name, deadline - loop.time())
            if address is None:
                events = await self._events(hub.state)
                text = timed_out_text(self.record_name, seconds, events)
                raise _spawn_error(text, _HTTP_TIMED_OUT)
            return address
        finally:
            self._starting = False

    async def _write(self, hub: Hub, seconds: float) -> None:
        def remember_trouble(reason: str) -> None:
            self._trouble = reason

        notebook, self._store_uid = await write_record(
            hub, self._wanted(), seconds=seconds, on_trouble=remember_trouble
        )
        self._trouble = ""
        self._record_name = notebook.metadata.name
        hub.state.remember(self._record_name, notebook)

    def _wanted(self) -> Wanted:
        """Read the options into a spec."""
        try:
            return build_spec(
                Request(
                    user=self.user.name,
                    user_id=self.user.id,
                    server=self.name,
                    base_url=self.server.base_url,
                    image=self.image,
                    command=[*self.cmd, *self.get_args()],
                    environment=self.get_env(),
                    secret_patterns=self.secret_environment,
                    working_dir=self.working_dir,
                    uid=self.uid,
                    gid=self.gid,
                    port=self.port,
                    cpu_limit=self.cpu_limit,
                    cpu_guarantee=self.cpu_guarantee,
                    mem_limit=self.mem_limit,
                    mem_guarantee=self.mem_guarantee,
                    volumes=self.volume_options(),
                    networks=[self.network_name, *self.extra_networks],
                    labels=self.extra_labels,
                )
            )
        except OptionError as error:
            raise SpawnError(f"The hub's configuration is wrong: {error}") from error

    async def progress(self) -> AsyncGenerator[dict[str, int | str], None]:
        """Tell how the start goes on: each new sentence once, as long as the start is pending."""
        state = self._hub().state
        said: set[str] = set()
        percent = 0
        with state.listening(notebook_name(self.user.name, self.name)) as changed:
            while self._spawn_pending:
                changed.clear()
                for event in await self._events(state):
                    if event.message not in said:
                        said.add(event.message)
                        percent = max(percent, event.progress)
                        yield Event(percent, event.message).as_dict()
                await wait(changed, _PROGRESS_LOOK)

    async def _events(self, state: HubState) -> list[Event]:
        trouble = self._trouble or (str(state.trouble) if state.trouble else "")
        if trouble:
            return [store_trouble_event(trouble)]
        # Without a name, this start has not written its record yet: an older status says nothing.
        notebook = state.latest(self._record_name) if self._record_name else None
        if not isinstance(notebook, Notebook):
            return []
        seen = await state.operator_seen_at()
        return waiting_events(notebook, now=datetime.now(UTC), operator_seen_at=seen)

    # -- poll

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

    def _keep_reason_for_page(self, text: Text) -> None:
        """Show the user why a server ended that had been running.

        The hub shows the exception of the last start; with none it only says "not running".
        """
        if self._spawn_future is None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_exception(_spawn_error(text))
            future.exception()  # so that asyncio does not complain that nobody looked
            self._spawn_future = future

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

    # -- stop and delete

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
            await hub.state.write(lambda s: pay(s, name, Debt.STOP), patience=_STOP_PATIENCE)
        except StoreUnavailable as error:
            hub.debts.owe(name, Debt.STOP)
            raise SpawnError(
                f"{sentence(str(error))} The server is stopped as soon as this is over.",
                status_code=HTTP_UNAVAILABLE,
            ) from error
        except StoreError as error:
            raise SpawnError(str(error)) from error
        if not await until_stopped(hub.state, name, self.stop_timeout):
            self.log.warning(
                "%s has not stopped within %s seconds; the operator goes on stopping it, "
                "see `swarmhub describe notebook %s`",
                self._log_name,
                self.stop_timeout,
                name,
            )

    async def delete_forever(self) -> None:
        """Ask the operator to remove the notebook for good; never fails the hub's own delete."""
        hub = self._hub()
        name = self.record_name
        try:
            if await hub.state.write(lambda store: store.request_deletion(name)) is None:
                return
        except StoreUnavailable as error:
            hub.debts.owe(name, Debt.DELETE)
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

    async def create_certs(self) -> Any:
        """Refuse `internal_ssl`, which asks for certificates before each start.

        Raises:
            SpawnError: always.
        """
        raise SpawnError(
            "internal_ssl is not supported by SwarmHubSpawner yet; "
            "set c.JupyterHub.internal_ssl = False."
        )


def _spawn_error(text: Text, status_code: int = 500) -> SpawnError:
    return SpawnError(text.plain, html=text.html, status_code=status_code)
