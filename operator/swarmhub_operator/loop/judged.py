"""Which servers the periodic pass need not judge anew: what they were judged by is as it was.

Most servers of a large hub run and are left alone. To judge one takes most of a millisecond of a
core; to see that nothing about it has changed, a hundredth of that.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook, Phase

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine.observed import Node, Task
from swarmhub_operator.engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class _Basis:
    """All that a server which runs is judged by."""

    record: tuple[str, int]  # uid and version
    homes: tuple[tuple[str, int], ...]
    service: tuple[str, int]  # id and version
    tasks: tuple[Task, ...]
    secrets: tuple[str, ...]
    nodes: int


class Judged:
    """Remembers by what servers were found to be right. Thread-safe."""

    def __init__(self) -> None:
        self._found: dict[str, _Basis] = {}
        self._lock = threading.Lock()  # of what follows
        self._nodes: Mapping[str, Node] = {}
        self._number = 0  # of changes of the nodes that were seen

    def note(self, wanted: Wanted, snapshot: Snapshot, verdict: Verdict) -> None:
        """Remember a verdict, if it leaves nothing to be done and time alone changes nothing."""
        record = wanted.notebook
        basis = None
        if _is_right(record, verdict):
            basis = self._basis(record, wanted.homes, snapshot)
        if basis is None:
            self._found.pop(wanted.name, None)
        else:
            self._found[wanted.name] = basis

    def forget(self, name: str) -> None:
        """Forget a notebook."""
        self._found.pop(name, None)

    def holds(self, record: Notebook, homes: Mapping[str, Home], snapshot: Snapshot) -> bool:
        """Return whether a verdict that was noted would be the same now.

        Args:
            record: the notebook.
            homes: those that can be read, at least its own, by volume.
            snapshot: a look at the Swarm.
        """
        known = self._found.get(record.metadata.name)
        return known is not None and known == self._basis(record, homes, snapshot)

    def _basis(
        self, record: Notebook, homes: Mapping[str, Home], snapshot: Snapshot
    ) -> _Basis | None:
        name = record.metadata.name
        service = snapshot.services.get(name)
        if service is None or snapshot.strays_of(name):
            return None
        own = (homes[m.volume].metadata for m in record.spec.mounts if m.volume in homes)
        return _Basis(
            record=(record.metadata.uid, record.metadata.resource_version),
            homes=tuple((meta.uid, meta.resource_version) for meta in own),
            service=(service.id, service.version),
            tasks=snapshot.tasks.get(service.id, ()),
            secrets=tuple(secret.id for secret in snapshot.secrets.get(name, ())),
            nodes=self._number_of(snapshot.nodes),
        )

    def _number_of(self, nodes: Mapping[str, Node]) -> int:
        with self._lock:
            if nodes is not self._nodes:
                self._number += nodes != self._nodes
                self._nodes = nodes
            return self._number


def _is_right(record: Notebook, verdict: Verdict) -> bool:
    status = verdict.status
    settled = not verdict.actions and verdict.look_again is None and status == record.status
    return settled and status.phase is Phase.RUNNING and not status.message
