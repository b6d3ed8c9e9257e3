"""The table of `swarmhub homes`: records and volumes side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from swarmhub_crds import readable
from swarmhub_crds.base import API_VERSION
from swarmhub_crds.errors import NotFound
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.readable import NONE, age
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.asking import Answers
from swarmhub_operator.cli.options import clock
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.records import phase_of
from swarmhub_operator.cli.table import Table, cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.inventories import missing, unrecorded

_TITLES: Final = ("NAME", "USER", "SERVER", "NODE", "STATE", "SIZE", "LAST-USED", "AGE")
_WIDE: Final = ("DRIVER", "RECLAIM", "UID", "MESSAGE")


class Mismatch(StrEnum):
    """The states that no record has: what records and nodes disagree about."""

    MISSING = "Missing"
    UNKNOWN = "Unknown"
    LEFTOVER = "Leftover"


@dataclass(frozen=True, slots=True)
class Row:
    """One home, or one volume that should be none."""

    name: str
    state: str
    node: str = ""
    node_id: str = ""
    user: str = ""
    server: str = ""
    size: int | None = None
    last_used_at: datetime | None = None
    created_at: datetime | None = None
    driver: str = ""
    reclaim: str = ""
    uid: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is, and since when that is known of each node."""

    rows: tuple[Row, ...]
    inventories: Mapping[str, Inventory]
    silent: Mapping[str, str]  # hostname -> why it has not told now


def survey(store: Store, answers: Answers) -> Survey:
    """Compare the records with what the nodes have, as of now or when they last told.

    Raises:
        StoreError: the store cannot be read.
    """
    known = {one.node_id: one for one in store.list_inventories()} | answers.inventories
    records = store.list_homes()
    homes = {h.metadata.name: h for h in records if isinstance(h, Home)}
    absent = _absent(homes, answers)
    sizes = {(i.node_id, v.name): v.size for i in known.values() for v in i.volumes}
    rows = [_row(record, record_name(record) in absent, sizes) for record in records]
    for home in homes.values():
        rows += _leftovers(home)
    for inventory in known.values():
        rows += [_unknown(v, inventory, homes) for v in unrecorded(homes, inventory, store.uid)]
    hosts = {node.id: node.hostname for node in store.list_nodes()}
    silent = {hosts.get(i, i): _since(why, known.get(i)) for i, why in answers.silent.items()}
    ordered = sorted(rows, key=lambda row: (row.name, row.node, row.state))
    return Survey(tuple(ordered), known, silent)


def _absent(homes: Mapping[str, Home], answers: Answers) -> frozenset[str]:
    """Return the homes that are missing now; an older inventory knows nothing of newer homes."""
    told = answers.inventories.values()
    absent = frozenset[str]().union(*(missing(homes.values(), one) for one in told))
    return frozenset(n for n in absent if (n, homes[n].status.node_id) in answers.expected)


def record_name(record: Home | Broken) -> str:
    """Return the name of a record, readable or not."""
    return record.name if isinstance(record, Broken) else record.metadata.name


def _since(why: str, inventory: Inventory | None) -> str:
    if inventory is None:
        return f"{why} What it has is not known."
    return f"{why} What is told of it is of {inventory.taken_at:%Y-%m-%d %H:%M} UTC."


def _row(
    record: Home | Broken, is_missing: bool, sizes: Mapping[tuple[str, str], int | None]
) -> Row:
    if isinstance(record, Broken):
        return Row(record.name, phase_of(record), message=record.message)
    spec, status = record.spec, record.status
    measured = sizes.get((status.node_id or "", record.metadata.name))
    lost = is_missing and status.phase is HomePhase.BOUND
    return Row(
        name=record.metadata.name,
        state=Mismatch.MISSING if lost else phase_of(record),
        node=status.node or "",
        node_id=status.node_id or "",
        user=spec.user,
        server=spec.server,
        size=status.size if measured is None else measured,
        last_used_at=status.last_used_at,
        created_at=record.metadata.created_at,
        driver=spec.driver,
        reclaim=spec.reclaim,
        uid=record.metadata.uid,
        message="Its volume is not on its node." if lost else status.message,
    )


def _leftovers(home: Home) -> Iterator[Row]:
    for place in home.status.leftovers:
        yield Row(
            name=home.metadata.name,
            state=Mismatch.LEFTOVER,
            node=place.node,
            node_id=place.node_id,
            user=home.spec.user,
            uid=home.metadata.uid,
            message=f"A copy that a move has left; the home is on {home.status.node}.",
        )


def _unknown(volume: FoundVolume, inventory: Inventory, homes: Mapping[str, Home]) -> Row:
    home = homes.get(volume.name)
    where = f"The home of this name is on {home.status.node or 'no node yet'}." if home else ""
    return Row(
        name=volume.name,
        state=Mismatch.UNKNOWN,
        node=inventory.node,
        node_id=inventory.node_id,
        user=volume.user,
        size=volume.size,
        created_at=volume.created_at,
        driver=volume.driver,
        uid=volume.uid,
        message=where or "It was made for a home that no record knows; `swarmhub state rebuild`.",
    )


def show(found: Survey, node: str | None, form: Output | None) -> None:
    """Print what there is, or what is on one node.

    Raises:
        NotFound: nothing is known of such a node.
    """
    rows = [row for row in found.rows if node is None or node in (row.node, row.node_id)]
    if node is not None and not rows and not _is_known(found, node):
        raise NotFound(f"Nothing is known of a node {node!r}; `swarmhub nodes` lists them.")
    if form in {Output.JSON, Output.YAML}:
        content = {
            "apiVersion": API_VERSION,
            "kind": "HomeSurvey",
            "items": [_item(row) for row in rows],
            "nodes": [_node(one) for one in found.inventories.values()],
            "silent": dict(found.silent),
        }
        output.write(output.document(content, Document(form)))
    elif form is Output.NAME:
        for row in rows:
            output.write(f"home/{safe(row.name)}")
    elif rows:
        _print(rows, wide=form is Output.WIDE)
    else:
        output.warn("There are no homes yet." if node is None else "There are no homes there.")


def _is_known(found: Survey, node: str) -> bool:
    told = (name for one in found.inventories.values() for name in (one.node, one.node_id))
    return node in found.silent or node in set(told)


def _node(inventory: Inventory) -> dict[str, Any]:
    return inventory.model_dump(mode="json", by_alias=True, exclude={"volumes"})


def _item(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "node": row.node or None,
        "nodeId": row.node_id or None,
        "user": row.user or None,
        "server": row.server,
        "sizeBytes": row.size,
        "lastUsedAt": row.last_used_at.isoformat() if row.last_used_at else None,
        "createdAt": row.created_at.isoformat() if row.created_at else None,
        "driver": row.driver or None,
        "reclaim": row.reclaim or None,
        "uid": row.uid or None,
        "message": row.message,
    }


def _print(rows: list[Row], *, wide: bool) -> None:
    table = Table(_TITLES + (_WIDE if wide else ()), output.paint, colored="STATE")
    now = clock()
    cells = [_cells(row, now, wide=wide) for row in rows]
    table.fit(cells)
    for line in (table.header(), *map(table.line, cells)):
        output.write(line)


def _cells(row: Row, now: datetime, *, wide: bool) -> list[str]:
    ages = (age(row.last_used_at, now), age(row.created_at, now))
    rest = (row.user, row.server, row.node, row.state, size(row.size), *ages)
    more = (row.driver, row.reclaim, row.uid, row.message) if wide else ()
    return [safe(cell) or NONE for cell in (row.name, *map(cut, rest), *more)]


def size(count: int | None) -> str:
    """Return a number of bytes as a person reads it, as in 1.5GiB; "" if it is not known."""
    return "" if count is None else readable.size(count)
