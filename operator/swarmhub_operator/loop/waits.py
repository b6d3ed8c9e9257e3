"""How long people wait for their servers: for a start, and for one that was gone to be back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter, Histogram
from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase

from swarmhub_operator.loop.metrics import Metrics

_COMING = (Phase.PENDING, Phase.STARTING, Phase.BACK_OFF)


@dataclass(frozen=True, slots=True)
class _Wait:
    """One that goes on; `since` is None if nobody noted when it began."""

    since: datetime | None
    durations: Histogram
    failures: Counter


class Waits:
    """Follows the phases that are written down; one notebook is never told of by two threads.

    A recovery that began before this process led is not measured: nobody noted since when.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._waits: dict[str, _Wait] = {}

    def note(self, record: Notebook, status: NotebookStatus, now: datetime) -> None:
        """Be told that `status` was written in the place of the one that `record` had."""
        name, begun = record.metadata.name, self._begun(record, status, now)
        if begun is not None:
            self._waits[name] = begun
        if status.phase in _COMING:
            return
        wait = self._waits.pop(name, None)
        if wait is None:
            return
        if status.phase is Phase.FAILED:
            wait.failures.inc()
        elif status.phase is Phase.RUNNING and wait.since is not None:
            wait.durations.observe(max(0.0, (now - wait.since).total_seconds()))

    def forget(self, name: str) -> None:
        """Let go of a notebook for which nobody waits any more."""
        self._waits.pop(name, None)

    def _begun(self, record: Notebook, status: NotebookStatus, now: datetime) -> _Wait | None:
        old, is_new = record.status, record.status.observed_generation != status.observed_generation
        if old.phase is status.phase and (not is_new or status.phase is Phase.RUNNING):
            return None
        if is_new or (record.metadata.name not in self._waits and _is_first(old)):
            since = record.metadata.spec_written_at
            return _Wait(since, self._metrics.starts, self._metrics.starts_failed)
        if old.phase is Phase.RUNNING:
            return _Wait(now, self._metrics.recoveries, self._metrics.recoveries_failed)
        return None


def _is_first(old: NotebookStatus) -> bool:
    """Whether it is on its way and no task of it has ended: it has not answered yet."""
    return old.phase in _COMING and old.restarts == 0 and old.failed_task_id is None
