"""What a decision about one notebook is made from: its record and homes, and one look.

Reads only. The operator adds what it alone knows (its repairs, the gate, who answers); a command
that asks what the operator would do has to do without that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from swarmhub_crds.home import Home
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_crds.store import Broken

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.inventories import Found
from swarmhub_operator.decide.mounting import Owners
from swarmhub_operator.decide.owners import owners
from swarmhub_operator.decide.plan import was_unreadable
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the rest is read.

    Attributes:
        home: the home of a name, as the store has it.
        removed: uids of the notebooks whose removal the store remembers.
        inventories: which volumes the nodes hold.
        find: where a home is that is bound to no node.
    """

    home: Callable[[str], Home | Broken | None]
    removed: Callable[[], frozenset[str]]
    inventories: Callable[[], Sequence[Inventory]]
    find: Callable[[Home, Mapping[str, Node]], Found]


class Sight:
    """Takes from store and look what concerns one notebook. Thread-safe if its sources are."""

    def __init__(self, sources: Sources, policy: Policy) -> None:
        self._sources = sources
        self._policy = policy

    def homes(self, record: Notebook) -> dict[str, Home]:
        """Return the homes that a notebook mounts and that can be read, by volume."""
        found = (self._sources.home(m.volume) for m in record.spec.mounts if m.home)
        return {h.metadata.name: h for h in found if isinstance(h, Home)}

    def observe(self, wanted: Wanted, snapshot: Snapshot) -> Observed:
        """Return what one look tells about the notebook."""
        service = snapshot.services.get(wanted.name)
        task = snapshot.current_task(service) if service else None
        down = snapshot.down(task)
        return Observed(
            service=service,
            strays=snapshot.strays_of(wanted.name),
            task=task,
            earlier=snapshot.tasks.get(service.id, ())[1:] if service else (),
            secrets=snapshot.secrets.get(wanted.name, ()),
            nodes=snapshot.nodes,
            removed=self._removed(wanted, snapshot),
            unchanged=snapshot.unchanged(service) if service else 0.0,
            down_for=snapshot.started - down.seen if down else 0.0,
            down_since=down.since if down else None,
        )

    def complete(self, wanted: Wanted, observed: Observed, snapshot: Snapshot) -> Observed:
        """Add whose its volumes are and, if nothing is there of it yet, where its homes may be."""
        observed = replace(observed, owners=self._owners(wanted, snapshot))
        if observed.service is not None:
            return observed
        ending = snapshot.ending.get(wanted.name, ())
        return replace(observed, ending=ending, found=self._found(wanted, snapshot))

    def _owners(self, wanted: Wanted, snapshot: Snapshot) -> Owners:
        """Find out whose the volumes are, also those that the record calls nobody's home."""
        stored: dict[str, Home | None] = dict(wanted.homes)
        for volume in {m.volume for m in wanted.spec.mounts} - stored.keys():
            home = self._sources.home(volume)
            if home is not None:
                stored[volume] = home if isinstance(home, Home) else None
        inventories = self._sources.inventories()
        services = snapshot.tally.mounts_of(m.volume for m in wanted.spec.mounts)
        return owners(wanted.spec, stored, inventories, services)

    def _found(self, wanted: Wanted, snapshot: Snapshot) -> dict[str, Found]:
        """Find the homes that are bound to no node, and may yet be somewhere."""
        if not self._policy.adopt_volumes:
            return {}
        unbound = (h for h in wanted.homes.values() if h.node_local and not h.status.node_id)
        return {home.metadata.name: self._sources.find(home, snapshot.nodes) for home in unbound}

    def _removed(self, wanted: Wanted, snapshot: Snapshot) -> frozenset[str]:
        """Ask the store of which records the services under this name are left over, if any."""
        first = snapshot.services.get(wanted.name)
        found = (*((first,) if first else ()), *snapshot.strays)
        others = {s.labels.get(labels.UID, "") for s in found} - {wanted.notebook.metadata.uid}
        return self._sources.removed() & others if others else frozenset()


def is_settled(record: Notebook) -> bool:
    """Whether this generation has been given up or has ended by itself.

    One that was unreadable begins afresh, by the gate, the owners and the quotas like any other.
    """
    status = record.status
    over = status.phase in (Phase.FAILED, Phase.STOPPED) and not was_unreadable(status)
    return over and status.observed_generation == record.metadata.generation


def is_to_run(record: Notebook) -> bool:
    """Whether something is to be started, kept or followed for this record."""
    return record.spec.desired is Desired.RUNNING and not is_settled(record)
