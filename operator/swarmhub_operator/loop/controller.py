"""The loop: what wakes reconciliation, and the workers that do it.

A notebook is looked at when its record changes, when the engine hints at it, when a look finds
it different from the last one, when its last reconciliation asked for it, and at every sweep.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from swarmhub_crds.errors import Conflict, LeaseLost, StoreError
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.watch import INTERVAL, Changes, StoreWatch

from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.logs import get_logger, told_with_request
from swarmhub_operator.loop.enginewatch import EngineWatch
from swarmhub_operator.loop.housekeeping import Housekeeping
from swarmhub_operator.loop.nodeorders import NodeOrders
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.prepulling import IDLE
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.loop.reconcile import Reconciler
from swarmhub_operator.loop.rest import is_at_rest, name_of, seems_right
from swarmhub_operator.loop.workqueue import WorkQueue

NOTICED_EVERY = 0.005  # seconds between two looks whether a record has changed; 0.7 % of a core
ERRANDS_EVERY = 0.5  # seconds between two looks at homes while an errand is under way
BEAT_EVERY = 10.0  # seconds between two signs of life while a thread waits
JUDGE_ALL = 10  # of so many sweeps, one judges also what has not changed
log = get_logger()


class Controller:
    """Runs while this process holds the lease."""

    def __init__(self, parts: Parts, queue: WorkQueue, pulse: Pulse) -> None:
        self._parts = parts
        self._queue = queue
        self._reconciler = Reconciler(parts)
        self._housekeeping = Housekeeping(parts)
        self._node_orders = NodeOrders(parts)
        self._watch = StoreWatch(parts.store.url, interval=NOTICED_EVERY)
        self._pulse = pulse
        self._beat_sweep = partial(pulse.beat, "sweep")
        self._stop = threading.Event()
        self._engine_watch = EngineWatch(parts, queue, pulse, self._stop)
        self._began = float("-inf")
        self._sweeps = 0
        self._threads: list[threading.Thread] = []

    def start(self, workers: int) -> None:
        """Start all threads."""
        self._began = self._parts.clock()
        self._parts.events.leads()
        jobs: list[tuple[str, Callable[[], None]]] = [
            ("store-watch", self._follow_store),
            ("engine-watch", self._engine_watch.look),
            ("engine-events", self._engine_watch.listen),
            ("sweep", self._sweep),
            ("prepull", self._prepull),
            ("prober", self._parts.prober.run),
            *((f"worker-{n}", self._work) for n in range(workers)),
        ]
        for name, job in jobs:
            thread = threading.Thread(target=self._guard(name, job), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _guard(self, name: str, job: Callable[[], None]) -> Callable[[], None]:
        """A thread that dies takes the process's health with it, instead of dying unseen."""

        def run() -> None:
            try:
                job()
            except LeaseLost:
                self._parts.leadership.lost.set()
            except Exception:
                log.exception("thread died", thread=name)
                self._pulse.died(name)

        return run

    def stop(self, timeout: float) -> bool:
        """Finish what is under way and stop, within `timeout` seconds.

        Returns False if something that changes the Swarm may still be under way then; its thread
        is a daemon and ends with the process, as that of the event stream does.
        """
        self._stop.set()
        self._engine_watch.wake()
        self._queue.close()
        self._watch.wake()
        self._parts.prober.close()
        self._parts.inventories.stir.set()
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread.name != "engine-events":
                thread.join(max(0.0, end - time.monotonic()))
        acting = (t for t in self._threads if t.name.startswith(("sweep", "prepull", "worker-")))
        return not any(thread.is_alive() for thread in acting)

    def _follow_store(self) -> None:
        with closing(self._watch):
            self._watch_store()

    def _watch_store(self) -> None:
        full = False  # everything is still to be looked at
        while not self._stop.is_set():
            self._pulse.beat("store-watch")
            try:
                changes = self._watch.wait(timeout=1.0)
                full = full or (changes is not None and changes.full)
                if full:
                    self._queue_all()
            except StoreError as error:
                self._pulse.report("store", str(error))
                continue
            self._pulse.report("store", None)
            for name in () if full or changes is None else changes.notebooks:
                if not self._reconciler.is_own_write(name):
                    self._queue.add_asked(name)
            if changes is not None:
                self._note_orders(changes)
                self._stop.wait(INTERVAL)  # changes come in bursts, and one look serves them all
            full = False

    def _note_orders(self, changes: Changes) -> None:
        """Have what administrators ordered about homes and nodes done soon."""
        if changes.full or changes.nodes:
            self._node_orders.note(changes.nodes)
        try:
            self._parts.homes.note(changes.homes)
        except StoreError as error:  # the next sweep looks at all of them
            self._pulse.report("store", str(error))

    def _queue_all(self) -> None:
        """Queue every record that is not at rest: first those with something to be done."""
        for record in self._parts.store.list_notebooks():
            if is_at_rest(record):
                continue
            if not isinstance(record, Notebook):
                self._queue.add_idle(name_of(record))
            elif seems_right(record):
                self._queue.add_idle(name_of(record), self._began)
            else:
                self._queue.add(name_of(record), self._began)

    def _sweep(self) -> None:
        while not self._stop.is_set():
            self._beat_sweep()
            swept = self._attempt(self._sweep_once)
            self._pulse.report("sweep", self._housekeeping.brake)
            self._rest_between_sweeps(self._parts.policy.sweep.interval, swept=swept)

    def _attempt(self, job: Callable[[], None]) -> bool:
        try:
            job()
        except (EngineError, StoreError) as error:
            log.warning("sweep", outcome="postponed", error=str(error))
            return False
        return True

    def _sweep_once(self) -> None:
        asked = self._parts.clock()
        self._sweep_over(self._parts.observer.look(asked))
        self._housekeeping.collect_garbage(asked, self._beat_sweep)
        self._look_after_homes()
        self._parts.metrics.sweeps.observe(self._parts.clock() - asked)
        self._parts.metrics.last_sweep.set(self._parts.now().timestamp())

    def _look_after_homes(self) -> None:
        nodes = self._parts.observer.look(float("-inf")).nodes
        behind = self._housekeeping.is_behind
        self._parts.homes.look_after(nodes, is_behind=behind, beat=self._beat_sweep)

    def _rest_between_sweeps(self, seconds: float, *, swept: bool) -> None:
        """Wait, however long, without being taken for dead; homes on their way get their looks.

        After a sweep that failed they get none: what it would have held back is not known.
        """
        end = time.monotonic() + seconds
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            self._beat_sweep()
            self._node_orders.carry_out(self._beat_sweep)
            if swept and self._parts.homes.busy:
                self._stop.wait(min(left, ERRANDS_EVERY))
                swept = self._stop.is_set() or self._attempt(self._look_after_homes)
            elif swept:
                self._parts.inventories.stir.wait(min(left, BEAT_EVERY))
            else:
                self._stop.wait(min(left, BEAT_EVERY))

    def _prepull(self) -> None:
        """Have the nodes pull, without keeping anybody waiting."""
        beat = partial(self._pulse.beat, "prepull")
        while not self._stop.is_set():
            beat()
            pause = IDLE
            try:
                nodes = self._parts.observer.look(float("-inf")).nodes
                pause = self._parts.prepuller.step(nodes, beat)
            except LeaseLost:
                raise
            except (EngineError, StoreError) as error:
                log.warning("prepull", outcome="postponed", error=str(error))
            self._stop.wait(min(pause, BEAT_EVERY))

    def _sweep_over(self, snapshot: Snapshot) -> None:
        """Queue what is not at rest by its record, and what has something in the Swarm.

        Most sweeps leave out what was found to be right and has not changed since.
        """
        self._sweeps += 1
        right: set[str] = set()
        homes = {h.metadata.name: h for h in self._parts.store.list_homes() if isinstance(h, Home)}
        for record in self._parts.store.list_notebooks():
            if self._sweeps % JUDGE_ALL and self._reconciler.is_right(record, homes, snapshot):
                right.add(name_of(record))
            elif not is_at_rest(record):
                self._queue.add_idle(name_of(record), snapshot.started)
        for name in {*snapshot.services, *snapshot.secrets} - right:
            self._queue.add_idle(name, snapshot.started)

    def _work(self) -> None:
        while not self._stop.is_set():
            name = self._queue.get(timeout=1.0)
            self._pulse.beat(threading.current_thread().name)
            if name is None:
                continue
            try:
                with told_with_request():
                    self._look_at(name)
            finally:
                self._queue.done(name)

    def _look_at(self, name: str) -> None:
        try:
            with self._parts.metrics.count_reconcile():
                again = self._reconciler.reconcile(name)
        except Conflict:
            self._queue.add(name)
            return
        except LeaseLost:
            raise
        except (EngineError, StoreError) as error:
            delay = self._queue.retry(name)
            log.warning("retry", notebook=name, error=str(error), delay=round(delay, 2))
            return
        except Exception as error:
            # A fault in one notebook's reconciliation must not stop the others.
            log.exception("reconcile failed", notebook=name, error=str(error))
            self._queue.retry(name)
            return
        self._queue.forget(name)
        if again is not None:
            self._queue.add_after(name, again)
