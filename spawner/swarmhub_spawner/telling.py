"""What a server tells of its start, and in place of one that does not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Final

from swarmhub_crds.errors import StoreError
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Notebook

from swarmhub_spawner.errors import SpawnError, spawn_error
from swarmhub_spawner.hubstate import HubState
from swarmhub_spawner.identity import ServerIdentity
from swarmhub_spawner.messages import (
    Event,
    Explanation,
    SlowMessage,
    Text,
    explanation,
    sentence,
    slow_start_events,
    store_trouble_event,
    waiting_events,
)
from swarmhub_spawner.waits import wait

_PROGRESS_LOOK: Final = 3.0  # seconds; for what no change announces: an operator that is silent


class TellingServer(ServerIdentity):
    """Events of a start, and explanations."""

    events_enabled: Any
    slow_spawn_message: Any
    slow_spawn_message_threshold: Any
    slow_spawn_message_frequency: Any

    async def progress(self) -> AsyncGenerator[dict[str, int | str], None]:
        """Tell how the start goes on: each new sentence once, as long as the start is pending."""
        if not self.events_enabled:
            return
        state = self._hub().state
        said: set[str] = set()
        percent = 0
        began = time.monotonic()
        with state.listening(notebook_name(self.user.name, self.name)) as changed:
            while self._spawn_pending:
                changed.clear()
                slow = slow_start_events(self._patience(), time.monotonic() - began)
                for event in [*await self._events(state), *slow]:
                    if event.message not in said:
                        said.add(event.message)
                        percent = max(percent, event.progress)
                        yield Event(percent, event.message).as_dict()
                await wait(changed, _PROGRESS_LOOK)

    def _patience(self) -> SlowMessage:
        return SlowMessage(
            self.slow_spawn_message,
            self.slow_spawn_message_threshold,
            self.slow_spawn_message_frequency,
        )

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

    async def explain(self) -> Explanation:
        """Tell, in place of a server that does not answer, what has become of it."""
        try:
            state = self._hub().state
            record = await state.fresh(self.record_name)
            events = await self._events(state)
        except (StoreError, SpawnError) as error:
            return Explanation(ready=False, message=sentence(str(error)))
        return explanation(record if isinstance(record, Notebook) else None, events)

    def _keep_reason_for_page(self, text: Text) -> None:
        """Show the user why a server ended that had been running.

        The hub shows the exception of the last start; with none it only says "not running".
        """
        if self._spawn_future is None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_exception(spawn_error(text))
            future.exception()  # so that asyncio does not complain that nobody looked
            self._spawn_future = future
