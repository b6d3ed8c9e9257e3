"""What the loop works with, put together once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from swarmhub_crds.store import Store

from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.gate import StartGate
from swarmhub_operator.loop.homekeeping import HomeKeeper
from swarmhub_operator.loop.images import ImageResolver
from swarmhub_operator.loop.inventories import Inventories
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.metrics import Metrics
from swarmhub_operator.loop.ownmemory import OwnMemory
from swarmhub_operator.loop.prepulling import Prepuller
from swarmhub_operator.loop.probe import Prober
from swarmhub_operator.loop.recorder import Recorder


def utc_now() -> datetime:
    """Return the wall clock in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reconciler works with."""

    store: Store
    engine: Engine
    observer: Observer
    leadership: Leadership
    prober: Prober
    gate: StartGate
    images: ImageResolver
    prepuller: Prepuller
    inventories: Inventories
    homes: HomeKeeper
    events: Recorder
    own_memory: OwnMemory
    metrics: Metrics
    policy: Policy
    network: str
    enqueue: Callable[[str], None]
    seen: Callable[[str], float | None]  # since when a look at a notebook will do; see `WorkQueue`
    now: Callable[[], datetime] = utc_now
    clock: Callable[[], float] = time.monotonic
