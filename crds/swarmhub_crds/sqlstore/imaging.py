"""The images that the hub announces, and what the operator says of those that nodes are to have."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from sqlalchemy import Connection, delete, insert, select

from swarmhub_crds.image import SeenImage
from swarmhub_crds.sqlstore.tables import announced_images, images


def announced(connection: Connection) -> list[str]:
    """Return the names that the hub announced, in its order."""
    query = select(announced_images.c.image).order_by(announced_images.c.position)
    return [str(image) for image in connection.execute(query).scalars()]


def announce(connection: Connection, names: Sequence[str]) -> None:
    """Replace what the hub announces."""
    connection.execute(delete(announced_images))
    rows = [{"position": at, "image": name} for at, name in enumerate(names)]
    if rows:
        connection.execute(insert(announced_images), rows)


def seen(connection: Connection) -> list[SeenImage]:
    """Return what the operator says, in its order, without what cannot be read."""
    query = select(images.c.document).order_by(images.c.position)
    found = map(_decoded, connection.execute(query).scalars())
    return [one for one in found if one is not None]


def _decoded(document: object) -> SeenImage | None:
    try:
        return SeenImage.model_validate_json(document) if isinstance(document, str) else None
    except (ValidationError, RecursionError):
        return None


def replace_seen(connection: Connection, found: Sequence[SeenImage]) -> None:
    """Replace what the operator says."""
    connection.execute(delete(images))
    rows = [{"position": at, "document": one.model_dump_json()} for at, one in enumerate(found)]
    if rows:
        connection.execute(insert(images), rows)
