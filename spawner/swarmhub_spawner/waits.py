"""Bounded waits for what the operator does to one record."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Broken

from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.hubstate import HubState
from swarmhub_spawner.verdict import Ended, Ready, has_stopped, start_verdict

_LOOK_AGAIN: Final = 5.0  # seconds; changes wake a wait, this only bounds a lost wake-up


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for `event`, at most `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):  # `wait_for` would make a task of it
            await event.wait()


async def until_ready(state: HubState, name: str, seconds: float) -> str | None:
    """Wait until the notebook answers; return its address, None when time is over.

    Raises:
        SpawnError: the start has ended without a server.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with state.listening(name) as changed:
        while True:
            changed.clear()
            notebook = await _readable(state, name)
            verdict = start_verdict(notebook) if notebook is not None else None
            if isinstance(verdict, Ready):
                return verdict.address
            if isinstance(verdict, Ended):
                text = verdict.text
                raise SpawnError(text.plain, html=text.html, status_code=verdict.status_code)
            if loop.time() >= deadline:
                return None
            await wait(changed, min(_LOOK_AGAIN, deadline - loop.time()))


async def _readable(state: HubState, name: str) -> Notebook | None:
    """Return the record that is being started; None while the store cannot be read."""
    record = state.latest(name)
    if record is None:
        try:
            record = await state.fresh(name)
        except StoreUnavailable:
            return None
        if record is None:
            raise SpawnError("The server's record was removed while it started; start it again.")
    if isinstance(record, Broken):
        raise SpawnError(record.message)
    return record


async def until_stopped(state: HubState, name: str, seconds: float) -> bool:
    """Wait until nothing of the notebook runs; False when time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with state.listening(name) as changed:
        while True:
            changed.clear()
            with suppress(StoreUnavailable):
                record = await state.fresh(name)
                if not isinstance(record, Broken) and has_stopped(record):
                    return True
            if loop.time() >= deadline:
                return False
            await wait(changed, min(_LOOK_AGAIN, deadline - loop.time()))


async def until_removed(state: HubState, name: str, seconds: float) -> bool:
    """Wait until the record is gone; False when time is over or the store cannot tell."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with state.listening(name) as changed, suppress(StoreUnavailable):
        while loop.time() < deadline:
            changed.clear()
            if await state.fresh(name) is None:
                return True
            await wait(changed, min(_LOOK_AGAIN, deadline - loop.time()))
    return False
