"""Records made again from what runs, where the store has lost them. Pure.

Only what is missing, or older than what runs, is written; and nothing that the store remembers to
have deleted. A record is put back exactly, so that its service is as wanted and is not restarted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from pydantic import ValidationError
from swarmhub_crds.base import Metadata
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.names import is_record_name
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.sqlstore.codec import Broken, readable_uid
from swarmhub_crds.sqlstore.recovery import PutBack

from swarmhub_operator.decide.behind import is_behind
from swarmhub_operator.decide.build import NO_NODE, spec_hash
from swarmhub_operator.decide.recorded import read
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Service, Volume
from swarmhub_operator.engine.snapshot import Snapshot

_UNTOLD = (
    "Its labels do not tell its whole record: another operator made it, or somebody changed them. "
    "It runs on until it is removed; `swarmhub gc` lists it."
)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store still holds, by name, and the uids whose removal it remembers."""

    notebooks: Mapping[str, Notebook | Broken] = field(default_factory=dict)
    homes: Mapping[str, Home | Broken] = field(default_factory=dict)
    removed: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Left:
    """Something that runs or lies there and gets no record, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What to write, and what is left as it is."""

    notebooks: tuple[PutBack[Notebook], ...]
    homes: tuple[PutBack[Home], ...]
    left: tuple[Left, ...]


def rebuild(
    snapshot: Snapshot, volumes: tuple[Volume, ...], stored: Stored, node: str, store: str
) -> Rebuilt:
    """Decide which records to write.

    Args:
        snapshot: one look at all that carries the store's uid.
        volumes: those of one node; other stores' are left out.
        stored: what the store holds.
        node: id of that node.
        store: the store's uid.
    """
    notebooks: list[PutBack[Notebook]] = []
    homes: dict[str, PutBack[Home]] = {}
    left: list[Left] = []
    for service in sorted(snapshot.all_services(), key=lambda s: s.name):
        answer = _of_service(service, snapshot, stored)
        if isinstance(answer, Left):
            left.append(answer)
            continue
        made, mounted = answer
        notebooks += made
        homes |= {h.metadata.name: PutBack(h) for h in mounted if _is_lost(h, stored)}
    ours = tuple(v for v in volumes if v.labels.get(labels.STORE) == store)
    for home in _of_volumes(ours, snapshot.nodes.get(node), node):
        if _is_lost(home, stored):
            homes.setdefault(home.metadata.name, PutBack(home))
    ordered = tuple(homes[name] for name in sorted(homes))
    return Rebuilt(tuple(notebooks), ordered, tuple(left))


def _of_service(
    service: Service, snapshot: Snapshot, stored: Stored
) -> Left | tuple[list[PutBack[Notebook]], list[Home]]:
    what = f"service {service.name}"
    found = read(service)
    if service.labels.get(labels.UID) in stored.removed:
        return Left(what, "Its notebook was deleted; the operator removes it.")
    if service in snapshot.strays:
        return Left(what, "It is a second service of one notebook.")
    if found is None or not _is_true(found[0], service):
        return Left(what, _UNTOLD)
    notebook, homes = found
    old = stored.notebooks.get(notebook.metadata.name)
    why = _why_kept(old, notebook, service, stored)
    if why:
        return Left(what, why)
    mounted = [_bound(home, service, snapshot) for home in homes]
    return _missing(old, notebook, service, stored), mounted


def _why_kept(
    old: Notebook | Broken | None, notebook: Notebook, service: Service, stored: Stored
) -> str | None:
    """Return why the stored record of the service's name stays although it is another one."""
    if isinstance(old, Broken):
        return f"It has a record. {old.message}."
    if old is None or old.metadata.uid == notebook.metadata.uid:
        return None
    if is_behind(old.metadata, service, stored.removed):
        return None
    return "Its record is newer: the server was asked for anew since it started."


def _missing(
    old: Notebook | Broken | None, notebook: Notebook, service: Service, stored: Stored
) -> list[PutBack[Notebook]]:
    """Return the record, unless the stored one knows of this start."""
    if not isinstance(old, Notebook):
        return [PutBack(notebook)]
    if not is_behind(old.metadata, service, stored.removed):
        return []
    return [PutBack(notebook, (old.metadata.uid, old.metadata.resource_version))]


def _is_true(notebook: Notebook, service: Service) -> bool:
    """Whether the record is the one of which the service was made."""
    same = spec_hash(notebook) == service.labels.get(labels.SPEC_HASH)
    named = is_record_name(notebook.metadata.name) and readable_uid(notebook.metadata.uid)
    return same and bool(named)


def _is_lost(home: Home, stored: Stored) -> bool:
    meta = home.metadata
    return meta.name not in stored.homes and meta.uid not in stored.removed


def _bound(home: Home, service: Service, snapshot: Snapshot) -> Home:
    """Return the home with the node on which its notebook runs or ran last."""
    tasks = snapshot.tasks.get(service.id, ())
    pin = service.pin if service.pin != NO_NODE else None
    ident = next((t.node_id for t in tasks if t.node_id), pin)
    return _on(home, ident, snapshot.nodes.get(ident or ""))


def _on(home: Home, ident: str | None, node: Node | None) -> Home:
    status = HomeStatus(observed_generation=home.metadata.generation, phase=HomePhase.BOUND)
    if home.node_local:
        where = {"node_id": ident, "node": node.hostname if node else None}
        status = status.model_copy(update=where)
    return home.model_copy(update={"status": status})


def _of_volumes(volumes: tuple[Volume, ...], node: Node | None, ident: str) -> Iterator[Home]:
    """Yield the homes of which only the volume tells; nothing of them is ever to be removed."""
    for volume in sorted(volumes, key=lambda v: v.name):
        try:
            metadata = Metadata(
                name=volume.labels.get(labels.HOME, ""),
                uid=volume.labels.get(labels.UID, ""),
                generation=1,
                resource_version=1,
                created_at=volume.created_at,
                updated_at=volume.created_at,
            )
            spec = HomeSpec(
                user=volume.labels.get(labels.USER, ""),
                driver=volume.driver,
                driver_options=dict(volume.options),
            )
        except ValidationError:
            continue
        if metadata.name == volume.name and metadata.uid:
            yield _on(Home(metadata=metadata, spec=spec), ident, node)
