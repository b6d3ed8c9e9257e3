"""Asks store and engine what notebooks and nodes use, for `swarmhub top`.

What a container uses is counted by the engine of its own node alone (GET /containers/ID/stats); a
manager neither knows it of other nodes nor passes the question on. So it is measured on the node
whose engine is asked here, in two readings a second apart, several containers at once; of the
others it is told what Swarm keeps for them and what they may take.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store

from swarmhub_operator.cli.top_sums import Machine, Taken, machine, share_of
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.port import Measuring
from swarmhub_operator.engine.usage import Sample, Usage, between

APART: Final = 1.0  # seconds between the two readings
AT_ONCE: Final = 8  # containers that the engine is asked for at the same time
WITHIN: Final = 15.0  # seconds for all readings; who has not been asked by then is not measured


def take(store: Store, engine: Measuring, *, everything: bool) -> tuple[Taken, str]:
    """Return what is known, and a sentence on what is not; "" if the engine has told all it can.

    Args:
        store: the open store.
        engine: of a manager.
        everything: measure all tasks on its node, not just our notebooks.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        machines = tuple(map(machine, engine.nodes()))
        shares, own = engine.shares(), engine.own_node_id()
        here = (s for s in shares if s.running and s.node_id == own)
        wanted = {s.container for s in here if everything or s.store == store.uid}
        usages = measured(engine, wanted - {""})
    except EngineError as error:
        told = f"{error} What is told here are the records alone; nothing was measured."
        return _from_store(store), told
    return Taken(machines, shares, usages, own), ""


def _from_store(store: Store) -> Taken:
    seen: tuple[Machine, ...] = tuple(map(machine, store.list_nodes()))
    readable = (n for n in store.list_notebooks() if isinstance(n, Notebook))
    shares = (share_of(notebook) for notebook in readable)
    return Taken(seen, tuple(share for share in shares if share is not None))


def measured(engine: Measuring, containers: Collection[str]) -> Mapping[str, Usage]:
    """Return what containers of the engine's own node use, by id; without those that are gone.

    Raises:
        EngineError: the engine gives no reading at all.
    """
    if not containers:
        return {}
    end = time.monotonic() + WITHIN
    before = _samples(engine, containers, end)
    time.sleep(APART)
    after = _samples(engine, before.keys(), end)
    used = {ident: between(before[ident], after.get(ident)) for ident in before}
    return {ident: usage for ident, usage in used.items() if usage is not None}


def _samples(engine: Measuring, containers: Collection[str], end: float) -> dict[str, Sample]:
    """Return a reading of each container that gives one.

    Raises:
        EngineError: none does, and the engine said why of at least one.
    """
    failures: list[EngineError] = []

    def ask(ident: str) -> Sample | None:
        if time.monotonic() > end:
            return None
        try:
            return engine.sample(ident)
        except EngineError as error:
            failures.append(error)
            return None

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sample") as pool:
        pairs = [*zip(containers, pool.map(ask, containers), strict=True)]
    found = {ident: sample for ident, sample in pairs if sample is not None}
    if failures and not found:
        raise failures[0]
    return found
