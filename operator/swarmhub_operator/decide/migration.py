"""Which volumes of an earlier spawner get a record as a home, and why others do not. Pure.

Who mounts a volume is told by what runs, or was stopped; of the rest the name has to tell, and
where it does not tell for sure nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from swarmhub_crds.base import Metadata
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.sqlstore.codec import Broken

from swarmhub_operator.decide import mounting
from swarmhub_operator.decide.oldspawner import Finding, Migration, Origin, Site, Step, Wish
from swarmhub_operator.decide.volumenames import Reading, Template
from swarmhub_operator.engine.workloads import Workload, WorkloadKind


def plan(site: Site, wish: Wish) -> Migration:
    """Decide about everything that the old spawner may have made."""
    old = tuple(w for w in site.workloads if _is_old(w, wish.origin))
    stops = tuple(w for w in old if wish.stop_services and w.kind is WorkloadKind.SERVICE)
    places = _places(site.inventories)
    names = {*places, *(volume for w in old for volume in w.volumes)}
    judge = _Judge(site, wish, old, places, {w.id for w in stops})
    volumes = (judge.volume(name) for name in sorted(names))
    findings = (*(f for f in volumes if f is not None), *_paths(old, wish))
    running = tuple(w for w in old if w.running and w not in stops)
    return Migration(findings, stops, running)


def record(finding: Finding, uid: str, now: datetime) -> Home:
    """Return the record of a volume that is adopted; its removal is nobody's but a person's."""
    return Home(
        metadata=Metadata(
            name=finding.name,
            uid=uid,
            generation=1,
            resource_version=1,
            created_at=now,
            updated_at=now,
            spec_written_at=now,
        ),
        spec=HomeSpec(user=finding.user, server=finding.server),
        status=HomeStatus(
            observed_generation=1,
            phase=HomePhase.BOUND,
            node_id=finding.node_id,
            node=finding.node,
            adopted=True,
            message=f"It was on {finding.node} already, and is kept as it is.",
        ),
    )


def _is_old(workload: Workload, origin: Origin) -> bool:
    """Whether the old spawner made it: a task's container is its service's."""
    of_hub = bool(workload.user) and not workload.ours and not workload.service
    return of_hub and workload.kind is origin.kind


def _places(
    inventories: tuple[Inventory, ...],
) -> dict[str, list[tuple[Inventory, FoundVolume]]]:
    places: dict[str, list[tuple[Inventory, FoundVolume]]] = {}
    for inventory in inventories:
        for volume in inventory.volumes:
            places.setdefault(volume.name, []).append((inventory, volume))
    return places


def _paths(old: tuple[Workload, ...], wish: Wish) -> Iterator[Finding]:
    """Yield the users' own paths of nodes: no volumes, so there is nothing to adopt."""
    escapes = {template.escape for template in (*wish.templates, *wish.doubts)}
    for workload in old:
        written = {workload.user, *(escape.write(workload.user) for escape in escapes)}
        for path in sorted(workload.paths):
            if written & set(path.split("/")):
                why = (
                    "A path of the node, which needs no record: keep it in the spawner's volumes, "
                    "and allow it with allowed_binds in the operator's policy."
                )
                yield Finding(Step.LEAVE, path, why, workload.user, workload.server)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Decides about one volume after the other."""

    site: Site
    wish: Wish
    old: tuple[Workload, ...]
    places: Mapping[str, list[tuple[Inventory, FoundVolume]]]
    stops: AbstractSet[str]

    def volume(self, name: str) -> Finding | None:
        """Return what is done about a volume; None: it is no business of a migration."""
        found = self.places.get(name, [])
        owners = {w.user for w in self.old if name in w.volumes}
        readings, doubts = _read(self.wish.templates, name), _read(self.wish.doubts, name)
        if any(volume.store for _, volume in found) or not (readings or doubts or owners):
            return None
        used_by = tuple(sorted(w.title for w in self._users(name)))
        home = self.site.homes.get(name)
        if home is not None:
            return _recorded(name, home, owners, used_by)
        whose = self._owner(owners, readings, doubts)
        if isinstance(whose, str):
            user = next(iter(owners)) if len(owners) == 1 else ""
            return Finding(Step.LEAVE, name, whose, user, used_by=used_by)
        trouble = self._trouble(name, found, used_by)
        node = found[0][0] if len(found) == 1 else None
        return Finding(
            step=Step.LEAVE if trouble else Step.ADOPT,
            name=name,
            why=trouble or self._reason(owners, name),
            user=whose.user,
            server=whose.server,
            node_id=node.node_id if node else "",
            node=node.node if node else "",
            used_by=used_by,
        )

    def _users(self, name: str) -> Iterator[Workload]:
        """Yield what runs and mounts a volume; a service's own containers are not named twice."""
        services = {w.id for w in self.site.workloads if w.kind is WorkloadKind.SERVICE}
        for workload in self.site.workloads:
            if workload.running and name in workload.volumes and workload.service not in services:
                yield workload

    def _owner(
        self, owners: AbstractSet[str], readings: AbstractSet[Reading], doubts: AbstractSet[Reading]
    ) -> Reading | str:
        """Return whose a volume is, or why that is not known for sure."""
        if len(owners) > 1:
            return (
                f"Servers of {_among(owners)} mount it, so it is nobody's home: keep it in the "
                "spawner's volumes, where it needs no record."
            )
        if owners:
            own = {reading for reading in readings if reading.user in owners}
            return min(own, key=lambda r: r.server) if own else self._misnamed(owners, doubts)
        if self.wish.users is not None:
            known = {reading for reading in readings if reading.user in self.wish.users}
            if not known:
                return "It carries the name of no user of the list."
            return _the_one(known)
        if not readings:
            return (
                f"Written so, it would be {_among(r.user for r in doubts)}'s by the other way of "
                "escaping: give --escape as the old spawner had it."
            )
        return _the_one({*readings, *doubts})

    def _misnamed(self, owners: AbstractSet[str], doubts: AbstractSet[Reading]) -> str:
        user = _among(owners)
        if any(reading.user in owners for reading in doubts):
            hint = "give --escape as the old spawner had it."
        else:
            hint = "if it is a home, give its name as --volume-template."
        return f"A server of {user} mounts it, but by the template it would not be {user}'s: {hint}"

    def _trouble(
        self, name: str, found: list[tuple[Inventory, FoundVolume]], used_by: tuple[str, ...]
    ) -> str | None:
        """Return why a volume whose owner is known gets no record now."""
        if not mounting.is_allowed(name, self.wish.allowed):
            return "Add it to allowed_volumes in the operator's policy first."
        if not found:
            return "None of the nodes that could be asked has it."
        if any(volume.shared for _, volume in found):
            return (
                "Any node can mount it, so there is nothing to bind: its record is made at the "
                "first start, with the same volume_driver and volume_driver_options."
            )
        if len(found) > 1:
            hosts = ", ".join(sorted(inventory.node for inventory, _ in found))
            return f"It is on each of {hosts}: remove all but the right one."
        if any(w.id not in self.stops for w in self._users(name)):
            return f"In use by {', '.join(used_by)}: {self._way_out(name)}"
        return None

    def _way_out(self, name: str) -> str:
        services = all(w.kind is WorkloadKind.SERVICE for w in self._users(name))
        if services and self.wish.origin is Origin.SWARMSPAWNER:
            return "stop that server in the old hub, or give --stop-services."
        return "stop that first, in the old hub if it is a user's server."

    def _reason(self, owners: AbstractSet[str], name: str) -> str:
        stopped = sorted(w.name for w in self._users(name) if w.id in self.stops)
        if stopped:
            return f"The service {', '.join(stopped)} is removed first; the volume stays."
        return "Its user's server had it mounted." if owners else "Its name tells whose it is."


def _recorded(
    name: str, home: Home | Broken, owners: AbstractSet[str], used_by: tuple[str, ...]
) -> Finding:
    if isinstance(home, Broken):
        return Finding(Step.LEAVE, name, f"It has a record. {home.message}", used_by=used_by)
    user, place = home.spec.user, home.status
    others = owners - {user}
    why = "It has a record."
    if others:
        why = f"Its record says that it is {user}'s, but a server of {_among(others)} mounts it."
    return Finding(
        step=Step.LEAVE if others else Step.ADOPTED,
        name=name,
        why=why,
        user=user,
        server=home.spec.server,
        node_id=place.node_id or "",
        node=place.node or "",
        used_by=used_by,
    )


def _read(templates: tuple[Template, ...], name: str) -> frozenset[Reading]:
    return frozenset[Reading]().union(*(template.readings(name) for template in templates))


def _the_one(readings: AbstractSet[Reading]) -> Reading | str:
    users = {reading.user for reading in readings}
    if len(users) > 1:
        return (
            f"By its name it may be of {_among(users)}: give all users of the old hub with "
            "--users, or --escape as it had it."
        )
    return min(readings, key=lambda reading: reading.server)


def _among(users: Iterator[str] | AbstractSet[str]) -> str:
    return " or ".join(sorted(set(users)))
