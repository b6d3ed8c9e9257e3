"""What is read at the moment of a scrape: the lease, the queue, and what the store counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from swarmhub_crds.errors import LeaseLost, StoreError
from swarmhub_crds.footprint import Footprint, footprint
from swarmhub_crds.home import Home
from swarmhub_crds.node import SeenNode
from swarmhub_crds.store import Store

from swarmhub_operator.decide.phases import OF_HOMES, OF_NOTEBOOKS, count_phases
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.workqueue import WorkQueue

KEPT = 5.0  # seconds for which what the store said is told again, whoever scrapes
log = get_logger()


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the store says; `size` is the sum of the homes' known sizes, in bytes."""

    revision: int
    notebooks: Mapping[str, int]
    homes: Mapping[str, int]
    size: int
    held: Footprint
    nodes: Sequence[SeenNode]


class StateCollector(Collector):
    """Gauges that are asked for at each scrape, which none of them can make fail. Thread-safe.

    Attributes:
        store: the open store, or None.
        leadership: of this process, or None before it has stood by.
        queue: of names, or None while this process does not lead.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.store: Store | None = None
        self.leadership: Leadership | None = None
        self.queue: WorkQueue | None = None
        self._clock = clock
        self._reading = threading.Lock()
        self._known: _Counts | None = None
        self._read_at = float("-inf")

    def describe(self) -> Iterator[Metric]:
        """Name nothing in advance: what is not known is left out."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield what is known now."""
        yield from self._of_lease()
        yield from self._of_queue()
        yield from self._of_store()

    def _of_lease(self) -> Iterator[Metric]:
        fence = self._fence()
        name, text = "swarmhub_lease_held", "Whether this process holds the lease."
        yield GaugeMetricFamily(name, text, value=fence is not None)
        if fence is not None:
            text = "Number of this process's term; each later one is higher."
            yield GaugeMetricFamily("swarmhub_lease_fence", text, value=fence)

    def _fence(self) -> int | None:
        leadership = self.leadership
        try:
            return None if leadership is None else leadership.fence
        except LeaseLost:
            return None

    def _of_queue(self) -> Iterator[Metric]:
        if (queue := self.queue) is None:
            return
        depth = GaugeMetricFamily(
            "swarmhub_queue_depth", "Names that wait for a worker.", labels=["lane"]
        )
        oldest = GaugeMetricFamily(
            "swarmhub_queue_oldest_age_seconds",
            "How long the first of them has waited.",
            labels=["lane"],
        )
        for lane, waiting in queue.lanes().items():
            depth.add_metric([lane], waiting.depth)
            oldest.add_metric([lane], waiting.oldest)
        yield depth
        yield oldest

    def _of_store(self) -> Iterator[Metric]:
        counts = self._counts()
        text = "Whether the store could be read."
        yield GaugeMetricFamily("swarmhub_store_up", text, value=counts is not None)
        if counts is None:
            return
        text = "Number of the last change of a record."
        yield GaugeMetricFamily("swarmhub_store_revision", text, value=counts.revision)
        yield _by_phase("swarmhub_notebooks", "Records of notebooks.", counts.notebooks)
        yield _by_phase("swarmhub_homes", "Records of homes.", counts.homes)
        text = "Sum of the sizes of the homes that were measured."
        yield GaugeMetricFamily("swarmhub_homes_bytes", text, value=counts.size)
        yield from _of_memory(counts)

    def _counts(self) -> _Counts | None:
        """Read, or tell again what was read a moment ago, or what is known while another reads."""
        store = self.store
        if store is None or not self._reading.acquire(blocking=False):
            return self._known
        try:
            if self._clock() - self._read_at >= KEPT:
                self._known = _read(store)
                self._read_at = self._clock()
            return self._known
        finally:
            self._reading.release()


def _read(store: Store) -> _Counts | None:
    try:
        homes, notebooks = store.list_homes(), store.list_notebooks()
        return _Counts(
            revision=store.revision(),
            notebooks=count_phases(notebooks, OF_NOTEBOOKS),
            homes=count_phases(homes, OF_HOMES),
            size=sum(home.status.size or 0 for home in homes if isinstance(home, Home)),
            held=footprint(notebooks),
            nodes=store.list_nodes(),
        )
    except StoreError:  # who leads or stands by reports it
        return None
    except Exception:  # as when the store is closed at this very moment
        log.exception("scrape", outcome="store not read")
        return None


def _of_memory(counts: _Counts) -> Iterator[Metric]:
    """Yield what servers hold, what nodes have, and what is in use on those that tell it."""
    text = "Memory that Swarm keeps for servers on nodes."
    name = "swarmhub_notebooks_memory_reserved_bytes"
    yield GaugeMetricFamily(name, text, value=counts.held.reserved)
    text = "Memory that servers on nodes may take at most; what has no limit counts as reserved."
    name = "swarmhub_notebooks_memory_most_bytes"
    yield GaugeMetricFamily(name, text, value=counts.held.most)
    ready = [node for node in counts.nodes if node.state == "ready"]
    text = "Memory of the nodes that are up."
    yield GaugeMetricFamily(
        "swarmhub_nodes_memory_bytes", text, value=sum(node.memory for node in ready)
    )
    used = [node.memory_used for node in ready if node.memory_used is not None]
    if used:
        text = "Memory in use by all that runs on the nodes that tell it."
        yield GaugeMetricFamily("swarmhub_nodes_memory_used_bytes", text, value=sum(used))


def _by_phase(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["phase"])
    for phase, number in counts.items():
        family.add_metric([phase], number)
    return family
