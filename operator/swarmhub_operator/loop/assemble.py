"""Puts the parts of a running operator together."""

from __future__ import annotations

from collections.abc import Callable

from swarmhub_crds.store import Store

from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.controller import Controller
from swarmhub_operator.loop.gate import StartGate
from swarmhub_operator.loop.images import ImageResolver
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.probe import Prober, answers
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.loop.workqueue import WorkQueue
from swarmhub_operator.settings import Settings


def assemble(
    store: Store,
    engine: Engine,
    leadership: Leadership,
    settings: Settings,
    pulse: Pulse,
    ask: Callable[[str], bool] = answers,
) -> Controller:
    """Build the controller that acts while `leadership` holds.

    Args:
        store: the open store.
        engine: a Swarm manager, real or simulated.
        leadership: the lease, acquired.
        settings: policy and network.
        pulse: where the threads report.
        ask: tells whether a URL answers; tests that cannot reach the network replace it.
    """
    queue = WorkQueue()
    parts = Parts(
        store=store,
        engine=engine,
        observer=Observer(engine, store.uid),
        leadership=leadership,
        prober=Prober(on_ready=queue.add, ask=ask),
        gate=StartGate(),
        images=ImageResolver(engine),
        policy=settings.policy,
        network=settings.network,
        enqueue=queue.add,
    )
    return Controller(parts, queue, pulse)
