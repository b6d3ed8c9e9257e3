"""What is held back, and whose removal a person has confirmed.

Both sides meet here: the operator replaces the list under its lease, the command confirms exact
ids of it, and the operator drops a confirmation once it has been dealt with.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from swarmhub_crds.errors import NotFound
from swarmhub_crds.held import Held
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.tables import confirmed_removals, held


def held_now(connection: Connection) -> list[Held]:
    """Return what is held, without what cannot be read: the operator writes it anew."""
    query = select(held.c.document).order_by(held.c.id)
    found = map(_decoded, connection.execute(query).scalars())
    return [one for one in found if one is not None]


def _decoded(document: object) -> Held | None:
    try:
        return Held.model_validate_json(document) if isinstance(document, str) else None
    except (ValidationError, RecursionError):
        return None


def replace_held(connection: Connection, found: Sequence[Held]) -> None:
    """Replace the list, and drop the confirmations of what is not on it any more."""
    connection.execute(delete(held))
    rows = [{"id": one.id, "document": one.model_dump_json()} for one in found]
    if rows:
        connection.execute(insert(held), rows)
    ids = {one.id for one in found}
    gone = [ident for ident in confirmed(connection) if ident not in ids]
    forget(connection, gone)


def confirm(connection: Connection, ids: Collection[str]) -> None:
    """Note that a person wants these removed.

    Raises:
        NotFound: one of them is not held, or nobody may remove it; nothing was written.
    """
    allowed = {one.id for one in held_now(connection) if one.removable}
    unknown = sorted(set(ids) - allowed)
    if unknown:
        raise NotFound(
            f"{unknown[0]!r} is not held, or not to be removed here; "
            "`swarmhub gc` lists what can be confirmed"
        )
    forget(connection, ids)
    now = to_text(utc_now())
    for ident in ids:
        connection.execute(insert(confirmed_removals).values(id=ident, confirmed_at=now))


def confirmed(connection: Connection) -> frozenset[str]:
    """Return the ids whose removal is confirmed."""
    found = connection.execute(select(confirmed_removals.c.id)).scalars()
    return frozenset(ident for ident in found if isinstance(ident, str))


def forget(connection: Connection, ids: Collection[str]) -> None:
    """Drop confirmations."""
    for ident in ids:
        connection.execute(delete(confirmed_removals).where(confirmed_removals.c.id == ident))
