"""Puts the parts of a running operator together."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from swarmhub_crds.store import Store

from swarmhub_operator.decide.ending import still_ending
from swarmhub_operator.decide.errands import Means
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.hostmemory import HostMemory
from swarmhub_operator.loop.controller import Controller
from swarmhub_operator.loop.errands import Errands
from swarmhub_operator.loop.gate import StartGate
from swarmhub_operator.loop.homekeeping import HomeKeeper
from swarmhub_operator.loop.homerecords import HomeRecords
from swarmhub_operator.loop.images import ImageResolver
from swarmhub_operator.loop.inventories import Inventories
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.measured import measured
from swarmhub_operator.loop.metrics import Metrics
from swarmhub_operator.loop.mover import Mover
from swarmhub_operator.loop.ownmemory import OwnMemory, of_nothing
from swarmhub_operator.loop.parts import Parts, utc_now
from swarmhub_operator.loop.prepulling import Prepuller
from swarmhub_operator.loop.probe import Prober, answers
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.loop.recorder import Recorder
from swarmhub_operator.loop.workqueue import WorkQueue
from swarmhub_operator.settings import Settings


def assemble(
    store: Store,
    engine: Engine,
    leadership: Leadership,
    settings: Settings,
    pulse: Pulse,
    ask: Callable[[str], bool] = answers,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = utc_now,
    metrics: Metrics | None = None,
    memory: Callable[[], HostMemory | None] = of_nothing,
) -> Controller:
    """Build the controller that acts while `leadership` holds.

    Args:
        store: the open store.
        engine: a Swarm manager, real or simulated.
        leadership: the lease, acquired.
        settings: policy and network.
        pulse: where the threads report.
        ask: tells whether a URL answers; tests that cannot reach the network replace it.
        clock: monotonic seconds; tests that run in virtual time replace it, and `now`.
        now: the wall clock in UTC.
        metrics: what is counted and measured; None: nobody asks for it.
        memory: tells of the machine of the engine, if this process runs on it.
    """
    queue = WorkQueue(clock)
    metrics = metrics or Metrics()
    metrics.state.queue = queue
    engine = measured(engine, metrics, clock)
    policy = settings.effective_policy
    means = Means(store.uid, settings.errand_image, settings.engine_socket)
    events = Recorder(store, leadership, now, clock)
    interval = policy.inventory_interval
    inventories = Inventories(
        store, engine, leadership, means, interval, events, now=now, clock=clock
    )
    records, errands = HomeRecords(store, leadership, events), Errands(engine, means, clock)
    observer = Observer(engine, store.uid, clock)

    def ending() -> frozenset[str]:
        return still_ending(observer.look(float("-inf")))

    network = settings.network
    mover = Mover(engine, records, errands, network, policy, ending=ending, now=now, clock=clock)
    homes = HomeKeeper(engine, records, errands, inventories, mover, policy.home_grace, now)
    images = ImageResolver(engine, clock, keep=policy.prepull.interval)
    prepuller = Prepuller(
        store, engine, leadership, images, policy, settings.errand_image, now=now, clock=clock
    )
    parts = Parts(
        store=store,
        engine=engine,
        observer=observer,
        leadership=leadership,
        prober=Prober(on_ready=queue.add_asked, ask=ask),
        gate=StartGate(policy.start_rate, clock),
        images=images,
        prepuller=prepuller,
        inventories=inventories,
        homes=homes,
        events=events,
        own_memory=OwnMemory(memory, inventories.own_node, clock),
        metrics=metrics,
        policy=policy,
        network=settings.network,
        enqueue=queue.add_asked,
        seen=queue.seen,
        now=now,
        clock=clock,
    )
    return Controller(parts, queue, pulse)
