"""Writes down when servers were last in use, for whoever wants to empty a machine.

The hub knows it of each server, and changes it all the time; the store is told at most once a
minute, of all servers together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from swarmhub_crds.errors import StoreError

EVERY: Final = 60.0  # seconds between two writes
_GATHER: Final = 2.0  # seconds in which what is told together is written together


class ActivityLog:
    """Collects what spawners tell; lives on the hub's event loop."""

    def __init__(
        self,
        write: Callable[[Mapping[str, datetime]], Awaitable[None]],
        every: float = EVERY,
        gather: float = _GATHER,
    ) -> None:
        self._write = write
        self._every = every
        self._gather = gather
        self._told: dict[str, datetime] = {}
        self._news: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None
        self._next = float("-inf")  # when the store may be told again

    def note(self, name: str, moment: datetime | None) -> None:
        """Take in when a server was last in use; JupyterHub's times are UTC and do not say so."""
        if moment is None:
            return
        known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if self._told.get(name) == known:
            return
        self._news[name] = known
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_later())

    def close(self) -> None:
        """Write no more."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write_later(self) -> None:
        loop = asyncio.get_running_loop()
        while self._news:
            await asyncio.sleep(max(self._gather, self._next - loop.time()))
            news, self._news = self._news, {}
            self._next = loop.time() + self._every
            try:
                await self._write(news)
            except StoreError:
                self._news = {**news, **self._news}
            else:
                self._told |= news
        self._writing = None
