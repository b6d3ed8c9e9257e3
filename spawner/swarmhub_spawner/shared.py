"""One of everything that a hub process needs once, however many users it has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from swarmhub_spawner.debts import Debts
from swarmhub_spawner.hubstate import HubState


@dataclass(frozen=True)
class Hub:
    """The state and the debts that all spawners of this process share."""

    state: HubState
    debts: Debts


_hubs: dict[tuple[asyncio.AbstractEventLoop, str], Hub] = {}


def hub_for(url: str) -> Hub:
    """Return the running event loop's one Hub for the store at `url`, made at the first call."""
    key = (asyncio.get_running_loop(), url)
    if key not in _hubs:
        state = HubState(url, key[0])
        _hubs[key] = Hub(state, Debts(state))
    return _hubs[key]


async def close_hub(url: str) -> None:
    """End the threads of the running loop's Hub for `url`, if there is one."""
    hub = _hubs.pop((asyncio.get_running_loop(), url), None)
    if hub is not None:
        await hub.state.close()
