"""The nodes that the operator saw, and when the hub last saw each notebook in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from swarmhub_crds.node import SeenNode
from swarmhub_crds.sqlstore.clock import from_text, to_text
from swarmhub_crds.sqlstore.tables import activity, nodes, notebooks


def nodes_now(connection: Connection) -> list[SeenNode]:
    """Return the nodes by hostname, without what cannot be read: the operator writes it anew."""
    found = map(_decoded, connection.execute(select(nodes.c.document)).scalars())
    return sorted((n for n in found if n is not None), key=lambda n: (n.hostname, n.id))


def _decoded(document: object) -> SeenNode | None:
    try:
        return SeenNode.model_validate_json(document) if isinstance(document, str) else None
    except (ValidationError, RecursionError):
        return None


def replace_nodes(connection: Connection, seen: Sequence[SeenNode]) -> None:
    """Replace the list."""
    connection.execute(delete(nodes))
    rows = [{"id": one.id, "document": one.model_dump_json()} for one in seen]
    if rows:
        connection.execute(insert(nodes), rows)


def activity_now(connection: Connection) -> dict[str, datetime]:
    """Return when each notebook was last in use, as far as that is known."""
    found: dict[str, datetime] = {}
    for name, text in connection.execute(select(activity.c.name, activity.c.last_activity_at)):
        with suppress(ValueError):  # the hub writes it anew
            found[str(name)] = from_text(text)
    return found


def note_activity(connection: Connection, seen: Mapping[str, datetime]) -> None:
    """Write down when these were last in use, and forget what is no notebook any more."""
    known = select(notebooks.c.name)
    connection.execute(delete(activity).where(activity.c.name.not_in(known)))
    for name, moment in seen.items():
        connection.execute(delete(activity).where(activity.c.name == name))
        row = {"name": name, "last_activity_at": to_text(moment)}
        if connection.execute(known.where(notebooks.c.name == name)).first() is not None:
            connection.execute(insert(activity).values(row))
