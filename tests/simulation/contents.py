"""What is in the homes is never lost, and nobody is given an empty home in place of a full one.

The checks know what is in each volume, wherever it lies, and what the records say. They follow a
home by its uid: its content is what its notebook first wrote into it, or what it found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from simswarm.errands import PART
from swarmhub_crds.errors import StoreError
from swarmhub_crds.home import Home, HomePhase, Reclaim
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Broken
from swarmhub_operator.decide.errands import Errand
from swarmhub_operator.engine import labels

if TYPE_CHECKING:
    from simulation.driver import Simulation

_Records = tuple[Mapping[str, Home], Sequence[Notebook | Broken]]
_LEAVING = (HomePhase.RELEASED, HomePhase.DELETING)


class Contents:
    """Follows what is in the homes of a simulation."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._known: dict[str, tuple[str, int]] = {}  # uid -> content, and how often given up
        self._seen: set[str] = set()  # containers that were looked at
        self._told: _Records | None = None  # while an errand is to remove a volume

    def watch(self) -> Iterator[str]:
        """Check what the notebooks that run find in their homes."""
        swarm = self._sim.swarm
        self._remember()
        for container in swarm.stock.containers.values():
            about = swarm.world.task_labels.get(container.task_id, {})
            if container.running_since is None or container.id in self._seen:
                continue
            self._seen.add(container.id)
            if about.get(labels.STORE) == self._sim.store.uid:
                for name in container.volumes:
                    yield from self._used(container.node_id, name)

    def _used(self, node: str, name: str) -> Iterator[str]:
        try:
            home = self._sim.store.get_home(name)
        except StoreError:
            return
        if not isinstance(home, Home):
            return
        found = self._sim.swarm.stock.content(node, name)
        given_up = len(home.spec.orders.forgotten)
        before, then = self._known.get(home.metadata.uid, (found, given_up))
        self._known[home.metadata.uid] = found, given_up
        if found != before and then == given_up:
            yield f"a notebook found {found!r} in the home {name}, which held {before!r}"

    def _remember(self) -> None:
        """Keep what the records say: an errand may remove a volume after the store has gone.

        Nobody writes into it then, so what was true when it was last read still is.
        """
        services = self._sim.swarm.world.services.values()
        if not any(s["Spec"]["Labels"].get(labels.ERRAND) == Errand.REMOVE for s in services):
            self._told = None
            return
        with suppress(StoreError):
            self._told = self._read()

    def _read(self) -> _Records:
        store = self._sim.store
        homes = {h.metadata.name: h for h in store.list_homes() if isinstance(h, Home)}
        return homes, store.list_notebooks()

    def removal(self, node: str, name: str, *, errand: bool = False) -> Iterator[str]:
        """Check whether a volume may be removed now, by an errand or by the operator itself."""
        try:
            homes, records = self._read()
        except StoreError:
            if self._told is None or not errand:
                yield f"removes the volume {name} while the store cannot be read"
                return
            homes, records = self._told
        home = homes.get(name)
        if home is None:
            yield f"removes the volume {name}, of which there is no record"
            return
        volume = self._sim.swarm.stock.volumes.get(node, {}).get(name)
        if volume is None:
            return
        if (volume.labels or {}).get(labels.UID) != home.metadata.uid:
            yield f"removes the volume {name}, which was not made for this home"
        if self._is_spare(home, node):
            return
        given_up = (
            home.spec.reclaim is Reclaim.DELETE or home.metadata.deletion_requested_at is not None
        )
        if home.status.phase not in _LEAVING or not given_up:
            yield f"removes the home {name}, which is {home.status.phase} and {home.spec.reclaim}"
        for record in records:
            if isinstance(record, Notebook) and name in {m.volume for m in record.spec.mounts}:
                yield f"removes the home {name}, which {record.metadata.name} mounts"

    def _is_spare(self, home: Home, node: str) -> bool:
        """Whether a copy of the home, bound to another node, is not needed."""
        at, name = home.status.node_id, home.metadata.name
        if at == node:
            return False
        content = self._sim.swarm.stock.content
        here = content(node, name)
        if not here or here.startswith(PART):
            return True
        return at is not None and here == content(at, name)
